// batch_cutter: every beat goes through once, TLAST on each frame's last one and on a transfer's; three clocks behind a
// transfer its whole frames and what is left of one, together all its beats.
module batch_cutter_proof #(
    parameter int FRAME_BEATS = 3
) (
    input logic clk,
    input logic rst,
    input logic [31:0] s_axis_tdata,
    input logic s_axis_tvalid,
    input logic s_axis_tlast,
    input logic m_axis_tready,
    input logic room
);
  logic s_axis_tready, m_axis_tvalid, m_axis_tlast, frame_ended, batch_ended, counts_valid, started = 1'b0;
  logic [31:0] m_axis_tdata, frames, beats_left, input_crc;
  batch_cutter #(.FRAME_BEATS(FRAME_BEATS)) dut (.*);
  stream_given #(.BITS(33)) given (
      .clk, .rst, .valid(s_axis_tvalid), .ready(s_axis_tready), .words({s_axis_tlast, s_axis_tdata})
  );
  (* hierconn *) logic [31:0] \dut.beat , \dut.frames_before ;

  logic [31:0] whole, beat;  // frames of this transfer, beats of this frame
  logic [2:0] ended;
  logic [95:0] whole_then, left_then;
  logic step, was_room, was_taken;
  assign step = s_axis_tvalid && s_axis_tready;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    // A place goes when a transfer has ended, and at no other time.
    was_room  <= room && !rst;
    was_taken <= batch_ended;
    assume (!was_room || was_taken || room);
    if (rst) {whole, beat} <= '0;
    else if (step) begin
      if (s_axis_tlast) {whole, beat} <= '0;
      else if (beat == FRAME_BEATS - 1) begin
        whole <= whole + 1;
        beat  <= 0;
      end else beat <= beat + 1;
    end
    ended <= rst ? '0 : {ended[1:0], step && s_axis_tlast};
    whole_then <= {whole_then[63:0], beat == FRAME_BEATS - 1 ? whole + 32'd1 : whole};
    left_then  <= {left_then[63:0], beat == FRAME_BEATS - 1 ? 32'd0 : beat + 32'd1};
    if (started && !rst) begin
      it_is_known: assert (\dut.beat == beat && \dut.frames_before == whole && beat < FRAME_BEATS);
      beats_pass: assert (m_axis_tvalid == (s_axis_tvalid && room) && s_axis_tready == (m_axis_tready && room));
      as_they_are: assert (m_axis_tdata == s_axis_tdata);
      frames_are_cut: assert (m_axis_tlast == (s_axis_tlast || beat == FRAME_BEATS - 1));
      transfers_are_told: assert (batch_ended == (step && s_axis_tlast));
      frames_are_told: assert (frame_ended == (step && beat == FRAME_BEATS - 1));
      counts_come_once: assert (counts_valid == ended[2]);
      if (ended[2]) they_are_the_transfers: assert (frames == whole_then[95:64] && beats_left == left_then[95:64]);
    end
  end
endmodule
