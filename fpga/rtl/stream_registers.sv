// AXI4-Lite registers of the stream unit: who it is, what it counts, and the reset of the whole data path.
//
// Accesses to other addresses read zero, write nothing and are answered OKAY. The write that starts a reset is answered when the reset is over: a kernel that is being reset answers nothing, and a
// processor that asked it in the meantime would wait for ever.
`default_nettype none
module stream_registers #(
    parameter logic [31:0] WEIGHTS_HASH = '0
) (
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
    // Data path.
    output     logic        stream_rst,     // registered: it goes everywhere
    input wire logic        batch_ended,
    input wire logic        frame_ended,
    input wire logic        cell_left,
    input wire logic [31:0] batches_left,
    input wire logic        stalled
);
  localparam int RESET_CLOCKS = contract_pkg::STREAM_RESET_CLOCKS;
  localparam int SETTLING_CLOCKS = 8;  // until the farthest kernel is out of reset
  localparam int CLOCKS = RESET_CLOCKS + SETTLING_CLOCKS;

  logic [$clog2(CLOCKS+1)-1:0] reset_left;  // clocks until its write is answered
  logic write, resets, resetting;
  logic [31:0] read_data;
  axi_lite axi_lite (.busy(resetting), .*);
  assign resetting = reset_left != 0;
  assign resets = write && s_axil_awaddr == 8'(contract_pkg::STREAM_CONTROL_OFFSET) && s_axil_wstrb[0] &&
      s_axil_wdata[0];

  always_ff @(posedge clk) begin
    stream_rst <= rst || 32'(reset_left) > SETTLING_CLOCKS;
    if (rst) reset_left <= '0;
    else if (resets) reset_left <= ($clog2(CLOCKS + 1))'(CLOCKS);
    else if (resetting) reset_left <= reset_left - 1'b1;
  end

  logic [31:0] batches_in, frames_in, cells_out, stalled_cycles;
  always_ff @(posedge clk) begin
    if (stream_rst) begin
      batches_in     <= '0;
      frames_in      <= '0;
      cells_out      <= '0;
      stalled_cycles <= '0;
    end else begin
      if (batch_ended) batches_in <= batches_in + 1'b1;
      if (frame_ended) frames_in <= frames_in + 1'b1;
      if (cell_left) cells_out <= cells_out + 1'b1;
      if (stalled) stalled_cycles <= stalled_cycles + 1'b1;
    end
  end

  always_comb begin
    case (s_axil_araddr)
      8'(contract_pkg::STREAM_IDENTITY_OFFSET): read_data = contract_pkg::STREAM_IDENTITY;
      8'(contract_pkg::STREAM_VERSION_OFFSET): read_data = contract_pkg::STREAM_VERSION;
      8'(contract_pkg::STREAM_DESIGN_HASH_OFFSET): read_data = contract_pkg::DESIGN_HASH;
      8'(contract_pkg::STREAM_CONTROL_OFFSET): read_data = 32'(resetting);
      8'(contract_pkg::STREAM_WEIGHTS_HASH_OFFSET): read_data = WEIGHTS_HASH;
      8'(contract_pkg::STREAM_BATCHES_IN_OFFSET): read_data = batches_in;
      8'(contract_pkg::STREAM_BATCHES_OUT_OFFSET): read_data = batches_left;
      8'(contract_pkg::STREAM_FRAMES_IN_OFFSET): read_data = frames_in;
      8'(contract_pkg::STREAM_CELLS_OUT_OFFSET): read_data = cells_out;
      8'(contract_pkg::STREAM_STALLED_CYCLES_OFFSET): read_data = stalled_cycles;
      default: read_data = '0;
    endcase
  end
endmodule
`default_nettype wire
