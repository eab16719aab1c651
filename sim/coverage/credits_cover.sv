// Down to none and back.
`default_nettype none
module credits_cover #(
    parameter int COUNT = 4
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic take,
    input wire logic give,
    input wire logic available,
    input wire logic [$clog2(COUNT+1)-1:0] left
);
  logic cut;
  cut_off record (.clk, .rst, .begun(32'(left) != COUNT), .ended(1'b1), .cut);
  none_left : cover property (@(posedge clk) !rst && !available);
  last_one_is_taken : cover property (@(posedge clk) !rst && take && !give && left == 1);
  taken_and_given_at_once : cover property (@(posedge clk) !rst && take && give);
  taken_and_given_at_once_at_the_last_one : cover property (@(posedge clk) !rst && take && give && left == 1);
  given_back_while_none_is_left : cover property (@(posedge clk) !rst && give && left == 0);
  all_are_back : cover property (@(posedge clk) !rst && give && !take && 32'(left) == COUNT - 1);
  reset_while_some_are_out : cover property (@(posedge clk) !rst && cut);
endmodule
bind credits credits_cover #(.COUNT(COUNT)) points (.*);
`default_nettype wire
