// pool_word: the larger of two words, with and without sign, or their sum.
module pool_word_proof (
    input logic clk,
    input logic [3:0] first,
    input logic [3:0] second
);
  logic [3:0] larger, larger_unsigned, sum;
  pool_word #(.BITS(4)) dut (.first, .second, .pooled(larger));
  pool_word #(.BITS(4), .IS_SIGNED(0)) without_sign (.first, .second, .pooled(larger_unsigned));
  pool_word #(.BITS(4), .MEAN(1)) mean (.first, .second, .pooled(sum));
  always_ff @(posedge clk) begin
    it_is_one_of_them: assert (larger == first || larger == second);
    none_is_larger: assert ($signed(larger) >= $signed(first) && $signed(larger) >= $signed(second));
    one_of_them_without_sign: assert (larger_unsigned == first || larger_unsigned == second);
    none_is_larger_without_sign: assert (larger_unsigned >= first && larger_unsigned >= second);
    a_mean_adds: assert (sum == 4'(first + second));
  end
endmodule
