// Beats that are kept and dropped, with pauses of both sides.
`default_nettype none
module crop_map_cover #(
    parameter int ROWS = 8,
    parameter int BEATS = 8
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_valid,
    input wire logic out_ready,
    input wire logic within_map,
    input wire logic [$clog2(ROWS+1)-1:0] row,
    input wire logic [$clog2(BEATS+1)-1:0] beat
);
  logic ended, cut;
  always_ff @(posedge clk) ended <= !rst && in_valid && in_ready && 32'(row) == ROWS - 1 && 32'(beat) == BEATS - 1;
  cut_off record (.clk, .rst, .begun(row != 0 || beat != 0), .ended, .cut);
  beat_is_dropped_while_the_receiver_pauses : cover property (@(posedge clk) !rst && in_valid && !within_map && !out_ready);
  beat_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  sender_pauses_within_a_map : cover property (@(posedge clk) !rst && !in_valid && (row != 0 || beat != 0));
  map_follows_at_once : cover property (@(posedge clk) !rst && ended && in_valid && in_ready);
  map_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && ended);
endmodule
bind crop_map crop_map_cover #(.ROWS(ROWS), .BEATS(BEATS)) points (.*);
`default_nettype wire
