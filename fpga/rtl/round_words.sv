// The words of a stream in another fixed-point format.
`default_nettype none
module round_words #(
    parameter int WORDS = 1,        // of a beat
    parameter int IN_BITS = 16,
    parameter bit IN_SIGNED = 1,
    parameter int SHIFT = 4,        // the rest as in round_word
    parameter int SLOPE_SHIFT = 0,
    parameter int ROUNDING = 2,
    parameter int OVERFLOW = 1,
    parameter int OUT_BITS = 8,
    parameter bit OUT_SIGNED = 1
) (
    input wire logic                      clk,
    input wire logic                      rst,
    input wire logic                      in_valid,
    output     logic                      in_ready,
    input wire logic [ WORDS*IN_BITS-1:0] in_words,
    output     logic                      out_valid,
    input wire logic                      out_ready,
    output     logic [WORDS*OUT_BITS-1:0] out_words
);
  logic [WORDS*OUT_BITS-1:0] rounded;

  generate
    for (genvar i = 0; i < WORDS; ++i) begin : g_word
      round_word #(
          .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .SHIFT(SHIFT), .SLOPE_SHIFT(SLOPE_SHIFT), .ROUNDING(ROUNDING),
          .OVERFLOW(OVERFLOW), .OUT_BITS(OUT_BITS), .OUT_SIGNED(OUT_SIGNED)
      ) round (.in_word(in_words[i*IN_BITS+:IN_BITS]), .out_word(rounded[i*OUT_BITS+:OUT_BITS]));
    end
  endgenerate
  stream_queue #(.BITS(WORDS * OUT_BITS), .DEPTH(2)) queue (
      .clk, .rst, .in_valid, .in_ready, .in_words(rounded), .out_valid, .out_ready, .out_words
  );
endmodule
`default_nettype wire
