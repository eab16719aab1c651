// AXI4-Lite registers of the kernel: who it is, what it counted, and its soft reset. Offsets come from the register
// map.
//
// Accesses to other addresses read `more_data`, whose owner may heed `write`, and are answered OKAY.
`default_nettype none
module status_registers (
    input wire logic        clk,
    input wire logic        rst,
    input wire logic [ 7:0] s_axil_awaddr,
    input wire logic        s_axil_awvalid,
    output     logic        s_axil_awready,
    input wire logic [31:0] s_axil_wdata,
    input wire logic [ 3:0] s_axil_wstrb,
    input wire logic        s_axil_wvalid,
    output     logic        s_axil_wready,
    output     logic [ 1:0] s_axil_bresp,
    output     logic        s_axil_bvalid,
    input wire logic        s_axil_bready,
    input wire logic [ 7:0] s_axil_araddr,
    input wire logic        s_axil_arvalid,
    output     logic        s_axil_arready,
    output     logic [31:0] s_axil_rdata,
    output     logic [ 1:0] s_axil_rresp,
    output     logic        s_axil_rvalid,
    input wire logic        s_axil_rready,
    // Registers beside these.
    output     logic        write,          // of what the pins say, in this clock
    input wire logic [31:0] more_data,      // what is read at s_axil_araddr
    // Data path.
    output     logic        soft_reset,     // pulse
    output     logic [31:0] now,            // clock count
    input wire logic        frame_ended,
    input wire logic        frame_intact,
    input wire logic        too_short,
    input wire logic        too_long,
    input wire logic        frame_left,
    input wire logic [31:0] frame_arrived   // clock of the last input beat of the frame that left
);

  logic [31:0] accepted, dropped, latency, interval, left;
  logic [1:0] error_flags, cleared_flags;
  logic some_left;
  logic [31:0] read_data;
  axi_lite axi_lite (.busy(1'b0), .*);
  assign cleared_flags =
      write && s_axil_awaddr == 8'(contract_pkg::ERROR_FLAGS_OFFSET) && s_axil_wstrb[0] ? s_axil_wdata[1:0] : 2'b00;
  always_ff @(posedge clk)
    soft_reset <= !rst && write && s_axil_awaddr == 8'(contract_pkg::CONTROL_OFFSET) && s_axil_wstrb[0] &&
        s_axil_wdata[0];

  always_comb begin
    case (s_axil_araddr)
      8'(contract_pkg::IDENTITY_OFFSET): read_data = contract_pkg::IDENTITY;
      8'(contract_pkg::VERSION_OFFSET): read_data = contract_pkg::VERSION;
      8'(contract_pkg::DESIGN_HASH_OFFSET): read_data = contract_pkg::DESIGN_HASH;
      8'(contract_pkg::FRAMES_ACCEPTED_OFFSET): read_data = accepted;
      8'(contract_pkg::FRAMES_DROPPED_OFFSET): read_data = dropped;
      8'(contract_pkg::ERROR_FLAGS_OFFSET): read_data = 32'(error_flags);
      8'(contract_pkg::LATENCY_CYCLES_OFFSET): read_data = latency;
      8'(contract_pkg::INTERVAL_CYCLES_OFFSET): read_data = interval;
      default: read_data = more_data;
    endcase
  end

  always_ff @(posedge clk) begin
    now <= rst ? '0 : now + 1'b1;
    if (rst) begin
      accepted    <= '0;
      dropped     <= '0;
      error_flags <= '0;
      latency     <= '0;
      interval    <= '0;
      some_left   <= 1'b0;
    end else begin
      if (frame_ended && frame_intact) accepted <= accepted + 1'b1;
      if (frame_ended && !frame_intact) dropped <= dropped + 1'b1;
      error_flags <= (error_flags & ~cleared_flags) | {too_long, too_short};
      if (frame_left) begin
        latency   <= now - frame_arrived;
        interval  <= some_left ? now - left : '0;
        left      <= now;
        some_left <= 1'b1;
      end
    end
  end
endmodule
`default_nettype wire
