// mean_word: a sum divided by COUNT, rounded toward zero, for every sum.
module mean_word_proof #(
    parameter int COUNT = 9,
    parameter int APPENDED = 0,
    parameter bit IN_SIGNED = 1
) (
    input logic clk,
    input logic [8:0] sum
);
  logic [11:0] mean;
  logic signed [15:0] value;
  mean_word #(.IN_BITS(9), .IN_SIGNED(IN_SIGNED), .APPENDED(APPENDED), .COUNT(COUNT), .OUT_BITS(12)) dut (.*);
  assign value = (IN_SIGNED ? 16'($signed(sum)) : 16'(sum)) * (1 << APPENDED);
  always_ff @(posedge clk) it_is_the_law: assert (mean == 12'(value / COUNT));
endmodule
