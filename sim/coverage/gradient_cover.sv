// Dark pixels, equal ones, and logarithms at their limits.
`default_nettype none
module gradient_cover #(
    parameter int IN_BITS = 8,
    parameter int OUT_BITS = 18
) (
    input wire logic clk,
    input wire logic [IN_BITS-1:0] plus,
    input wire logic [IN_BITS-1:0] minus,
    input wire logic signed [OUT_BITS-1:0] ratio,
    input wire logic fits
);
  both_are_dark : cover property (@(posedge clk) plus == 0 && minus == 0);
  one_is_dark : cover property (@(posedge clk) plus != 0 && minus == 0);
  other_is_dark : cover property (@(posedge clk) plus == 0 && minus != 0);
  both_are_equal : cover property (@(posedge clk) plus != 0 && plus == minus);
  both_are_white : cover property (@(posedge clk) &plus && &minus);
  one_against_white : cover property (@(posedge clk) plus == 1 && &minus);
  ratio_saturates_at_the_top : cover property (@(posedge clk) !fits && ratio >= 0);
  ratio_saturates_at_the_bottom : cover property (@(posedge clk) !fits && ratio < 0);
endmodule
bind gradient gradient_cover #(.IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS)) points (.*);
`default_nettype wire
