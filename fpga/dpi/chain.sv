// Phase retrieval and network, frames to logits, computed by the HLS C++ behind DPI-C.
module chain
  import contract_pkg::LANE_BITS;
#(
    parameter int WIDTH = 1  // pixels a beat: 1, 2, 4 or 8
) (
    input logic aclk,
    input logic aresetn,

    // Raw frames row by row, WIDTH pixels of all four angles a beat.
    input  logic [WIDTH*4*LANE_BITS-1:0] s_axis_tdata,
    input  logic                         s_axis_tvalid,
    output logic                         s_axis_tready,
    input  logic                         s_axis_tlast,

    // One logit a beat, sign-extended; TLAST on a cell's last one.
    output logic [31:0] m_axis_tdata,
    output logic        m_axis_tvalid,
    input  logic        m_axis_tready,
    output logic        m_axis_tlast,

    input  logic [ 7:0] s_axil_awaddr,
    input  logic        s_axil_awvalid,
    output logic        s_axil_awready,
    input  logic [31:0] s_axil_wdata,
    input  logic [ 3:0] s_axil_wstrb,
    input  logic        s_axil_wvalid,
    output logic        s_axil_wready,
    output logic [ 1:0] s_axil_bresp,
    output logic        s_axil_bvalid,
    input  logic        s_axil_bready,
    input  logic [ 7:0] s_axil_araddr,
    input  logic        s_axil_arvalid,
    output logic        s_axil_arready,
    output logic [31:0] s_axil_rdata,
    output logic [ 1:0] s_axil_rresp,
    output logic        s_axil_rvalid,
    input  logic        s_axil_rready
);
  logic core_aresetn, m_core_tvalid, m_core_tready, m_core_tlast, s_core_tvalid, s_core_tready, s_core_tlast;
  logic [WIDTH*4*LANE_BITS-1:0] m_core_tdata;
  logic [31:0] s_core_tdata;

  kernel_registers #(.WIDTH(WIDTH), .OUT_BITS(32)) registers (.*);
  dpi_kernel #(
      .WIDTH(WIDTH),
      .INPUT_BITS(WIDTH*4*LANE_BITS),
      .OUTPUT_BITS(32)
  ) kernel (
      .aclk,
      .resetn(core_aresetn),
      .s_axis_tdata(m_core_tdata),
      .s_axis_tvalid(m_core_tvalid),
      .s_axis_tready(m_core_tready),
      .s_axis_tlast(m_core_tlast),
      .m_axis_tdata(s_core_tdata),
      .m_axis_tvalid(s_core_tvalid),
      .m_axis_tready(s_core_tready),
      .m_axis_tlast(s_core_tlast)
  );
endmodule
