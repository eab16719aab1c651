// One Fourier transform of N words a line on SAMPLES lines at once: log2 N butterflies in a row, out in bit-reversed
// order.
//
// Words come in one bit wider than stored ones (the quotient's width) and leave grown by a bit a level, unless they are
// SATURATEd. Where all lanes are NEIGHBORS on one line, word i is in lane i mod NEIGHBORS.
`default_nettype none
module transform #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,        // N
    parameter int IN_BITS = contract_pkg::WORD_BITS + 1,
    parameter bit INVERSE = 0,
    parameter int NEIGHBORS = 1,  // 1 or SAMPLES
    parameter bit SATURATE = 0,
    parameter int OUT_BITS = SATURATE ? IN_BITS : IN_BITS + $clog2(SIZE),
    parameter TWIDDLE_FILE = "twiddle.mem"
) (
    input wire logic                                           clk,
    input wire logic                                           rst,
    input wire logic                                           in_valid,
    input wire logic [                    SAMPLES*2*IN_BITS-1:0] in_words,
    output     logic                                           out_valid,
    output     logic [                   SAMPLES*2*OUT_BITS-1:0] out_words
);
  localparam int LEVELS = $clog2(SIZE);

  // Between levels; each takes as many of the bits as its words have.
  logic [LEVELS:0][SAMPLES*2*OUT_BITS-1:0] words;
  logic [LEVELS:0] valid;
  assign words[0]  = (SAMPLES * 2 * OUT_BITS)'(in_words);
  assign valid[0]  = in_valid;
  assign out_words = words[LEVELS];
  assign out_valid = valid[LEVELS];

  generate
    for (genvar level = 0; level < LEVELS; ++level) begin : g_level
      localparam int BITS = SATURATE ? IN_BITS : IN_BITS + level;
      localparam int NEXT_BITS = SATURATE ? IN_BITS : BITS + 1;
      logic [SAMPLES*2*NEXT_BITS-1:0] leaving;
      if ((SIZE >> (level + 1)) >= NEIGHBORS) begin : g_clocks
        butterfly #(
            .SAMPLES(SAMPLES), .SIZE(SIZE), .LEVEL(level), .IN_BITS(BITS), .INVERSE(INVERSE), .NEIGHBORS(NEIGHBORS),
            .SATURATE(SATURATE), .TWIDDLE_FILE(TWIDDLE_FILE)
        ) butterfly (
            .clk,
            .rst,
            .in_valid(valid[level]),
            .in_words(words[level][SAMPLES*2*BITS-1:0]),
            .out_valid(valid[level+1]),
            .out_words(leaving)
        );
      end else begin : g_lanes
        lane_butterfly #(
            .SAMPLES(SAMPLES), .SPAN(SIZE >> (level + 1)), .IN_BITS(BITS), .INVERSE(INVERSE), .SATURATE(SATURATE)
        ) butterfly (
            .clk,
            .rst,
            .in_valid(valid[level]),
            .in_words(words[level][SAMPLES*2*BITS-1:0]),
            .out_valid(valid[level+1]),
            .out_words(leaving)
        );
      end
      assign words[level+1] = (SAMPLES * 2 * OUT_BITS)'(leaving);
    end
  endgenerate
endmodule
`default_nettype wire
