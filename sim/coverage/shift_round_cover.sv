// Every kind of rest, saturation to both sides, and shifts from none to the largest.
`default_nettype none
module shift_round_cover #(
    parameter int IN_BITS = 26,
    parameter int OUT_BITS = 18,
    parameter int SHIFT_BITS = 6,
    parameter int FIXED = -1,
    parameter bit SATURATE = 1
) (
    input wire logic clk,
    input wire logic [SHIFT_BITS-1:0] shift,
    input wire logic signed [IN_BITS-1:0] quotient,
    input wire logic signed [IN_BITS-1:0] nearest,
    input wire logic guard,
    input wire logic sticky
);
  localparam logic signed [63:0] MOST = (64'sd1 <<< (OUT_BITS - 1)) - 64'sd1;
  exact : cover property (@(posedge clk) !guard && !sticky && quotient != 0);
  less_than_a_half : cover property (@(posedge clk) !guard && sticky);
  more_than_a_half : cover property (@(posedge clk) guard && sticky);
  tie_goes_up_to_even : cover property (@(posedge clk) guard && !sticky && quotient[0]);
  tie_goes_down_to_even : cover property (@(posedge clk) guard && !sticky && !quotient[0]);
  tie_below_zero : cover property (@(posedge clk) guard && !sticky && quotient < 0);
  rounds_up_to_zero : cover property (@(posedge clk) guard && sticky && &quotient);
  if (SATURATE && OUT_BITS < IN_BITS) begin : g_saturates
    saturates_at_the_top : cover property (@(posedge clk) 64'(nearest) > MOST);
    saturates_at_the_bottom : cover property (@(posedge clk) 64'(nearest) < -MOST - 64'sd1);
    reaches_the_top : cover property (@(posedge clk) 64'(nearest) == MOST);
    reaches_the_bottom : cover property (@(posedge clk) 64'(nearest) == -MOST - 64'sd1);
  end
  if (FIXED < 0) begin : g_variable
    shift_by_nothing : cover property (@(posedge clk) shift == 0);
    shift_by_one_to_seven : cover property (@(posedge clk) shift > 0 && shift < 8);
    shift_by_eight : cover property (@(posedge clk) shift == 8);
    shift_beyond_eight : cover property (@(posedge clk) shift > 8 && 32'(shift) < IN_BITS);
  end
endmodule
bind shift_round shift_round_cover #(
    .IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .SHIFT_BITS(SHIFT_BITS), .FIXED(FIXED), .SATURATE(SATURATE)
) points (.*);
`default_nettype wire
