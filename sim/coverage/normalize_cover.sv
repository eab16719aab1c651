// Every exponent of a line, lines that wait, and lines that leave one behind the other.
`default_nettype none
module normalize_cover #(
    parameter int SAMPLES = 1,
    parameter int SLOTS = 2,
    parameter int EXPONENT_BITS = 6
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic line_ready,
    input wire logic line_start,
    input wire logic line_left,
    input wire logic out_valid,
    input wire logic out_first,
    input wire logic [SAMPLES*EXPONENT_BITS-1:0] out_exponents,
    input wire logic [$clog2(SLOTS+1)-1:0] waiting
);
  logic cut;
  cut_off record (.clk, .rst, .begun(waiting != 0), .ended(1'b1), .cut);
  logic [EXPONENT_BITS-1:0] first_exponent;
  logic left_before;
  assign first_exponent = out_exponents[EXPONENT_BITS-1:0];
  always_ff @(posedge clk) left_before <= !rst && line_left;
  exponent_0 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 0);
  exponent_1 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 1);
  exponent_2 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 2);
  exponent_3 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 3);
  exponent_4 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 4);
  exponent_5 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 5);
  exponent_6 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 6);
  exponent_7 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 7);
  exponent_8 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 8);
  exponent_9 : cover property (@(posedge clk) !rst && out_valid && out_first && first_exponent == 9);
  line_waits : cover property (@(posedge clk) !rst && line_ready && !line_start);
  all_places_are_taken : cover property (@(posedge clk) !rst && 32'(waiting) == SLOTS);
  line_follows_at_once : cover property (@(posedge clk) !rst && line_left && line_start || !rst && left_before && line_start);
  line_comes_while_one_leaves : cover property (@(posedge clk) !rst && in_valid && out_valid);
  reset_while_a_line_waits : cover property (@(posedge clk) !rst && cut);
endmodule
bind normalize normalize_cover #(.SAMPLES(SAMPLES), .SLOTS(SLOTS), .EXPONENT_BITS(EXPONENT_BITS)) points (.*);
`default_nettype wire
