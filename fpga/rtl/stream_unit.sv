// Between the DMA and the kernels: batches of frames in one transfer, batches of logits in one packet, and the reset of
// everything between the two.
//
// Frames go from s_dma to m_frames, with a TLAST each; logits come back on s_logits and leave on m_dma, followed by a
// receipt that says to how many whole frames they belong with a CRC of what came in and one of what went out. Every beat of s_dma is
// full: transfers have whole beats.
`default_nettype none
module stream_unit #(
    parameter int SAMPLES = 1,  // samples per clock: 1, 2, 4 or 8
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int FRAME_BEATS = contract_pkg::FRAME_ROWS * ((contract_pkg::FRAME_COLUMNS + SAMPLES - 1) / SAMPLES),
    parameter logic [31:0] WEIGHTS_HASH = '0  // first 32 bits
) (
    input wire logic                         aclk,
    input wire logic                         aresetn,         // synchronous
    output     logic                         stream_aresetn,  // for all that stands between m_frames and s_logits
    input wire logic [        BEAT_BITS-1:0] s_dma_tdata,
    input wire logic                         s_dma_tvalid,
    output     logic                         s_dma_tready,
    input wire logic                         s_dma_tlast,
    output     logic [        BEAT_BITS-1:0] m_frames_tdata,
    output     logic                         m_frames_tvalid,
    input wire logic                         m_frames_tready,
    output     logic                         m_frames_tlast,
    input wire logic [                 31:0] s_logits_tdata,
    input wire logic                         s_logits_tvalid,
    output     logic                         s_logits_tready,
    input wire logic                         s_logits_tlast,
    output     logic [                 31:0] m_dma_tdata,
    output     logic                         m_dma_tvalid,
    input wire logic                         m_dma_tready,
    output     logic                         m_dma_tlast,
    input wire logic [                  7:0] s_axil_awaddr,
    input wire logic                         s_axil_awvalid,
    output     logic                         s_axil_awready,
    input wire logic [                 31:0] s_axil_wdata,
    input wire logic [                  3:0] s_axil_wstrb,
    input wire logic                         s_axil_wvalid,
    output     logic                         s_axil_wready,
    output     logic [                  1:0] s_axil_bresp,
    output     logic                         s_axil_bvalid,
    input wire logic                         s_axil_bready,
    input wire logic [                  7:0] s_axil_araddr,
    input wire logic                         s_axil_arvalid,
    output     logic                         s_axil_arready,
    output     logic [                 31:0] s_axil_rdata,
    output     logic [                  1:0] s_axil_rresp,
    output     logic                         s_axil_rvalid,
    input wire logic                         s_axil_rready
);
  localparam int BATCHES = 4;  // that may have ended at s_dma and wait for their logits, a power of two

  logic rst, room, batch_ended, frame_ended, counts_valid, batch_valid, batch_left, cell_left;
  logic [95:0] counts, counts_due;  // frames, beats left, CRC of the input
  logic [31:0] batches_left;
  logic [$clog2(BATCHES):0] unused_level;
  assign stream_aresetn = !rst;

  batch_cutter #(.WORDS(BEAT_BITS / 32), .FRAME_BEATS(FRAME_BEATS)) batch_cutter (
      .clk(aclk), .rst, .s_axis_tdata(s_dma_tdata), .s_axis_tvalid(s_dma_tvalid), .s_axis_tready(s_dma_tready),
      .s_axis_tlast(s_dma_tlast), .m_axis_tdata(m_frames_tdata), .m_axis_tvalid(m_frames_tvalid),
      .m_axis_tready(m_frames_tready), .m_axis_tlast(m_frames_tlast), .frame_ended, .batch_ended, .room, .counts_valid,
      .frames(counts[64+:32]), .beats_left(counts[32+:32]), .input_crc(counts[0+:32])
  );
  credits #(.COUNT(BATCHES)) places (.clk(aclk), .rst, .take(batch_ended), .give(batch_left), .available(room));
  fifo #(.BITS(96), .DEPTH(BATCHES)) batches (
      .clk(aclk), .rst, .write(counts_valid), .in_word(counts), .read(batch_left), .out_valid(batch_valid),
      .out_word(counts_due), .level(unused_level)
  );
  batch_joiner batch_joiner (
      .clk(aclk), .rst, .batch_valid, .frames(counts_due[64+:32]), .beats_left(counts_due[32+:32]),
      .input_crc(counts_due[0+:32]), .batch_left, .s_axis_tdata(s_logits_tdata), .s_axis_tvalid(s_logits_tvalid),
      .s_axis_tready(s_logits_tready), .s_axis_tlast(s_logits_tlast), .m_axis_tdata(m_dma_tdata),
      .m_axis_tvalid(m_dma_tvalid), .m_axis_tready(m_dma_tready), .m_axis_tlast(m_dma_tlast), .cell_left, .batches_left
  );
  stream_registers #(.WEIGHTS_HASH(WEIGHTS_HASH)) stream_registers (
      .clk(aclk), .rst(!aresetn), .stream_rst(rst), .stalled(m_dma_tvalid && !m_dma_tready), .*
  );
endmodule
`default_nettype wire
