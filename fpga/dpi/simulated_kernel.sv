// The kernel before the network with the pins of its RTL, or that and the network, computed by the HLS C++ behind DPI-C.
// Kernels of holograms have a stream for their calibration beside the frames.
module simulated_kernel #(
    parameter int SAMPLES = 1,  // samples per clock: 1, 2, 4 or 8
    parameter int INPUT_BITS = contract_pkg::beat_bits(SAMPLES),
    // Of SAMPLES pixels of the network's input; a logit, sign-extended, has 32.
    parameter int OUTPUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS,
    parameter bit HAS_CALIBRATION = 0
) (
    input logic aclk,
    input logic aresetn,

    // Of holograms: what a calibration measures, behind every reset and whenever there is another.
    input  logic [63:0] s_calibration_tdata,
    input  logic        s_calibration_tvalid,
    output logic        s_calibration_tready,
    input  logic        s_calibration_tlast,

    // Raw frames row by row, SAMPLES pixels of all channels a beat.
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

  logic calibrated, core_tready;
  generate
    if (HAS_CALIBRATION) begin : g_calibration
      dpi_calibration calibration (.resetn(core_aresetn), .*);
    end else begin : g_calibration
      assign s_calibration_tready = 0;
      assign calibrated = 1;
    end
  endgenerate
  assign m_core_tready = core_tready && calibrated;

  kernel_registers #(.SAMPLES(SAMPLES), .OUT_BITS(OUTPUT_BITS)) registers (.*);
  dpi_kernel #(
      .SAMPLES(SAMPLES),
      .OUTPUT_BITS(OUTPUT_BITS)
  ) kernel (
      .aclk,
      .resetn(core_aresetn),
      .s_axis_tdata(m_core_tdata),
      .s_axis_tvalid(m_core_tvalid && calibrated),
      .s_axis_tready(core_tready),
      .s_axis_tlast(m_core_tlast),
      .m_axis_tdata(s_core_tdata),
      .m_axis_tvalid(s_core_tvalid),
      .m_axis_tready(s_core_tready),
      .m_axis_tlast(s_core_tlast)
  );
endmodule
