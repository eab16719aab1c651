// The way out of sums that are made of additions, a beat a clock: they are rounded, and wait for who takes them.
//
// Sums come CLOCKS clocks after the beat that they are made of was taken; a place is reserved for them meanwhile.
`default_nettype none
module rounded_sums #(
    parameter int WORDS = 4,            // of a beat
    parameter int CLOCKS = 4,
    parameter int SUM_BITS = 20,
    parameter bit SUM_SIGNED = 1,
    parameter bit ROUNDS = 1,           // what follows is as in round_word; else sums leave as they are
    parameter int SHIFT = 4,
    parameter int ROUNDING = 2,
    parameter int OVERFLOW = 1,
    parameter int OUT_BITS = 8,
    parameter bit OUT_SIGNED = 1,
    parameter int DEPTH = 16            // of the queue behind, a power of two
) (
    input wire logic                      clk,
    input wire logic                      rst,
    input wire logic                      in_valid,
    output     logic                      in_ready,
    input wire logic [WORDS*SUM_BITS-1:0] sums,
    output     logic                      out_valid,
    input wire logic                      out_ready,
    output     logic [WORDS*OUT_BITS-1:0] out_words
);
  logic [WORDS*OUT_BITS-1:0] words;
  logic words_valid, taken;
  assign taken = in_valid && in_ready;
  pipeline_valid #(.CLOCKS(CLOCKS + 1)) valid_pipeline (.clk, .rst, .in_valid(taken), .out_valid(words_valid));
  generate
    for (genvar i = 0; i < WORDS; ++i) begin : g_word
      logic [OUT_BITS-1:0] word;
      if (ROUNDS) begin : g_round
        round_word #(
            .IN_BITS(SUM_BITS), .IN_SIGNED(SUM_SIGNED), .SHIFT(SHIFT), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW),
            .OUT_BITS(OUT_BITS), .OUT_SIGNED(OUT_SIGNED)
        ) round (.in_word(sums[i*SUM_BITS+:SUM_BITS]), .out_word(word));
      end else begin : g_whole
        assign word = sums[i*SUM_BITS+:SUM_BITS];
      end
      always_ff @(posedge clk) words[i*OUT_BITS+:OUT_BITS] <= word;
    end
  endgenerate
  reserved_queue #(.BITS(WORDS * OUT_BITS), .DEPTH(DEPTH)) queue (
      .clk, .rst, .reserve(taken), .available(in_ready), .in_valid(words_valid), .in_words(words), .out_valid,
      .out_ready, .out_words
  );
endmodule
`default_nettype wire
