// Zeros ahead of a map, within it and behind it, with pauses of both sides.
`default_nettype none
module pad_map_cover #(
    parameter int OUT_ROWS = 8,
    parameter int OUT_COLUMNS = 8
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_valid,
    input wire logic out_ready,
    input wire logic within_map,
    input wire logic ahead,
    input wire logic [$clog2(OUT_ROWS+1)-1:0] row,
    input wire logic [$clog2(OUT_COLUMNS+1)-1:0] column
);
  logic ended, cut;
  always_ff @(posedge clk)
    ended <= !rst && out_valid && out_ready && 32'(row) == OUT_ROWS - 1 && 32'(column) == OUT_COLUMNS - 1;
  cut_off record (.clk, .rst, .begun(row != 0 || column != 0), .ended, .cut);
  zeros_ahead_wait_for_a_map : cover property (@(posedge clk) !rst && ahead && !in_valid && out_ready);
  zeros_within_and_behind_wait_for_nobody : cover property (@(posedge clk) !rst && !ahead && !within_map && !in_valid && out_ready);
  zero_waits_for_the_receiver : cover property (@(posedge clk) !rst && out_valid && !within_map && !out_ready);
  pixel_waits_for_the_receiver : cover property (@(posedge clk) !rst && in_valid && within_map && !out_ready);
  sender_pauses_within_a_map : cover property (@(posedge clk) !rst && within_map && !in_valid);
  map_follows_at_once : cover property (@(posedge clk) !rst && ended && out_valid && out_ready);
  map_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && ended);
endmodule
bind pad_map pad_map_cover #(.OUT_ROWS(OUT_ROWS), .OUT_COLUMNS(OUT_COLUMNS)) points (.*);
`default_nettype wire
