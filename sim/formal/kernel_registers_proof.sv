// kernel_registers: beats pass to the kernel and back as they are, none while it is in reset, and each packet's beats
// are counted anew.
module kernel_registers_proof (
    input logic aclk,
    input logic aresetn,
    input logic [contract_pkg::beat_bits(1)-1:0] s_axis_tdata,
    input logic s_axis_tvalid,
    input logic s_axis_tlast,
    input logic m_core_tready,
    input logic [contract_pkg::NETWORK_CHANNELS*contract_pkg::PIXEL_BITS-1:0] s_core_tdata,
    input logic s_core_tvalid,
    input logic s_core_tlast,
    input logic m_axis_tready,
    input logic [7:0] s_axil_awaddr,
    input logic s_axil_awvalid,
    input logic [31:0] s_axil_wdata,
    input logic [3:0] s_axil_wstrb,
    input logic s_axil_wvalid,
    input logic s_axil_bready,
    input logic [7:0] s_axil_araddr,
    input logic s_axil_arvalid,
    input logic s_axil_rready
);
  localparam int FRAME_BEATS = contract_pkg::FRAME_ROWS * contract_pkg::FRAME_COLUMNS;
  logic core_aresetn, s_axis_tready, m_core_tvalid, m_core_tlast, s_core_tready, m_axis_tvalid, m_axis_tlast;
  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid, started = 1'b0;
  logic [contract_pkg::beat_bits(1)-1:0] m_core_tdata;
  logic [contract_pkg::NETWORK_CHANNELS*contract_pkg::PIXEL_BITS-1:0] m_axis_tdata;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  logic [31:0] s_axil_rdata;
  kernel_registers dut (.*);
  (* hierconn *) logic [31:0] \dut.beats , \dut.status_registers.accepted , \dut.status_registers.dropped ;
  (* hierconn *) logic [3:0] \dut.unused_level ;
  (* hierconn *) logic \dut.soft_reset ;

  logic [31:0] beats, accepted, dropped;
  logic [3:0] inside;  // whole frames
  logic taken, ends, left, open;
  assign taken = s_axis_tvalid && s_axis_tready;
  assign ends  = taken && s_axis_tlast;
  assign left  = m_axis_tvalid && m_axis_tready && m_axis_tlast;
  assign open  = core_aresetn && aresetn && !\dut.soft_reset ;
  always_ff @(posedge aclk) begin
    started <= 1'b1;
    if (!started) assume (!aresetn && !core_aresetn);
    // Of the kernel: it holds fewer than eight frames, and answers with none that did not come.
    assume (!(ends && beats == FRAME_BEATS - 1) || left || inside < 8);
    assume (!left || inside != 0);
    if (!core_aresetn || ends) beats <= 0;
    else if (taken) beats <= beats + 1;
    if (!core_aresetn) inside <= 0;
    else inside <= inside + 4'(ends && beats == FRAME_BEATS - 1) - 4'(left);
    if (!aresetn) {accepted, dropped} <= '0;
    else if (ends) begin
      if (beats == FRAME_BEATS - 1) accepted <= accepted + 1;
      else dropped <= dropped + 1;
    end
    if (started) begin
      frames_pass: assert (m_core_tvalid == (s_axis_tvalid && open) && s_axis_tready == (m_core_tready && open));
      results_pass: assert (m_axis_tvalid == (s_core_tvalid && open) && s_core_tready == (m_axis_tready && open));
      as_they_are: assert ({m_core_tdata, m_core_tlast} == {s_axis_tdata, s_axis_tlast});
      as_they_come: assert ({m_axis_tdata, m_axis_tlast} == {s_core_tdata, s_core_tlast});
      if (core_aresetn) beats_are_counted: assert (\dut.beats == beats && \dut.unused_level == inside && inside <= 8);
      if (aresetn)
        frames_are_counted:
        assert ({\dut.status_registers.accepted , \dut.status_registers.dropped } == {accepted, dropped});
    end
  end
endmodule
