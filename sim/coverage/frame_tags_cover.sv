// Packets inside, from none to as many as may be.
`default_nettype none
module frame_tags_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic room,
    input wire logic beat_taken,
    input wire logic ended,
    input wire logic intact,
    input wire logic too_long,
    input wire logic out_valid,
    input wire logic take,
    input wire logic starts
);
  logic cut;
  cut_off record (.clk, .rst, .begun(!starts), .ended(1'b1), .cut);
  no_more_packets_may_enter : cover property (@(posedge clk) !rst && !room);
  packet_ends_while_one_is_judged : cover property (@(posedge clk) !rst && ended && take);
  packet_starts_while_one_is_judged : cover property (@(posedge clk) !rst && beat_taken && starts && take);
  verdict_waits_for_its_packet : cover property (@(posedge clk) !rst && !out_valid);
  short_packet : cover property (@(posedge clk) !rst && ended && !intact && !too_long);
  long_packet : cover property (@(posedge clk) !rst && ended && too_long);
  reset_within_a_packet : cover property (@(posedge clk) !rst && cut);
endmodule
bind frame_tags frame_tags_cover points (.*);
`default_nettype wire
