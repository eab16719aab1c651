// The phase retrieval kernel by the law "causal" at its pins: raw frames on s_axis, the network's pixels on m_axis,
// registers on s_axil, the background's among them.
//
// A beat of s_axis carries SAMPLES pixels of all angles, each in LANE_BITS (pixel p, angle a at (FRAME_CHANNELS p + a)
// LANE_BITS); rows start on a beat of their own. A beat of m_axis carries SAMPLES pixels of the angles' and the phase's
// codes, 8 bits each. TLAST ends a frame on both.
//
// Rows leave before their frame is whole. A malformed frame is flagged and leaves with the others, zeros in place of what
// did not come: TUSER is high with its TLAST, and nothing may come of it. The next TLAST of s_axis starts anew.
`default_nettype none
module retrieve_causal #(
    parameter int SAMPLES = 1,  // samples per clock: 1, 2 or 4
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int OUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                         aclk,
    input wire logic                         aresetn,  // synchronous
    input wire logic [        BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                         s_axis_tvalid,
    output     logic                         s_axis_tready,
    input wire logic                         s_axis_tlast,
    output     logic [         OUT_BITS-1:0] m_axis_tdata,
    output     logic                         m_axis_tuser,
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
  logic rst, soft_reset, ready;
  logic frame_ended, frame_intact, too_short, too_long, frame_left;
  logic [31:0] now, frame_arrived;

  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (SAMPLES != 1 && SAMPLES != 2 && SAMPLES != 4) begin : g_check
      WIDTH_must_be_1_2_or_4 stop ();
    end
  endgenerate

  // Registered, since it goes everywhere; no beat is taken while it is on or on its way.
  always_ff @(posedge aclk) rst <= !aresetn || soft_reset;

  logic write;
  logic [31:0] more_data;
  status_registers status_registers (.clk(aclk), .rst(!aresetn), .*);

  causal_retrieval #(.SAMPLES(SAMPLES)) causal_retrieval (
      .clk(aclk), .rst, .rst_registers(!aresetn), .now, .s_axis_tdata, .s_axis_tvalid(s_axis_tvalid && s_axis_tready),
      .s_axis_tready(ready), .s_axis_tlast, .m_axis_tdata, .m_axis_tuser, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast,
      .frame_ended, .frame_intact, .too_short, .too_long, .frame_left, .frame_arrived, .remark_valid(),
      .remark_unsettled(), .remark_clipped(), .remark_curled(), .remark_half(), .sign_valid(),
      .sign_negative(), .register_write(write && &s_axil_wstrb),
      .register_write_address(s_axil_awaddr), .register_write_data(s_axil_wdata),
      .register_read_address(s_axil_araddr), .register_read_data(more_data)
  );
  assign s_axis_tready = ready && aresetn && !rst && !soft_reset;
endmodule
`default_nettype wire
