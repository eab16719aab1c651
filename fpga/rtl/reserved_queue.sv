// The way out of a pipeline that cannot pause: a place is reserved before a result starts on its way, so that it always
// finds one, however long the receiver pauses.
`default_nettype none
module reserved_queue #(
    parameter int BITS = 8,
    parameter int DEPTH = 16  // results in the pipeline and waiting, a power of two
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic            reserve,    // only while available
    output     logic            available,
    input wire logic            in_valid,
    input wire logic [BITS-1:0] in_words,
    output     logic            out_valid,
    input wire logic            out_ready,
    output     logic [BITS-1:0] out_words
);
  logic leaves;
  logic [$clog2(DEPTH):0] level;

  assign leaves = out_valid && out_ready;
  credits #(.COUNT(DEPTH)) places (.clk, .rst, .take(reserve), .give(leaves), .available);
  fifo #(.BITS(BITS), .DEPTH(DEPTH)) words (
      .clk, .rst, .write(in_valid), .in_word(in_words), .read(leaves), .out_valid, .out_word(out_words), .level
  );

  stream_rules #(.BITS(BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
