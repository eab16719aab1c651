// Receipts of batches with and without frames, ahead of and behind their logits, pauses of both sides.
`default_nettype none
module batch_joiner_cover #(
    parameter int WORD_BITS = 3
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic batch_valid,
    input wire logic [31:0] frames,
    input wire logic [31:0] beats_left,
    input wire logic [31:0] cells,
    input wire logic complete,
    input wire logic batch_left,
    input wire logic s_axis_tvalid,
    input wire logic m_axis_tvalid,
    input wire logic m_axis_tready,
    input wire logic [WORD_BITS-1:0] word
);
  logic left_before, begun, cut;
  always_ff @(posedge clk) begin
    left_before <= !rst && batch_left;
    if (rst) begun <= 1'b0;
    else if (m_axis_tvalid && m_axis_tready) begun <= !batch_left;
  end
  cut_off record (.clk, .rst, .begun, .ended(batch_left), .cut);
  receipt_of_no_frame : cover property (@(posedge clk) !rst && batch_left && frames == 0);
  receipt_of_one_frame : cover property (@(posedge clk) !rst && batch_left && frames == 1);
  receipt_of_many_frames : cover property (@(posedge clk) !rst && batch_left && frames > 2);
  receipt_with_a_piece : cover property (@(posedge clk) !rst && batch_left && frames > 0 && beats_left != 0);
  receipts_back_to_back : cover property (@(posedge clk) !rst && left_before && complete);
  receipt_waits : cover property (@(posedge clk) !rst && complete && !m_axis_tready);
  receipt_waits_within : cover property (@(posedge clk) !rst && complete && word != 0 && !m_axis_tready);
  logits_wait_for_a_receipt : cover property (@(posedge clk) !rst && complete && s_axis_tvalid);
  logits_leave_before_their_batch_ended : cover property (@(posedge clk) !rst && !batch_valid && s_axis_tvalid && m_axis_tready);
  batch_waits_for_its_logits : cover property (@(posedge clk) !rst && batch_valid && cells < frames && !s_axis_tvalid);
  receiver_pauses_within_logits : cover property (@(posedge clk) !rst && !complete && s_axis_tvalid && !m_axis_tready);
  batch_after_a_reset_within_one : cover property (@(posedge clk) !rst && cut && batch_left);
endmodule
bind batch_joiner batch_joiner_cover #(.WORD_BITS(WORD_BITS)) points (.*);
`default_nettype wire
