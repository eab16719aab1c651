// Plays beats to a kernel in a simulator that knows the unknown, for tests/test_unknowns.py: what no reset sets and
// nobody has written is X, and no X may reach a pin that says something.
//
// Both sides pause at random. Every beat that leaves goes to left.hex; unknowns are counted and told by their pin.
module unknown_bench;
  parameter int SAMPLES = 1;
  parameter int COUNT = 1;   // beats to send
  parameter int WANTED = 1;  // beats to wait for
  parameter int OUT_BITS = 8;
  parameter int PAUSES = 300;  // of each side, in 1024 clocks
  parameter int CLOCKS = 1000; // after which a run is given up
  localparam int IN_BITS = contract_pkg::beat_bits(SAMPLES);
  localparam int REGISTERS = 16;

  logic aclk = 0, aresetn = 0;
  logic [IN_BITS:0] beats[COUNT];  // TLAST in the highest bit
  logic [IN_BITS-1:0] s_axis_tdata = '0;
  logic s_axis_tvalid = 0, s_axis_tready, s_axis_tlast = 0;
  logic [OUT_BITS-1:0] m_axis_tdata;
  logic m_axis_tvalid, m_axis_tready = 0, m_axis_tlast, m_axis_tuser;
  logic [7:0] s_axil_awaddr = '0, s_axil_araddr = '0;
  logic s_axil_awvalid = 0, s_axil_wvalid = 0, s_axil_bready = 0, s_axil_arvalid = 0, s_axil_rready = 1;
  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid;
  logic [31:0] s_axil_wdata = '0, s_axil_rdata;
  logic [3:0] s_axil_wstrb = '0;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  `KERNEL #(.SAMPLES(SAMPLES)) kernel (.*);  // of which not each has m_axis_tuser

  int sent = 0, left = 0, unknown = 0, checked = 0, read = 0, file;
  task check(input logic known, input [8*16-1:0] pin);
    checked = checked + 1;
    if (!known) begin
      unknown = unknown + 1;
      if (unknown < 4) $display("unknown %0s at %0t", pin, $time);
    end
  endtask

  initial begin
    $readmemh("beats.hex", beats);
    file = $fopen("left.hex", "w");
    repeat (4) begin
      #1 aclk = 1;
      #1 aclk = 0;
    end
    aresetn = 1;
    for (int clock = 0; clock < CLOCKS && (sent < COUNT || left < WANTED || read < REGISTERS); clock = clock + 1) begin
      if (!s_axis_tvalid) s_axis_tvalid = sent < COUNT && $urandom % 1024 >= PAUSES;
      {s_axis_tlast, s_axis_tdata} = s_axis_tvalid ? beats[sent] : 'x;
      m_axis_tready = $urandom % 1024 >= PAUSES;
      s_axil_arvalid = left >= WANTED && read < REGISTERS;
      s_axil_araddr  = s_axil_arvalid ? 8'(4 * read) : 'x;
      #1;
      check(^s_axis_tready !== 1'bx, "s_axis_tready");
      check(^m_axis_tvalid !== 1'bx, "m_axis_tvalid");
      check(^{s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid} !== 1'bx, "s_axil");
      if (m_axis_tvalid) begin
        check(^{m_axis_tlast, m_axis_tdata} !== 1'bx, "m_axis");
        if (m_axis_tready) begin
          if (left < WANTED) $fdisplay(file, "%h", {m_axis_tlast, m_axis_tdata});
          left = left + 1;
        end
      end
      if (s_axil_rvalid) begin
        check(^{s_axil_rresp, s_axil_rdata} !== 1'bx, "s_axil_rdata");
        read = read + 1;
      end
      if (s_axis_tvalid && s_axis_tready) begin
        sent = sent + 1;
        aclk = 1;
        #1 s_axis_tvalid = 0;
      end else begin
        aclk = 1;
        #1;
      end
      aclk = 0;
    end
    $fclose(file);
    $display("sent %0d left %0d read %0d checked %0d unknown %0d", sent, left, read, checked, unknown);
  end
endmodule
