// Frames one behind the other through the same places, groups that wait, exponents that agree and differ.
`default_nettype none
module transpose_cover #(
    parameter int SAMPLES = 1,
    parameter int EXPONENT_BITS = 6,
    parameter int GROUP_BITS = 3
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic room,
    input wire logic in_valid,
    input wire logic in_first,
    input wire logic [GROUP_BITS-1:0] in_group,
    input wire logic [EXPONENT_BITS-1:0] group_largest,
    input wire logic [EXPONENT_BITS-1:0] largest,
    input wire logic frame_whole,
    input wire logic ready,
    input wire logic launch,
    input wire logic out_valid,
    input wire logic in_odd,
    input wire logic out_odd,
    input wire logic whole,
    input wire logic [EXPONENT_BITS-1:0] shift
);
  logic reset_within_a_frame_cut;
  cut_off reset_within_a_frame_record (.clk, .rst, .begun(in_group != 0), .ended(1'b1), .cut(reset_within_a_frame_cut));
  logic reset_while_a_frame_leaves_cut;
  cut_off reset_while_a_frame_leaves_record (.clk, .rst, .begun(whole), .ended(1'b1), .cut(reset_while_a_frame_leaves_cut));
  no_room : cover property (@(posedge clk) !rst && !room);
  group_waits : cover property (@(posedge clk) !rst && ready && !launch);
  group_comes_while_one_leaves : cover property (@(posedge clk) !rst && in_valid && out_valid);
  next_frame_comes_while_one_leaves : cover property (@(posedge clk) !rst && in_valid && out_valid && in_odd != out_odd);
  frame_along_rows : cover property (@(posedge clk) !rst && frame_whole && in_odd);
  frame_along_columns : cover property (@(posedge clk) !rst && frame_whole && !in_odd);
  largest_exponent_comes_first : cover property (@(posedge clk) !rst && in_first && in_group != 0 && group_largest < largest);
  largest_exponent_comes_later : cover property (@(posedge clk) !rst && in_first && in_group != 0 && group_largest > largest);
  words_of_the_largest_exponent : cover property (@(posedge clk) !rst && whole && shift == EXPONENT_BITS'(contract_pkg::TRANSPOSE_GUARD_BITS));
  words_of_a_smaller_exponent : cover property (@(posedge clk) !rst && whole && shift > EXPONENT_BITS'(contract_pkg::TRANSPOSE_GUARD_BITS) && shift < 32);
  reset_within_a_frame : cover property (@(posedge clk) !rst && reset_within_a_frame_cut);
  reset_while_a_frame_leaves : cover property (@(posedge clk) !rst && reset_while_a_frame_leaves_cut);
endmodule
bind transpose transpose_cover #(
    .SAMPLES(SAMPLES), .EXPONENT_BITS(EXPONENT_BITS), .GROUP_BITS(GROUP_BITS)
) points (.*);
`default_nettype wire
