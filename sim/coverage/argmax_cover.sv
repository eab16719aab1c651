// Which class is the largest, equal ones, and answers that wait.
`default_nettype none
module argmax_cover #(
    parameter int CLASSES = 5,
    parameter int BITS = 20,
    parameter int CLASS_BITS = $clog2(CLASSES + 1)
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_valid,
    input wire logic out_ready,
    input wire logic [CLASS_BITS-1:0] out_class,
    input wire logic [BITS:0] out_margin,
    input wire logic signed [BITS:0] largest,
    input wire logic busy
);
  logic cut;
  cut_off record (.clk, .rst, .begun(busy), .ended(1'b1), .cut);
  first_class_is_the_largest : cover property (@(posedge clk) !rst && out_valid && CLASSES > 1 && out_class == 0);
  last_class_is_the_largest : cover property (@(posedge clk) !rst && out_valid && CLASSES > 1 && 32'(out_class) == CLASSES - 1);
  two_are_equal : cover property (@(posedge clk) !rst && out_valid && CLASSES > 1 && out_margin == 0);
  largest_is_below_zero : cover property (@(posedge clk) !rst && out_valid && largest < 0);
  answer_is_taken_at_once : cover property (@(posedge clk) !rst && out_valid && out_ready);
  answer_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  logits_wait : cover property (@(posedge clk) !rst && in_valid && !in_ready);
  reset_while_busy : cover property (@(posedge clk) !rst && cut);
endmodule
bind argmax argmax_cover #(.CLASSES(CLASSES), .BITS(BITS)) points (.*);
`default_nettype wire
