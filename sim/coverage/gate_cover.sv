// Every verdict, and the borders between them.
`default_nettype none
module gate_cover #(
    parameter int MARGIN_BITS = 21,
    parameter int DELAY_BITS = 16
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic judging,
    input wire logic is_wanted,
    input wire logic [3:0] flaws,
    input wire logic [MARGIN_BITS-1:0] margin,
    input wire logic [31:0] least,
    input wire logic [DELAY_BITS-1:0] delay,
    input wire logic crowded,
    input wire logic late,
    input wire logic passed
);
  logic cut;
  cut_off record (.clk, .rst, .begun(judging || in_valid), .ended(1'b1), .cut);
  passes_at_once : cover property (@(posedge clk) !rst && judging && passed && !crowded && delay == 0);
  passes_for_its_time : cover property (@(posedge clk) !rst && judging && passed && !crowded && !late && delay != 0);
  passes_by_its_own_margin : cover property (@(posedge clk) !rst && judging && passed && least != 0 && 32'(margin) == least);
  rejected : cover property (@(posedge clk) !rst && judging && flaws == 0 && is_wanted && 32'(margin) < least);
  unwanted : cover property (@(posedge clk) !rst && judging && flaws == 0 && !is_wanted);
  late_one : cover property (@(posedge clk) !rst && judging && passed && late);
  crowded_one : cover property (@(posedge clk) !rst && judging && passed && !late && crowded);
  of_a_short_packet : cover property (@(posedge clk) !rst && judging && flaws[0]);
  of_a_long_packet : cover property (@(posedge clk) !rst && judging && flaws[1]);
  of_an_unsettled_background : cover property (@(posedge clk) !rst && judging && flaws[2]);
  decision_falls_into_a_reset : cover property (@(posedge clk) !rst && cut);
endmodule
bind gate gate_cover #(.MARGIN_BITS(MARGIN_BITS), .DELAY_BITS(DELAY_BITS)) points (.*);
`default_nettype wire
