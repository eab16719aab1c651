// Rows at fresh places and at those that others have left.
`default_nettype none
module row_places_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic write,
    input wire logic any_fresh,
    input wire logic read_last
);
  logic cut;
  cut_off record (.clk, .rst, .begun(!any_fresh), .ended(1'b1), .cut);
  fresh_place : cover property (@(posedge clk) !rst && write && any_fresh);
  place_that_another_row_left : cover property (@(posedge clk) !rst && write && !any_fresh);
  place_is_given_back_while_one_is_taken : cover property (@(posedge clk) !rst && write && read_last);
  reset_after_all_were_taken : cover property (@(posedge clk) !rst && cut);
endmodule
bind row_places row_places_cover points (.*);
`default_nettype wire
