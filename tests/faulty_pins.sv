// A kernel whose pins lie in one chosen way: what the benches must see. The fault's number is read from fault.mem.
module faulty_pins
  import contract_pkg::*;
#(
    parameter int SAMPLES = 1,
    parameter int BEAT_BITS = beat_bits(SAMPLES),
    parameter int OUT_BITS = SAMPLES * NETWORK_CHANNELS * PIXEL_BITS
) (
    input logic aclk,
    input logic aresetn,

    input  logic [BEAT_BITS-1:0] s_axis_tdata,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,
    input  logic                 s_axis_tlast,

    output logic [OUT_BITS-1:0] m_axis_tdata,
    output logic                m_axis_tvalid,
    input  logic                m_axis_tready,
    output logic                m_axis_tlast,

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
    input  logic        s_axil_rready
);
  // The same names and numbers as in test_cosim.py.
  typedef enum logic [7:0] {
    NONE, LOST_BEAT, REPEATED_BEAT, FLIPPED_BIT, NO_TLAST, EARLY_TLAST, VALID_WITHDRAWN, DATA_CHANGES, INPUT_STUCK,
    OUTPUT_STUCK, NO_REGISTER_ANSWER, UNMAPPED_READ_HANGS, COUNTER_OFF_BY_ONE, FLAGS_SWAPPED, RESET_LOST,
    LATENCY_OFF_BY_ONE, EARLY_TLAST_UNSEEN, FLAG_CLEARED_BY_ZERO, STOPS, CRASHES, ASSERTS
  } fault_t;
  logic [7:0] memory[1];
  initial $readmemh("fault.mem", memory);
  fault_t fault;
  assign fault = fault_t'(memory[0]);

  localparam int FRAME_BEATS = FRAME_ROWS * ((FRAME_COLUMNS + SAMPLES - 1) / SAMPLES);
  localparam int OUTPUT_BEATS = SIZE * SIZE / SAMPLES;
  localparam int PLACE = 100;

  logic kernel_resetn, into_ready, out_valid, out_last, arready, rvalid;
  logic [OUT_BITS-1:0] out_data;
  logic [31:0] rdata;
  logic [31:0] clocks = 0, beats_in, beats_out;
  logic repeated, stalled;
  logic [7:0] address;

  always_ff @(posedge aclk) begin
    clocks <= clocks + 1;
    if (fault == STOPS && clocks == 1000) $fatal(1, "the kernel burns");
    if (fault == CRASHES && clocks == 1000) $c("std::abort();");
    there_is_no_such_fault : assert (fault != ASSERTS || clocks != 1000);
    if (!aresetn) begin
      beats_in <= 0;
      beats_out <= 0;
      repeated <= 0;
      stalled <= 0;
    end else begin
      if (s_axis_tvalid && s_axis_tready) beats_in <= beats_in + 1;
      if (out_valid && m_axis_tready) begin
        if (fault == REPEATED_BEAT && beats_out == PLACE && !repeated) repeated <= 1;
        else beats_out <= beats_out + 1;
      end
      stalled <= out_valid && !m_axis_tready && !stalled;
      if (s_axil_arvalid && arready) address <= s_axil_araddr;
    end
  end

  // Input.
  assign kernel_resetn = aresetn || (fault == RESET_LOST && clocks > PLACE);
  wire hidden_last = fault == EARLY_TLAST_UNSEEN && beats_in < FRAME_BEATS - 1;
  assign s_axis_tready = into_ready && !(fault == INPUT_STUCK && beats_in > FRAME_BEATS + PLACE);

  // Output.
  wire lost = fault == LOST_BEAT && beats_out == PLACE;
  wire withdrawn = fault == VALID_WITHDRAWN && stalled;
  wire stuck = fault == OUTPUT_STUCK && beats_out >= OUTPUT_BEATS;
  assign m_axis_tvalid = out_valid && !lost && !withdrawn && !stuck;
  wire flipped = (fault == FLIPPED_BIT && beats_out == PLACE) || (fault == DATA_CHANGES && stalled);
  assign m_axis_tdata = out_data ^ OUT_BITS'(flipped);
  assign m_axis_tlast = (out_last && fault != NO_TLAST) || (fault == EARLY_TLAST && beats_out == PLACE);
  wire again = fault == REPEATED_BEAT && beats_out == PLACE && !repeated;

  // Registers.
  wire mute = fault == NO_REGISTER_ANSWER ||
      (fault == UNMAPPED_READ_HANGS && 32'(s_axil_araddr) > INTERVAL_CYCLES_OFFSET);
  assign s_axil_arready = arready && !mute;
  assign s_axil_rvalid = rvalid;
  always_comb begin
    s_axil_rdata = rdata;
    if (fault == COUNTER_OFF_BY_ONE && 32'(address) == FRAMES_ACCEPTED_OFFSET && rdata != 0) s_axil_rdata = rdata + 1;
    if (fault == LATENCY_OFF_BY_ONE && 32'(address) == LATENCY_CYCLES_OFFSET) s_axil_rdata = rdata + 1;
    if (fault == FLAGS_SWAPPED && 32'(address) == ERROR_FLAGS_OFFSET) s_axil_rdata = {30'b0, rdata[0], rdata[1]};
  end

  simulated_kernel #(
      .SAMPLES(SAMPLES)
  ) kernel (
      .aclk,
      .aresetn(kernel_resetn),
      .s_axis_tdata,
      .s_axis_tvalid(s_axis_tvalid && s_axis_tready),
      .s_axis_tready(into_ready),
      .s_axis_tlast(s_axis_tlast && !hidden_last),
      .m_axis_tdata(out_data),
      .m_axis_tvalid(out_valid),
      .m_axis_tready(m_axis_tready && !withdrawn && !stuck && !again),
      .m_axis_tlast(out_last),
      .s_axil_awaddr,
      .s_axil_awvalid,
      .s_axil_awready,
      .s_axil_wdata(fault == FLAG_CLEARED_BY_ZERO && 32'(s_axil_awaddr) == ERROR_FLAGS_OFFSET ? 32'd3 : s_axil_wdata),
      .s_axil_wstrb,
      .s_axil_wvalid,
      .s_axil_wready,
      .s_axil_bresp,
      .s_axil_bvalid,
      .s_axil_bready,
      .s_axil_araddr,
      .s_axil_arvalid(s_axil_arvalid && !mute),
      .s_axil_arready(arready),
      .s_axil_rdata(rdata),
      .s_axil_rresp,
      .s_axil_rvalid(rvalid),
      .s_axil_rready
  );
endmodule
