// The handshakes of an AXI4-Lite port, for registers that answer at once or hold their writer back.
//
// One access at a time of each kind, every one answered OKAY. `write` is up for the one clock in which the address,
// data and strobes at the pins are a write; its answer waits while `busy`, from the next clock on, and so does the
// next write. What `read_data` says of s_axil_araddr is read.
`default_nettype none
module axi_lite (
    input wire logic        clk,
    input wire logic        rst,
    input wire logic        s_axil_awvalid,
    output     logic        s_axil_awready,
    input wire logic        s_axil_wvalid,
    output     logic        s_axil_wready,
    output     logic [ 1:0] s_axil_bresp,
    output     logic        s_axil_bvalid,
    input wire logic        s_axil_bready,
    input wire logic        s_axil_arvalid,
    output     logic        s_axil_arready,
    output     logic [31:0] s_axil_rdata,
    output     logic [ 1:0] s_axil_rresp,
    output     logic        s_axil_rvalid,
    input wire logic        s_axil_rready,
    // Registers.
    output     logic        write,
    input wire logic        busy,
    input wire logic [31:0] read_data
);
  logic written;  // a write waits for its answer
  assign write          = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid && !written && !busy;
  assign s_axil_awready = write;
  assign s_axil_wready  = write;
  assign s_axil_bresp   = 2'b00;
  assign s_axil_arready = !s_axil_rvalid;
  assign s_axil_rresp   = 2'b00;

  always_ff @(posedge clk) begin
    if (rst) begin
      written       <= 1'b0;
      s_axil_bvalid <= 1'b0;
      s_axil_rvalid <= 1'b0;
    end else begin
      written <= write || (written && busy);
      if (written && !busy) s_axil_bvalid <= 1'b1;
      else if (s_axil_bready) s_axil_bvalid <= 1'b0;
      if (s_axil_arvalid && s_axil_arready) s_axil_rvalid <= 1'b1;
      else if (s_axil_rready) s_axil_rvalid <= 1'b0;
    end
    if (s_axil_arready) s_axil_rdata <= read_data;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      one_answer_a_write : assert (!written || !s_axil_bvalid);
    end
`endif

  stream_rules #(.BITS(2)) write_answers (
      .clk, .rst, .valid(s_axil_bvalid), .ready(s_axil_bready), .words(s_axil_bresp)
  );

  stream_rules #(.BITS(34)) read_answers (
      .clk, .rst, .valid(s_axil_rvalid), .ready(s_axil_rready), .words({s_axil_rresp, s_axil_rdata})
  );
endmodule
`default_nettype wire
