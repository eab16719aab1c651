// Pauses of both sides within a beat.
`default_nettype none
module narrow_beats_cover #(
    parameter int PIXELS = 2
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_ready,
    input wire logic [$clog2(PIXELS)-1:0] pixel
);
  logic cut;
  cut_off record (.clk, .rst, .begun(pixel != 0), .ended(1'b1), .cut);
  logic ended;
  always_ff @(posedge clk) ended <= !rst && in_valid && in_ready;
  beat_follows_at_once : cover property (@(posedge clk) !rst && ended && in_valid);
  sender_pauses : cover property (@(posedge clk) !rst && !in_valid && out_ready);
  receiver_pauses_within_a_beat : cover property (@(posedge clk) !rst && in_valid && !out_ready && pixel != 0);
  reset_within_a_beat : cover property (@(posedge clk) !rst && cut);
endmodule
bind narrow_beats narrow_beats_cover #(.PIXELS(PIXELS)) points (.*);
`default_nettype wire
