// Exponents of line groups that are on their way through a segment, in order; the oldest is visible.
//
// Holds one a group, and groups in a segment are counted by its credits.
`default_nettype none
module exponent_queue #(
    parameter int SAMPLES = 1,
    parameter int BITS = 6,
    parameter int DEPTH = 8  // groups, a power of two
) (
    input wire logic                  clk,
    input wire logic                  rst,
    input wire logic                  write,
    input wire logic [SAMPLES*BITS-1:0] in_exponents,
    input wire logic                  read,
    output     logic [SAMPLES*BITS-1:0] out_exponents
);
  logic unused_valid;
  logic [$clog2(DEPTH):0] unused_level;
  fifo #(.BITS(SAMPLES * BITS), .DEPTH(DEPTH)) queue (
      .clk, .rst, .write, .in_word(in_exponents), .read, .out_valid(unused_valid), .out_word(out_exponents),
      .level(unused_level)
  );
endmodule
`default_nettype wire
