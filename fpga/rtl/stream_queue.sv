// Words that wait between a sender and a receiver, each of which may pause.
module stream_queue #(
    parameter int BITS = 8,
    parameter int DEPTH = 2  // words, a power of two
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in_words,
    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out_words
);
  logic [$clog2(DEPTH):0] level;

  assign in_ready = !level[$clog2(DEPTH)];
  fifo #(.BITS(BITS), .DEPTH(DEPTH)) words (
      .clk, .rst, .write(in_valid && in_ready), .in_word(in_words), .read(out_valid && out_ready), .out_valid,
      .out_word(out_words), .level
  );
endmodule
