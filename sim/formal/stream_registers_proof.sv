// stream_registers: what each address reads, and a reset of the data path that is as long as the contract says and
// whose write is answered when all is out of it.
module stream_registers_proof (
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
    input logic batch_ended,
    input logic frame_ended,
    input logic cell_left,
    input logic [31:0] batches_left,
    input logic stalled
);
  localparam int RESET = contract_pkg::STREAM_RESET_CLOCKS, SETTLING = 8;
  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid, stream_rst;
  logic started = 1'b0, cleared = 1'b0;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  logic [31:0] s_axil_rdata;
  stream_registers #(.WEIGHTS_HASH(32'h12345678)) dut (.*);
  (* hierconn *) logic [31:0] \dut.batches_in , \dut.frames_in , \dut.cells_out , \dut.stalled_cycles ;
  (* hierconn *) logic [$clog2(RESET+SETTLING+1)-1:0] \dut.reset_left ;
  (* hierconn *) logic \dut.axi_lite.written ;

  logic [31:0] batches, frames, cells, stalls, left, read_now, wanted;  // `left`: clocks until a reset is over
  logic resets, resetting;
  assign resets = s_axil_awvalid && s_axil_awready && s_axil_wvalid && s_axil_wready && s_axil_wstrb[0] &&
      s_axil_awaddr == contract_pkg::STREAM_CONTROL_OFFSET && s_axil_wdata[0];
  always_comb begin
    read_now = 0;
    if (s_axil_araddr == contract_pkg::STREAM_IDENTITY_OFFSET) read_now = contract_pkg::STREAM_IDENTITY;
    if (s_axil_araddr == contract_pkg::STREAM_VERSION_OFFSET) read_now = contract_pkg::STREAM_VERSION;
    if (s_axil_araddr == contract_pkg::STREAM_DESIGN_HASH_OFFSET) read_now = contract_pkg::DESIGN_HASH;
    if (s_axil_araddr == contract_pkg::STREAM_CONTROL_OFFSET) read_now = 32'(left != 0);
    if (s_axil_araddr == contract_pkg::STREAM_WEIGHTS_HASH_OFFSET) read_now = 32'h12345678;
    if (s_axil_araddr == contract_pkg::STREAM_BATCHES_IN_OFFSET) read_now = batches;
    if (s_axil_araddr == contract_pkg::STREAM_BATCHES_OUT_OFFSET) read_now = batches_left;
    if (s_axil_araddr == contract_pkg::STREAM_FRAMES_IN_OFFSET) read_now = frames;
    if (s_axil_araddr == contract_pkg::STREAM_CELLS_OUT_OFFSET) read_now = cells;
    if (s_axil_araddr == contract_pkg::STREAM_STALLED_CYCLES_OFFSET) read_now = stalls;
  end

  always_ff @(posedge clk) begin
    started <= 1'b1;
    // The counters are cleared a clock later.
    cleared <= started;
    if (!cleared) assume (rst);
    resetting <= rst || left > SETTLING;
    if (rst) left <= 0;
    else if (resets) left <= RESET + SETTLING;
    else if (left != 0) left <= left - 1;
    if (resetting) {batches, frames, cells, stalls} <= '0;
    else begin
      batches <= batches + 32'(batch_ended);
      frames  <= frames + 32'(frame_ended);
      cells   <= cells + 32'(cell_left);
      stalls  <= stalls + 32'(stalled);
    end
    if (s_axil_arvalid && s_axil_arready) wanted <= read_now;
    if (started) the_reset_goes_out: assert (stream_rst == resetting);
    if (cleared && !rst) begin
      it_is_known: assert (32'(\dut.reset_left ) == left && left <= RESET + SETTLING);
      each_address_reads_its_own: assert (!s_axil_rvalid || s_axil_rdata == wanted);
      a_reset_holds_its_writer: assert (left == 0 || !s_axil_bvalid);
      it_is_answered_behind_it: assert (left == 0 || \dut.axi_lite.written );
      counts_are_known:
      assert (
          {\dut.batches_in , \dut.frames_in , \dut.cells_out , \dut.stalled_cycles } == {batches, frames, cells, stalls}
      );
    end
  end
endmodule
