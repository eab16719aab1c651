// Empty, full, and both sides at once.
`default_nettype none
module fifo_cover #(
    parameter int DEPTH = 2
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic write,
    input wire logic read,
    input wire logic [$clog2(DEPTH):0] level
);
  logic cut;
  cut_off record (.clk, .rst, .begun(level != 0), .ended(1'b1), .cut);
  first_word : cover property (@(posedge clk) !rst && write && level == 0);
  last_word_is_read : cover property (@(posedge clk) !rst && read && !write && level == 1);
  last_word_is_read_while_one_is_written : cover property (@(posedge clk) !rst && read && write && level == 1);
  full : cover property (@(posedge clk) !rst && 32'(level) == DEPTH);
  both_sides_at_once_while_full : cover property (@(posedge clk) !rst && write && read && 32'(level) == DEPTH);
  reset_while_words_wait : cover property (@(posedge clk) !rst && cut);
endmodule
bind fifo fifo_cover #(.DEPTH(DEPTH)) points (.*);
`default_nettype wire
