// AXI4-Stream handshakes around an HLS kernel that runs as C++ behind DPI-C: C-simulation at pin level, not RTL.
//
// A frame is computed within the clock of its TLAST; its words leave from the next clock on, one beat a clock. Cycles
// counted here are therefore the shell's and say nothing about hardware.
module dpi_kernel #(
    parameter int SAMPLES = 1,  // samples per clock
    parameter int INPUT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int OUTPUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input logic aclk,
    input logic resetn,  // active low, synchronous

    input  logic [INPUT_BITS-1:0] s_axis_tdata,
    input  logic                  s_axis_tvalid,
    output logic                  s_axis_tready,
    input  logic                  s_axis_tlast,

    output logic [OUTPUT_BITS-1:0] m_axis_tdata,
    output logic                   m_axis_tvalid,
    input  logic                   m_axis_tready,
    output logic                   m_axis_tlast
);
  // Of the widest beats, in whole words; shell.hpp names the same.
  localparam int WIDEST = 8;
  localparam int IN_WORDS = (WIDEST * contract_pkg::FRAME_CHANNELS * contract_pkg::LANE_BITS + 31) / 32;
  localparam int OUT_WORDS = (WIDEST * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS + 31) / 32;
  import "DPI-C" function chandle cytogate_kernel(input int samples);
  import "DPI-C" function bit cytogate_push(input chandle kernel, input bit [32*IN_WORDS-1:0] data, input bit last);
  import "DPI-C" function bit cytogate_pop(input chandle kernel, output bit [32*OUT_WORDS-1:0] data, output bit last);
  import "DPI-C" function void cytogate_reset(input chandle kernel);

  // As many frames wait for the receiver as the HLS kernel has in flight; then the sender waits.
  localparam int FRAMES_WAITING = 3;

  chandle kernel;
  initial kernel = cytogate_kernel(SAMPLES);

  logic [2:0] waiting;
  bit [32*OUT_WORDS-1:0] data;
  bit last, found, accepted;

  wire left = m_axis_tvalid && m_axis_tready && m_axis_tlast;
  assign s_axis_tready = resetn && waiting < FRAMES_WAITING;

  always_ff @(posedge aclk) begin
    if (!resetn) begin
      cytogate_reset(kernel);
      waiting <= 0;
      m_axis_tvalid <= 0;
      m_axis_tlast <= 0;
    end else begin
      accepted = 0;
      // Before the push, so that a word needs a clock from input to output.
      if (m_axis_tready || !m_axis_tvalid) begin
        found = cytogate_pop(kernel, data, last);
        m_axis_tvalid <= found;
        m_axis_tdata <= OUTPUT_BITS'(data);
        m_axis_tlast <= found && last;
      end
      if (s_axis_tvalid && s_axis_tready) accepted = cytogate_push(kernel, (32 * IN_WORDS)'(s_axis_tdata), s_axis_tlast);
      waiting <= waiting + 3'(accepted) - 3'(left);
    end
  end
endmodule
