// axi_lite: every write and every read is taken once and answered once, in its turn; a busy writer waits and no other.
module axi_lite_proof (
    input logic clk,
    input logic rst,
    input logic s_axil_awvalid,
    input logic s_axil_wvalid,
    input logic s_axil_bready,
    input logic s_axil_arvalid,
    input logic s_axil_rready,
    input logic busy,
    input logic [31:0] read_data
);
  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid, write, started = 1'b0;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  logic [31:0] s_axil_rdata;
  axi_lite dut (.*);
  stream_given write_address (
      .clk, .rst, .valid(s_axil_awvalid), .ready(s_axil_awready), .words(1'b0)
  );
  stream_given write_data (.clk, .rst, .valid(s_axil_wvalid), .ready(s_axil_wready), .words(1'b0));
  stream_given read_address (.clk, .rst, .valid(s_axil_arvalid), .ready(s_axil_arready), .words(1'b0));
  (* hierconn *) logic \dut.written ;

  logic owed, read_owed, held;  // answers; `held`: the writer may have one from the next clock on
  logic [31:0] wanted;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst) {owed, read_owed} <= '0;
    else begin
      if (write) owed <= 1'b1;
      else if (s_axil_bvalid && s_axil_bready) owed <= 1'b0;
      if (s_axil_arvalid && s_axil_arready) read_owed <= 1'b1;
      else if (s_axil_rvalid && s_axil_rready) read_owed <= 1'b0;
      if (s_axil_arvalid && s_axil_arready) wanted <= read_data;
    end
    held <= !rst && owed && !s_axil_bvalid && !busy;
    if (started && !rst) begin
      address_and_data_go_together: assert (s_axil_awready == write && s_axil_wready == write);
      a_write_is_a_write: assert (!write || (s_axil_awvalid && s_axil_wvalid));
      one_write_at_a_time: assert (!write || (!owed && !busy));
      a_write_is_taken_at_once: assert (!(s_axil_awvalid && s_axil_wvalid && !owed && !busy) || write);
      an_answer_a_write: assert (!s_axil_bvalid || owed);
      it_is_known: assert (owed == (s_axil_bvalid || \dut.written ));
      the_answer_comes: assert (!held || s_axil_bvalid);
      an_answer_a_read: assert (s_axil_rvalid == read_owed && s_axil_arready == !read_owed);
      what_was_there_is_read: assert (!s_axil_rvalid || s_axil_rdata == wanted);
      all_is_okay: assert (s_axil_bresp == 0 && s_axil_rresp == 0);
    end
  end
endmodule
