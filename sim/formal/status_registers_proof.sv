// status_registers: what each address reads, of others what lies beside them; counts of frames, flags that stay until a
// one is written to them, the times of the latest frame, and a soft reset that is one clock long.
module status_registers_proof (
    input logic clk,
    input logic rst,
    input logic [7:0] s_axil_awaddr,
    input logic s_axil_awvalid,
    input logic [31:0] s_axil_wdata,
    input logic [3:0] s_axil_wstrb,
    input logic s_axil_wvalid,
    input logic s_axil_bready,
    input logic [7:0] s_axil_araddr,
    input logic s_axil_arvalid,
    input logic s_axil_rready,
    input logic [31:0] more_data,
    input logic frame_ended,
    input logic frame_intact,
    input logic too_short,
    input logic too_long,
    input logic frame_left,
    input logic [31:0] frame_arrived
);
  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid, soft_reset, write;
  logic started = 1'b0;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  logic [31:0] s_axil_rdata, now;
  status_registers dut (.*);
  (* hierconn *) logic [31:0] \dut.accepted , \dut.dropped , \dut.latency , \dut.interval , \dut.left ;
  (* hierconn *) logic [1:0] \dut.error_flags ;
  (* hierconn *) logic \dut.some_left ;

  logic [31:0] accepted, dropped, latency, interval, left, clocks, read_now, wanted;
  logic short_seen, long_seen, some_left, writes, resets;
  assign writes = s_axil_awvalid && s_axil_awready && s_axil_wvalid && s_axil_wready && s_axil_wstrb[0];
  always_comb begin
    read_now = more_data;
    if (s_axil_araddr == contract_pkg::IDENTITY_OFFSET) read_now = contract_pkg::IDENTITY;
    if (s_axil_araddr == contract_pkg::VERSION_OFFSET) read_now = contract_pkg::VERSION;
    if (s_axil_araddr == contract_pkg::DESIGN_HASH_OFFSET) read_now = contract_pkg::DESIGN_HASH;
    if (s_axil_araddr == contract_pkg::FRAMES_ACCEPTED_OFFSET) read_now = accepted;
    if (s_axil_araddr == contract_pkg::FRAMES_DROPPED_OFFSET) read_now = dropped;
    if (s_axil_araddr == contract_pkg::ERROR_FLAGS_OFFSET) read_now = {30'd0, long_seen, short_seen};
    if (s_axil_araddr == contract_pkg::LATENCY_CYCLES_OFFSET) read_now = latency;
    if (s_axil_araddr == contract_pkg::INTERVAL_CYCLES_OFFSET) read_now = interval;
  end

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    clocks <= rst ? 0 : clocks + 1;
    resets <= !rst && writes && s_axil_awaddr == contract_pkg::CONTROL_OFFSET && s_axil_wdata[0];
    if (rst) begin
      {accepted, dropped, latency, interval} <= '0;
      {short_seen, long_seen, some_left} <= '0;
    end else begin
      accepted <= accepted + 32'(frame_ended && frame_intact);
      dropped  <= dropped + 32'(frame_ended && !frame_intact);
      // What happens in the clock of the write stays.
      if (writes && s_axil_awaddr == contract_pkg::ERROR_FLAGS_OFFSET) begin
        if (s_axil_wdata[0]) short_seen <= 1'b0;
        if (s_axil_wdata[1]) long_seen <= 1'b0;
      end
      if (too_short) short_seen <= 1'b1;
      if (too_long) long_seen <= 1'b1;
      if (frame_left) begin
        latency   <= clocks - frame_arrived;
        interval  <= some_left ? clocks - left : 0;
        left      <= clocks;
        some_left <= 1'b1;
      end
    end
    if (s_axil_arvalid && s_axil_arready) wanted <= read_now;
    if (started && !rst) begin
      clocks_are_counted: assert (now == clocks);
      it_is_known:
      assert ({\dut.accepted , \dut.dropped , \dut.latency , \dut.interval } == {accepted, dropped, latency, interval});
      flags_are_known: assert (\dut.error_flags == {long_seen, short_seen} && \dut.some_left == some_left);
      the_latest_is_known: assert (!some_left || \dut.left == left);
      each_address_reads_its_own: assert (!s_axil_rvalid || s_axil_rdata == wanted);
      a_reset_is_one_clock: assert (soft_reset == resets);
    end
  end
endmodule
