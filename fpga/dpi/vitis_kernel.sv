// The pins of the kernel before the network around the Verilog that Vitis HLS exports of it, which has streams alone:
// its registers stand beside it. The macro CYTOGATE_KERNEL is its name.
module vitis_kernel #(
    parameter int INPUT_BITS = contract_pkg::beat_bits(1),
    parameter int OUTPUT_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input logic aclk,
    input logic aresetn,

    input  logic [INPUT_BITS-1:0] s_axis_tdata,
    input  logic                  s_axis_tvalid,
    output logic                  s_axis_tready,
    input  logic                  s_axis_tlast,

    output logic [OUTPUT_BITS-1:0] m_axis_tdata,
    output logic                   m_axis_tvalid,
    input  logic                   m_axis_tready,
    output logic                   m_axis_tlast,

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
  logic [INPUT_BITS-1:0] m_core_tdata;
  logic [OUTPUT_BITS-1:0] s_core_tdata;

  kernel_registers registers (.*);
  // The exported kernel names its streams after the arguments of its top function.
  `CYTOGATE_KERNEL kernel (
      .ap_clk(aclk),
      .ap_rst_n(core_aresetn),
      .frames_TDATA(m_core_tdata),
      .frames_TVALID(m_core_tvalid),
      .frames_TREADY(m_core_tready),
      .frames_TKEEP('1),
      .frames_TSTRB('1),
      .frames_TLAST(m_core_tlast),
      .pixels_TDATA(s_core_tdata),
      .pixels_TVALID(s_core_tvalid),
      .pixels_TREADY(s_core_tready),
      .pixels_TKEEP(),
      .pixels_TSTRB(),
      .pixels_TLAST(s_core_tlast)
  );
endmodule
