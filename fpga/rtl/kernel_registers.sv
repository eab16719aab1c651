// The registers of the kernel before the network beside one that has streams alone, as Vitis HLS exports it.
//
// Frames pass from s_axis to m_core and results from s_core to m_axis as they are; what passes is counted.
`default_nettype none
module kernel_registers #(
    parameter int SAMPLES = 1,  // pixels a beat of s_axis: 1, 2, 4 or 8
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    // Of a beat of m_axis.
    parameter int OUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                         aclk,
    input wire logic                         aresetn,  // synchronous
    output     logic                         core_aresetn,  // of the kernel
    input wire logic [        BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                         s_axis_tvalid,
    output     logic                         s_axis_tready,
    input wire logic                         s_axis_tlast,
    output     logic [        BEAT_BITS-1:0] m_core_tdata,
    output     logic                         m_core_tvalid,
    input wire logic                         m_core_tready,
    output     logic                         m_core_tlast,
    input wire logic [         OUT_BITS-1:0] s_core_tdata,
    input wire logic                         s_core_tvalid,
    output     logic                         s_core_tready,
    input wire logic                         s_core_tlast,
    output     logic [         OUT_BITS-1:0] m_axis_tdata,
    output     logic                         m_axis_tvalid,
    input wire logic                         m_axis_tready,
    output     logic                         m_axis_tlast,
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
  localparam int FRAME_BEATS = contract_pkg::FRAME_ROWS * ((contract_pkg::FRAME_COLUMNS + SAMPLES - 1) / SAMPLES);
  localparam int FRAMES = 8;  // more than can be inside

  logic soft_reset, open;
  assign open = core_aresetn && aresetn && !soft_reset;
  always_ff @(posedge aclk) core_aresetn <= aresetn && !soft_reset;

  assign m_core_tdata  = s_axis_tdata;
  assign m_core_tvalid = s_axis_tvalid && open;
  assign m_core_tlast  = s_axis_tlast;
  assign s_axis_tready = m_core_tready && open;
  assign m_axis_tdata  = s_core_tdata;
  assign m_axis_tvalid = s_core_tvalid && open;
  assign m_axis_tlast  = s_core_tlast;
  assign s_core_tready = m_axis_tready && open;

  // The kernel goes on with a packet that is too long up to its TLAST; so does the count.
  logic [31:0] beats;  // of the packet that is arriving
  logic frame_ended, frame_intact, too_short, too_long, frame_left;
  assign frame_ended  = s_axis_tvalid && s_axis_tready && s_axis_tlast;
  assign frame_intact = beats == FRAME_BEATS - 1;
  assign too_short    = frame_ended && beats < FRAME_BEATS - 1;
  assign too_long     = frame_ended && beats > FRAME_BEATS - 1;
  assign frame_left   = m_axis_tvalid && m_axis_tready && m_axis_tlast;
  always_ff @(posedge aclk) begin
    if (!core_aresetn || frame_ended) beats <= '0;
    else if (s_axis_tvalid && s_axis_tready) beats <= beats + 1'b1;
  end

  logic [31:0] now, frame_arrived;
  logic unused_valid;
  logic [$clog2(FRAMES):0] unused_level;
  fifo #(.BITS(32), .DEPTH(FRAMES)) arrivals (
      .clk(aclk), .rst(!core_aresetn), .write(frame_ended && frame_intact), .in_word(now), .read(frame_left),
      .out_valid(unused_valid), .out_word(frame_arrived), .level(unused_level)
  );
  status_registers status_registers (.clk(aclk), .rst(!aresetn), .write(), .more_data('0), .*);
endmodule
`default_nettype wire
