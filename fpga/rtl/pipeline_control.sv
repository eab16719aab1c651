// Beside the data path from frames to logits: its resets and registers, what is known of the packets in it, the gate
// behind it with the trigger pin, and the stream of logits with what the gate has made of them.
//
// Every packet that passes s_axis gives a cell's decision, a malformed one too; the logits of those go no further.
`default_nettype none
module pipeline_control #(
    parameter int CLASSES = 5,
    parameter int LOGIT_BITS = 20,
    parameter bit IS_SIGNED = 1,
    parameter int CLASS_BITS = $clog2(CLASSES + 1),
    parameter int MARGIN_BITS = LOGIT_BITS + 1,
    parameter int FLAGS = contract_pkg::EVENT_FLAGS
) (
    input wire logic                          aclk,
    input wire logic                          aresetn,         // synchronous
    // Beats at the pins, on their way to the data path.
    input wire logic                          s_axis_tvalid,
    output     logic                          s_axis_tready,
    input wire logic                          s_axis_tlast,
    // The data path.
    output     logic                          rst,
    output     logic [                  31:0] now,
    output     logic                          frames_valid,
    input wire logic                          frames_ready,
    input wire logic                          frame_ended,
    input wire logic                          frame_intact,
    input wire logic                          too_short,
    input wire logic                          too_long,
    input wire logic                          remark_valid,      // before the frame's decision
    input wire logic                          remark_unsettled,
    input wire logic                          remark_clipped,
    input wire logic                          remark_curled,
    input wire logic [                   1:0] remark_half,
    input wire logic                          sign_valid,        // before it, too
    input wire logic                          sign_negative,
    input wire logic                          decision_valid,
    output     logic                          decision_ready,
    input wire logic [        CLASS_BITS-1:0] decision_class,
    input wire logic [       MARGIN_BITS-1:0] decision_margin,
    input wire logic [CLASSES*LOGIT_BITS-1:0] decision_logits,
    // Logits and event of intact frames.
    output     logic [                  31:0] m_axis_tdata,
    output     logic                          m_axis_tvalid,
    input wire logic                          m_axis_tready,
    output     logic                          m_axis_tlast,
    // What came of every packet, in one clock, and the trigger.
    output     logic                          event_valid,
    output     logic [             FLAGS-1:0] event_flags,
    output     logic [                   3:0] event_remark,
    output     logic [        CLASS_BITS-1:0] event_class,
    output     logic [       MARGIN_BITS-1:0] event_margin,
    output     logic [                  31:0] event_clock,
    output     logic                          trigger,
    // Registers of the data path, where it has any: whole writes of what the pins say; zero at others' addresses.
    output     logic                          register_write,
    input wire logic [                  31:0] register_read_data,
    input wire logic [                   7:0] s_axil_awaddr,
    input wire logic                          s_axil_awvalid,
    output     logic                          s_axil_awready,
    input wire logic [                  31:0] s_axil_wdata,
    input wire logic [                   3:0] s_axil_wstrb,
    input wire logic                          s_axil_wvalid,
    output     logic                          s_axil_wready,
    output     logic [                   1:0] s_axil_bresp,
    output     logic                          s_axil_bvalid,
    input wire logic                          s_axil_bready,
    input wire logic [                   7:0] s_axil_araddr,
    input wire logic                          s_axil_arvalid,
    output     logic                          s_axil_arready,
    output     logic [                  31:0] s_axil_rdata,
    output     logic [                   1:0] s_axil_rresp,
    output     logic                          s_axil_rvalid,
    input wire logic                          s_axil_rready
);
  logic soft_reset, write, frame_left;
  logic [31:0] more_data, gate_data, frame_arrived;
  assign more_data      = gate_data | register_read_data;
  assign register_write = write && &s_axil_wstrb;

  // Registered, since it goes everywhere; no beat is taken while it is on or on its way.
  always_ff @(posedge aclk) rst <= !aresetn || soft_reset;
  status_registers status_registers (.clk(aclk), .rst(!aresetn), .*);

  logic open, room;
  assign open          = room && aresetn && !rst && !soft_reset;
  assign s_axis_tready = frames_ready && open;
  assign frames_valid  = s_axis_tvalid && open;

  logic tag_valid, judged, logits_ready;
  logic [3:0] flaws;
  logic [3:0] remark;
  logic [31:0] first, last;
  assign decision_ready = tag_valid && logits_ready;
  assign judged         = decision_valid && decision_ready;
  frame_tags frame_tags (
      .clk(aclk), .rst, .now, .room, .beat_taken(s_axis_tvalid && s_axis_tready), .beat_last(s_axis_tlast),
      .ended(frame_ended), .intact(frame_intact), .too_long, .remark_valid, .remark_unsettled, .remark_clipped,
      .remark_curled, .remark_half, .sign_valid, .sign_negative, .out_valid(tag_valid), .out_flaws(flaws),
      .out_remark(remark), .out_first(first), .out_last(last), .take(judged)
  );

  logic wanted, crowded, waits, began;
  logic [31:0] least_margin, latest, event_first, event_last, event_pulse, age;
  logic [contract_pkg::DELAY_BITS-1:0] delay, event_cycles;
  logic [contract_pkg::HOLD_BITS-1:0] hold;
  gate #(.CLASS_BITS(CLASS_BITS), .MARGIN_BITS(MARGIN_BITS)) gate (
      .clk(aclk), .rst, .now, .in_valid(judged), .in_class(decision_class), .in_margin(decision_margin),
      .in_flaws(flaws), .in_remark(remark), .in_first(first), .in_last(last), .wanted, .least_margin, .delay, .crowded, .waits,
      .latest, .event_valid, .event_flags, .event_remark, .event_class, .event_margin, .event_first, .event_last,
      .event_clock, .event_pulse, .event_cycles
  );
  trigger pin (
      .clk(aclk), .rst, .now, .write(event_valid && event_flags[FLAGS-1]), .in_pulse(event_pulse), .in_last(event_last),
      .crowded, .waits, .latest, .hold, .pin(trigger), .began, .age
  );
  gate_registers #(.CLASSES(CLASSES), .CLASS_BITS(CLASS_BITS), .MARGIN_BITS(MARGIN_BITS)) gate_registers (
      .clk(aclk), .rst(!aresetn), .write, .write_address(s_axil_awaddr), .write_data(s_axil_wdata),
      .write_strobes(s_axil_wstrb), .read_address(s_axil_araddr), .read_data(gate_data), .asked_class(decision_class),
      .wanted, .least_margin, .delay, .hold, .event_valid, .event_flags, .event_remark, .event_class, .event_margin,
      .event_first, .event_clock, .began, .age
  );
  // The number of an intact frame's flag: the first one's is 1.
  logic [2:0] cell_flag;
  always_comb begin
    cell_flag = '0;
    for (int i = 0; i < FLAGS - 2; ++i) if (event_flags[2+i]) cell_flag = cell_flag | 3'(i + 1);
  end
  logit_stream #(.CLASSES(CLASSES), .BITS(LOGIT_BITS), .IS_SIGNED(IS_SIGNED)) logit_stream (
      .clk(aclk), .rst, .in_valid(judged && flaws[1:0] == 0), .in_ready(logits_ready), .in_logits(decision_logits),
      .in_arrived(last), .event_valid(event_valid && event_flags[1:0] == 0),
      .event_word({event_remark, 1'b0, cell_flag, event_cycles}),
      .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast, .cell_left(frame_left),
      .cell_arrived(frame_arrived)
  );
endmodule
`default_nettype wire
