// Packets of every length beside a kernel that has streams alone, and resets within them.
`default_nettype none
module kernel_registers_cover #(
    parameter int FRAME_BEATS = 1
) (
    input wire logic aclk,
    input wire logic core_aresetn,
    input wire logic open,
    input wire logic s_axis_tvalid,
    input wire logic s_axis_tready,
    input wire logic m_axis_tvalid,
    input wire logic m_axis_tready,
    input wire logic [31:0] beats,
    input wire logic frame_ended,
    input wire logic frame_intact
);
  logic ended_before, cut;
  always_ff @(posedge aclk) ended_before <= core_aresetn && frame_ended;
  cut_off record (.clk(aclk), .rst(!core_aresetn), .begun(beats != 0), .ended(frame_ended), .cut);
  intact_packet : cover property (@(posedge aclk) core_aresetn && frame_ended && frame_intact);
  packet_of_one_beat : cover property (@(posedge aclk) core_aresetn && frame_ended && beats == 0);
  packet_that_lacks_one_beat : cover property (@(posedge aclk) core_aresetn && frame_ended && beats == 32'(FRAME_BEATS - 2));
  packet_with_one_beat_too_many : cover property (@(posedge aclk) core_aresetn && frame_ended && beats == 32'(FRAME_BEATS));
  packet_of_more_than_two_frames : cover property (@(posedge aclk) core_aresetn && frame_ended && beats > 32'(2 * FRAME_BEATS));
  packet_follows_at_once : cover property (@(posedge aclk) ended_before && s_axis_tvalid && s_axis_tready);
  sender_waits_for_the_kernel : cover property (@(posedge aclk) open && s_axis_tvalid && !s_axis_tready);
  pixels_wait : cover property (@(posedge aclk) open && m_axis_tvalid && !m_axis_tready);
  beats_are_offered_within_a_reset : cover property (@(posedge aclk) !open && s_axis_tvalid);
  packet_after_a_reset_within_one : cover property (@(posedge aclk) core_aresetn && cut && frame_ended);
endmodule
bind kernel_registers kernel_registers_cover #(.FRAME_BEATS(FRAME_BEATS)) points (.*);
`default_nettype wire
