// Rows that come too fast and too slowly, windows that wait, and resets.
`default_nettype none
module sliding_window_cover #(
    parameter int ROW_BITS = 4,
    parameter int COLUMN_BITS = 4
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_valid,
    input wire logic out_ready,
    input wire logic here,
    input wire logic advance,
    input wire logic drops,
    input wire logic row_done,
    input wire logic last_row,
    input wire logic written,
    input wire logic [ROW_BITS-1:0] dropping,
    input wire logic [ROW_BITS-1:0] out_row,
    input wire logic [COLUMN_BITS-1:0] step
);
  logic begun, cut;  // a map has; a reset cut one off
  always_ff @(posedge clk) begin
    if (rst) begun <= 1'b0;
    else if (written) begun <= 1'b1;
  end
  cut_off record (.clk, .rst, .begun, .ended(row_done && last_row), .cut);
  rows_have_no_room : cover property (@(posedge clk) !rst && in_valid && !in_ready);
  step_waits_for_pixels : cover property (@(posedge clk) !rst && !here && dropping == 0 && (step != 0 || out_row != 0) && advance);
  window_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  receiver_waits : cover property (@(posedge clk) !rst && !out_valid && out_ready);
  row_is_dropped_while_one_comes : cover property (@(posedge clk) !rst && drops && written);
  rows_are_dropped_while_a_window_waits : cover property (@(posedge clk) !rst && dropping != 0 && out_valid && !out_ready);
  map_ends : cover property (@(posedge clk) !rst && row_done && last_row);
  map_ends_while_the_next_one_comes : cover property (@(posedge clk) !rst && row_done && last_row && written);
  map_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && row_done && last_row);
endmodule
bind sliding_window sliding_window_cover #(.ROW_BITS(ROW_BITS), .COLUMN_BITS(COLUMN_BITS)) points (.*);
`default_nettype wire
