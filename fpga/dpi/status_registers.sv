// AXI4-Lite registers of a kernel; addresses and constants come from the generated contract_pkg.
//
// Unmapped reads answer SLVERR and zero; writes to what is not writable answer SLVERR and change nothing.
module status_registers
  import contract_pkg::*;
(
    input logic aclk,
    input logic aresetn,

    input  logic [ 7:0] s_axil_awaddr,
    input  logic        s_axil_awvalid,
    output logic        s_axil_awready,
    input  logic [31:0] s_axil_wdata,
    input  logic [ 3:0] s_axil_wstrb,
    input  logic        s_axil_wvalid,
    output logic        s_axil_wready,
    output logic [ 1:0] s_axil_bresp,
    output logic        s_axil_bvalid,
    input  logic        s_axil_bready,
    input  logic [ 7:0] s_axil_araddr,
    input  logic        s_axil_arvalid,
    output logic        s_axil_arready,
    output logic [31:0] s_axil_rdata,
    output logic [ 1:0] s_axil_rresp,
    output logic        s_axil_rvalid,
    input  logic        s_axil_rready,

    output logic soft_reset,  // one clock
    // Events of the data path, one clock each.
    input  logic accepted,
    input  logic too_short,
    input  logic too_long,
    input  logic packet_in,   // a packet's last beat is received
    input  logic packet_out   // a frame's last beat leaves
);
  localparam logic [1:0] OKAY = 2'b00, SLVERR = 2'b10;

  logic [31:0] frames_accepted, frames_dropped, latency, interval;
  logic [1:0] error_flags;

  // Clocks since reset, when the packets that wait were received, and when the latest frame left.
  logic [31:0] now, received, left;
  logic any_left;
  logic [31:0] waiting[$];

  wire write = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid;
  wire read = s_axil_arvalid && !s_axil_rvalid;
  assign s_axil_awready = write;
  assign s_axil_wready  = write;
  assign s_axil_arready = read;
  wire [1:0] cleared = write && 32'(s_axil_awaddr) == ERROR_FLAGS_OFFSET && s_axil_wstrb[0] ? s_axil_wdata[1:0] : 2'b00;

  always_ff @(posedge aclk) begin
    soft_reset <= 0;
    if (!aresetn) begin
      s_axil_bvalid <= 0;
      s_axil_rvalid <= 0;
    end else begin
      if (s_axil_bready) s_axil_bvalid <= 0;
      if (write) begin
        s_axil_bvalid <= 1;
        s_axil_bresp <= 32'(s_axil_awaddr) inside {CONTROL_OFFSET, ERROR_FLAGS_OFFSET} ? OKAY : SLVERR;
        soft_reset <= 32'(s_axil_awaddr) == CONTROL_OFFSET && s_axil_wstrb[0] && s_axil_wdata[0];
      end
      if (s_axil_rready) s_axil_rvalid <= 0;
      if (read) begin
        s_axil_rvalid <= 1;
        s_axil_rresp <= OKAY;
        case (32'(s_axil_araddr))
          IDENTITY_OFFSET: s_axil_rdata <= IDENTITY;
          VERSION_OFFSET: s_axil_rdata <= VERSION;
          DESIGN_HASH_OFFSET: s_axil_rdata <= DESIGN_HASH;
          CONTROL_OFFSET: s_axil_rdata <= 0;
          FRAMES_ACCEPTED_OFFSET: s_axil_rdata <= frames_accepted;
          FRAMES_DROPPED_OFFSET: s_axil_rdata <= frames_dropped;
          ERROR_FLAGS_OFFSET: s_axil_rdata <= 32'(error_flags);
          LATENCY_CYCLES_OFFSET: s_axil_rdata <= latency;
          INTERVAL_CYCLES_OFFSET: s_axil_rdata <= interval;
          default: begin
            s_axil_rdata <= 0;
            s_axil_rresp <= SLVERR;
          end
        endcase
      end
    end
  end

  always_ff @(posedge aclk) begin
    if (!aresetn) begin
      frames_accepted <= 0;
      frames_dropped <= 0;
      error_flags <= 0;
      latency <= 0;
      interval <= 0;
      now <= 0;
      any_left <= 0;
      waiting.delete();
    end else begin
      now <= now + 1;
      if (accepted) frames_accepted <= frames_accepted + 1;
      if (too_short || too_long) frames_dropped <= frames_dropped + 1;
      error_flags <= (error_flags & ~cleared) | {too_long, too_short};
      if (packet_in) received <= now;
      if (accepted) waiting.push_back(received);
      if (packet_out) begin
        latency <= now - waiting.pop_front();
        if (any_left) interval <= now - left;
        left <= now;
        any_left <= 1;
      end
      if (soft_reset) begin
        waiting.delete();
        any_left <= 0;
      end
    end
  end
endmodule
