// The agreed pins around the Verilog that Vitis HLS exports of fpga/src/retrieve_phase.cpp, which has streams alone:
// the registers stand beside it and count what passes at its pins.
module vitis_retrieve_phase
  import contract_pkg::LANE_BITS, contract_pkg::FRAME_ROWS, contract_pkg::FRAME_COLUMNS;
(
    input logic aclk,
    input logic aresetn,

    input  logic [4*LANE_BITS-1:0] s_axis_tdata,
    input  logic                   s_axis_tvalid,
    output logic                   s_axis_tready,
    input  logic                   s_axis_tlast,

    output logic [39:0] m_axis_tdata,
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
  logic soft_reset, accepted, too_short, too_long;
  wire resetn = aresetn && !soft_reset;

  // The exported kernel names its streams after the arguments of its top function.
  retrieve_phase kernel (
      .ap_clk(aclk),
      .ap_rst_n(resetn),
      .frames_TDATA(s_axis_tdata),
      .frames_TVALID(s_axis_tvalid),
      .frames_TREADY(s_axis_tready),
      .frames_TKEEP('1),
      .frames_TSTRB('1),
      .frames_TLAST(s_axis_tlast),
      .pixels_TDATA(m_axis_tdata),
      .pixels_TVALID(m_axis_tvalid),
      .pixels_TREADY(m_axis_tready),
      .pixels_TKEEP(),
      .pixels_TSTRB(),
      .pixels_TLAST(m_axis_tlast)
  );

  localparam int FRAME_BEATS = FRAME_ROWS * FRAME_COLUMNS;
  wire beat_in = s_axis_tvalid && s_axis_tready;
  wire packet_in = beat_in && s_axis_tlast;
  logic [31:0] beats;  // of the packet that is arriving, before this clock

  always_ff @(posedge aclk) begin
    accepted  <= resetn && packet_in && beats == FRAME_BEATS - 1;
    too_short <= resetn && packet_in && beats < FRAME_BEATS - 1;
    too_long  <= resetn && packet_in && beats > FRAME_BEATS - 1;
    if (!resetn || packet_in) beats <= 0;
    else if (beat_in) beats <= beats + 1;
  end

  status_registers registers (
      .aclk,
      .aresetn,
      .s_axil_awaddr,
      .s_axil_awvalid,
      .s_axil_awready,
      .s_axil_wdata,
      .s_axil_wstrb,
      .s_axil_wvalid,
      .s_axil_wready,
      .s_axil_bresp,
      .s_axil_bvalid,
      .s_axil_bready,
      .s_axil_araddr,
      .s_axil_arvalid,
      .s_axil_arready,
      .s_axil_rdata,
      .s_axil_rresp,
      .s_axil_rvalid,
      .s_axil_rready,
      .soft_reset,
      .accepted,
      .too_short,
      .too_long,
      .packet_in,
      .packet_out(m_axis_tvalid && m_axis_tready && m_axis_tlast)
  );
endmodule
