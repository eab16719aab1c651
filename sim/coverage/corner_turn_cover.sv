// Groups that wait and leave, to lines and back.
`default_nettype none
module corner_turn_cover #(
    parameter int SLOTS = 2,
    parameter bit TO_LINES = 1
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic [$clog2(SLOTS+1)-1:0] groups,
    input wire logic read,
    input wire logic group_left,
    input wire logic out_valid
);
  logic cut;
  cut_off record (.clk, .rst, .begun(groups != 0), .ended(1'b1), .cut);
  if (TO_LINES) begin : g_lines
    rows_to_lines : cover property (@(posedge clk) !rst && group_left);
  end else begin : g_rows
    lines_to_rows : cover property (@(posedge clk) !rst && group_left);
  end
  group_waits : cover property (@(posedge clk) !rst && groups != 0 && !read);
  all_places_are_taken : cover property (@(posedge clk) !rst && 32'(groups) == SLOTS);
  group_comes_while_one_leaves : cover property (@(posedge clk) !rst && in_valid && out_valid);
  reset_while_a_group_waits : cover property (@(posedge clk) !rst && cut);
endmodule
bind corner_turn corner_turn_cover #(.SLOTS(SLOTS), .TO_LINES(TO_LINES)) points (.*);
`default_nettype wire
