// Pauses of the receiver, frames that are forgotten, and frames one behind the other.
`default_nettype none
module frame_output_cover #(
    parameter int SAMPLES = 1,
    parameter bit WAITS = 1,
    parameter int DEPTH = 16,
    parameter int READ_LATENCY = 4
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic beats_ready,
    input wire logic verdict_valid,
    input wire logic whole,
    input wire logic read,
    input wire logic last,
    input wire logic [$clog2(DEPTH):0] level,
    input wire logic m_axis_tvalid,
    input wire logic m_axis_tready,
    input wire logic m_axis_tlast
);
  logic left_before, begun, cut;  // a frame left; another is leaving; a reset cut one off
  always_ff @(posedge clk) begin
    left_before <= !rst && m_axis_tvalid && m_axis_tready && m_axis_tlast;
    if (rst) begun <= 1'b0;
    else if (m_axis_tvalid && m_axis_tready) begun <= !m_axis_tlast;
  end
  cut_off record (.clk, .rst, .begun, .ended(m_axis_tvalid && m_axis_tready && m_axis_tlast), .cut);

  receiver_waits_within_a_frame : cover property (@(posedge clk) !rst && begun && !m_axis_tvalid && m_axis_tready);
  both_sides_pause : cover property (@(posedge clk) !rst && begun && !m_axis_tvalid && !m_axis_tready);
  for (genvar samples = 1; samples <= 8; samples *= 2) if (SAMPLES == samples) begin : at_samples
    frame_leaves : cover property (@(posedge clk) !rst && m_axis_tvalid && m_axis_tready && m_axis_tlast);
    frame_follows_at_once : cover property (@(posedge clk) !rst && left_before && m_axis_tvalid && m_axis_tready);
    receiver_pauses_within_a_frame : cover property (@(posedge clk) !rst && begun && m_axis_tvalid && !m_axis_tready);
    receiver_pauses_before_the_last_beat : cover property (@(posedge clk) !rst && m_axis_tvalid && !m_axis_tready && m_axis_tlast);
    queue_takes_no_more : cover property (@(posedge clk) !rst && beats_ready && 32'(level) >= DEPTH - READ_LATENCY - 2);
    frame_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && m_axis_tvalid && m_axis_tready && m_axis_tlast);
    if (WAITS) begin : g_verdicts
      beats_wait_for_the_verdict : cover property (@(posedge clk) !rst && beats_ready && !verdict_valid);
      malformed_frame_is_forgotten : cover property (@(posedge clk) !rst && read && last && !whole);
      malformed_frame_is_forgotten_while_another_leaves : cover property (@(posedge clk) !rst && read && !whole && m_axis_tvalid);
    end
  end
endmodule
bind frame_output frame_output_cover #(
    .SAMPLES(SAMPLES), .WAITS(WAITS), .DEPTH(DEPTH), .READ_LATENCY(READ_LATENCY)
) points (.*);
`default_nettype wire
