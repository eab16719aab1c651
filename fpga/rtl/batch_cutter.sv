// One DMA transfer in, frames out: TLAST goes on every frame's last beat; whole frames are counted.
//
// A transfer that ends within a frame keeps its TLAST there, so that the kernel drops the piece and the next transfer
// starts with a frame. No beat is taken while there is no place for a transfer's counts (`room`), which come three
// clocks behind its last beat.
`default_nettype none
module batch_cutter #(
    parameter int WORDS = 1,        // of a beat, 32 bits each
    parameter int FRAME_BEATS = 16  // of a frame
) (
    input wire logic                clk,
    input wire logic                rst,
    input wire logic [WORDS*32-1:0] s_axis_tdata,
    input wire logic                s_axis_tvalid,
    output     logic                s_axis_tready,
    input wire logic                s_axis_tlast,   // of the transfer
    output     logic [WORDS*32-1:0] m_axis_tdata,
    output     logic                m_axis_tvalid,
    input wire logic                m_axis_tready,
    output     logic                m_axis_tlast,   // of a frame, or of what is left of one
    output     logic                frame_ended,    // pulse: a whole one
    output     logic                batch_ended,    // pulse
    // Once a batch.
    input wire logic                room,
    output     logic                counts_valid,
    output     logic [        31:0] frames,         // whole ones of the transfer
    output     logic [        31:0] beats_left,     // behind the last whole one
    output     logic [        31:0] input_crc       // of the transfer
);
  logic [31:0] beat, frames_before, frames_here;
  logic step, frame_complete;
  assign step           = s_axis_tvalid && s_axis_tready;
  assign frame_complete = beat == 32'(FRAME_BEATS - 1);
  assign frames_here    = frames_before + 32'(frame_complete);

  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid && room && !rst;
  assign s_axis_tready = m_axis_tready && room && !rst;
  assign m_axis_tlast  = s_axis_tlast || frame_complete;
  assign frame_ended   = step && frame_complete;
  assign batch_ended   = step && s_axis_tlast;

  always_ff @(posedge clk) begin
    if (rst) begin
      beat          <= '0;
      frames_before <= '0;
    end else if (step) begin
      beat          <= m_axis_tlast ? '0 : beat + 1'b1;
      frames_before <= s_axis_tlast ? '0 : frames_here;
    end
  end

  packet_crc #(.WORDS(WORDS)) packet_crc (
      .clk, .rst, .in_valid(step), .in_words(s_axis_tdata), .in_last(s_axis_tlast), .out_valid(counts_valid),
      .out_crc(input_crc)
  );
  delay #(.BITS(64), .CLOCKS(3)) beside_the_crc (
      .clk, .in_word({frames_here, frame_complete ? 32'd0 : beat + 1'b1}), .out_word({frames, beats_left})
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_beat_is_in_a_frame : assert (beat < 32'(FRAME_BEATS));
    end
`endif

  stream_rules #(.BITS(WORDS * 32 + 1)) out_rules (
      .clk, .rst, .valid(m_axis_tvalid), .ready(m_axis_tready), .words({m_axis_tlast, m_axis_tdata})
  );
endmodule
`default_nettype wire
