// Transfers of no, one and many whole frames, with and without a piece, pauses of all kinds.
`default_nettype none
module batch_cutter_cover #(
    parameter int FRAME_BEATS = 16
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic s_axis_tvalid,
    input wire logic s_axis_tlast,
    input wire logic m_axis_tready,
    input wire logic room,
    input wire logic step,
    input wire logic frame_complete,
    input wire logic [31:0] beat,
    input wire logic [31:0] frames_here
);
  logic batch_before, begun, cut;
  always_ff @(posedge clk) begin
    batch_before <= !rst && step && s_axis_tlast;
    if (rst) begun <= 1'b0;
    else if (step) begun <= !s_axis_tlast;
  end
  cut_off record (.clk, .rst, .begun, .ended(step && s_axis_tlast), .cut);
  transfer_of_one_beat : cover property (@(posedge clk) !rst && step && s_axis_tlast && beat == 0 && frames_here == 0);
  transfer_without_a_whole_frame : cover property (@(posedge clk) !rst && step && s_axis_tlast && frames_here == 0);
  transfer_of_one_frame : cover property (@(posedge clk) !rst && step && s_axis_tlast && frame_complete && frames_here == 1);
  transfer_of_many_frames : cover property (@(posedge clk) !rst && step && s_axis_tlast && frame_complete && frames_here > 2);
  transfer_that_lacks_one_beat : cover property (@(posedge clk) !rst && step && s_axis_tlast && beat == 32'(FRAME_BEATS - 2));
  transfer_with_one_beat_too_many : cover property (@(posedge clk) !rst && step && s_axis_tlast && beat == 0 && frames_here > 0);
  transfer_follows_at_once : cover property (@(posedge clk) !rst && batch_before && step);
  transfer_waits_for_room : cover property (@(posedge clk) !rst && s_axis_tvalid && !room);
  sender_pauses_within_a_frame : cover property (@(posedge clk) !rst && !s_axis_tvalid && beat != 0);
  receiver_pauses : cover property (@(posedge clk) !rst && s_axis_tvalid && room && !m_axis_tready);
  both_sides_pause : cover property (@(posedge clk) !rst && begun && !s_axis_tvalid && !m_axis_tready);
  transfer_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && step && s_axis_tlast);
endmodule
bind batch_cutter batch_cutter_cover #(.FRAME_BEATS(FRAME_BEATS)) points (.*);
`default_nettype wire
