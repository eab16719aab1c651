// Words that wait between a sender and a receiver, each of which may pause.
`default_nettype none
module stream_queue #(
    parameter int BITS = 8,
    parameter int DEPTH = 2  // words, a power of two
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic            in_valid,
    output     logic            in_ready,
    input wire logic [BITS-1:0] in_words,
    output     logic            out_valid,
    input wire logic            out_ready,
    output     logic [BITS-1:0] out_words
);
  logic [$clog2(DEPTH):0] level;

  assign in_ready = !level[$clog2(DEPTH)];
  fifo #(.BITS(BITS), .DEPTH(DEPTH)) words (
      .clk, .rst, .write(in_valid && in_ready), .in_word(in_words), .read(out_valid && out_ready), .out_valid,
      .out_word(out_words), .level
  );

  stream_rules #(.BITS(BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
