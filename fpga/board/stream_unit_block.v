// The stream unit for the block design, which takes modules in Verilog alone. WEIGHTS_HASH is its 32 bits as a signed
// number.
module stream_unit_block #(
    parameter integer SAMPLES = 1,
    parameter integer BEAT_BITS = 32,
    parameter integer WEIGHTS_HASH = 0
) (
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
    (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_dma:m_frames:s_logits:m_dma:s_axil, ASSOCIATED_RESET aresetn" *)
    input  wire aclk,
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST" *)
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    input  wire aresetn,
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 stream_aresetn RST" *)
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    output wire stream_aresetn,
    input  wire [BEAT_BITS-1:0] s_dma_tdata,
    input  wire                 s_dma_tvalid,
    output wire                 s_dma_tready,
    input  wire                 s_dma_tlast,
    output wire [BEAT_BITS-1:0] m_frames_tdata,
    output wire                 m_frames_tvalid,
    input  wire                 m_frames_tready,
    output wire                 m_frames_tlast,
    input  wire          [31:0] s_logits_tdata,
    input  wire                 s_logits_tvalid,
    output wire                 s_logits_tready,
    input  wire                 s_logits_tlast,
    output wire          [31:0] m_dma_tdata,
    output wire                 m_dma_tvalid,
    input  wire                 m_dma_tready,
    output wire                 m_dma_tlast,
    input  wire           [7:0] s_axil_awaddr,
    input  wire                 s_axil_awvalid,
    output wire                 s_axil_awready,
    input  wire          [31:0] s_axil_wdata,
    input  wire           [3:0] s_axil_wstrb,
    input  wire                 s_axil_wvalid,
    output wire                 s_axil_wready,
    output wire           [1:0] s_axil_bresp,
    output wire                 s_axil_bvalid,
    input  wire                 s_axil_bready,
    input  wire           [7:0] s_axil_araddr,
    input  wire                 s_axil_arvalid,
    output wire                 s_axil_arready,
    output wire          [31:0] s_axil_rdata,
    output wire           [1:0] s_axil_rresp,
    output wire                 s_axil_rvalid,
    input  wire                 s_axil_rready
);
  stream_unit #(.SAMPLES(SAMPLES), .BEAT_BITS(BEAT_BITS), .WEIGHTS_HASH(WEIGHTS_HASH)) stream_unit (
      .aclk(aclk),
      .aresetn(aresetn),
      .stream_aresetn(stream_aresetn),
      .s_dma_tdata(s_dma_tdata),
      .s_dma_tvalid(s_dma_tvalid),
      .s_dma_tready(s_dma_tready),
      .s_dma_tlast(s_dma_tlast),
      .m_frames_tdata(m_frames_tdata),
      .m_frames_tvalid(m_frames_tvalid),
      .m_frames_tready(m_frames_tready),
      .m_frames_tlast(m_frames_tlast),
      .s_logits_tdata(s_logits_tdata),
      .s_logits_tvalid(s_logits_tvalid),
      .s_logits_tready(s_logits_tready),
      .s_logits_tlast(s_logits_tlast),
      .m_dma_tdata(m_dma_tdata),
      .m_dma_tvalid(m_dma_tvalid),
      .m_dma_tready(m_dma_tready),
      .m_dma_tlast(m_dma_tlast),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      .s_axil_rready(s_axil_rready)
  );
endmodule
