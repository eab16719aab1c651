// round_word: every word, every rounding and overflow, shifts of both signs, by the law.
module round_word_proof #(
    parameter int IN_BITS = 6,
    parameter bit IN_SIGNED = 1,
    parameter bit OUT_SIGNED = 1,
    parameter int OUT_BITS = 4,
    parameter int SLOPE_SHIFT = 0
) (
    input logic clk,
    input logic [IN_BITS-1:0] in_word
);
  logic signed [23:0] value;
  assign value = IN_SIGNED ? 24'($signed(in_word)) : 24'({1'b0, in_word});
  logic [80:0] same;
  generate
    for (genvar rounding = 0; rounding < 3; ++rounding) begin : g_rounding
      for (genvar overflow = 0; overflow < 3; ++overflow) begin : g_overflow
        for (genvar place = 0; place < 9; ++place) begin : g_shift
          localparam int SHIFT = place - 2;
          logic [OUT_BITS-1:0] out_word, wanted;
          round_word #(
              .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .SHIFT(SHIFT), .SLOPE_SHIFT(SLOPE_SHIFT), .ROUNDING(rounding),
              .OVERFLOW(overflow), .OUT_BITS(OUT_BITS), .OUT_SIGNED(OUT_SIGNED)
          ) dut (.in_word, .out_word);
          rounding_law #(
              .ROUNDING(rounding), .OVERFLOW(overflow), .OUT_BITS(OUT_BITS), .OUT_SIGNED(OUT_SIGNED)
          ) law (.value, .shift(8'(value < 0 ? SHIFT + SLOPE_SHIFT : SHIFT)), .out_word(wanted));
          assign same[27*rounding+9*overflow+place] = out_word == wanted;
        end
      end
    end
  endgenerate
  always_ff @(posedge clk) all_are_the_law: assert (&same);
endmodule
