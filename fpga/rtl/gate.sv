// The gate: what comes of a packet, two clocks after the network's decision on its cell.
//
// The law is model/contract/gate.py: exactly one flag is set, and what is in doubt triggers nothing. Decisions are
// three clocks apart or more, so that a trigger is among those that wait before the next one is judged. The delay is
// read once a decision: what an event says of its pulse, no later write changes.
`default_nettype none
module gate #(
    parameter int CLASS_BITS = 3,
    parameter int MARGIN_BITS = 21,
    parameter int DELAY_BITS = contract_pkg::DELAY_BITS,
    parameter int FLAGS = contract_pkg::EVENT_FLAGS
) (
    input wire logic                   clk,
    input wire logic                   rst,
    input wire logic [           31:0] now,
    // A decision, and what is known of its packet.
    input wire logic                   in_valid,
    input wire logic [ CLASS_BITS-1:0] in_class,
    input wire logic [MARGIN_BITS-1:0] in_margin,
    input wire logic [            3:0] in_flaws,      // one at most
    input wire logic [            3:0] in_remark,
    input wire logic [           31:0] in_first,      // clock of its first beat
    input wire logic [           31:0] in_last,
    // Settings, of in_class where they are a class's.
    input wire logic                   wanted,
    input wire logic [           31:0] least_margin,
    input wire logic [ DELAY_BITS-1:0] delay,
    // Of the triggers that wait.
    input wire logic                   crowded,       // no more may
    input wire logic                   waits,         // there is one
    input wire logic [           31:0] latest,        // clock of the last one's pulse
    // An event, in one clock.
    output     logic                   event_valid,
    output     logic [      FLAGS-1:0] event_flags,
    output     logic [            3:0] event_remark,
    output     logic [ CLASS_BITS-1:0] event_class,
    output     logic [MARGIN_BITS-1:0] event_margin,
    output     logic [           31:0] event_first,
    output     logic [           31:0] event_last,
    output     logic [           31:0] event_clock,   // its own
    output     logic [           31:0] event_pulse,   // its pulse's, if it triggers
    output     logic [ DELAY_BITS-1:0] event_cycles   // from last beat to pulse
);
  logic judging, is_wanted;
  logic [3:0] flaws;
  logic [3:0] remark;
  logic [CLASS_BITS-1:0] class_index;
  logic [MARGIN_BITS-1:0] margin;
  logic [31:0] least, first, last;
  always_ff @(posedge clk) begin
    judging     <= !rst && in_valid;
    is_wanted   <= wanted;
    least       <= least_margin;
    flaws       <= in_flaws;
    remark      <= in_remark;
    class_index <= in_class;
    margin      <= in_margin;
    first       <= in_first;
    last        <= in_last;
  end

  // The pulse is due `delay` clocks after the last beat, and an event is out a clock from now. Pulses come in order: one
  // that a shorter delay brings before those that wait is late, too.
  localparam logic [31:0] LONGEST = (1 << DELAY_BITS) - 1;
  logic unwanted, rejected, late, trusted, is_past, is_overtaken;
  logic [31:0] earliest, pulse, cycles;
  assign trusted      = flaws == 0;
  assign unwanted     = trusted && !is_wanted;
  assign rejected     = trusted && is_wanted && 32'(margin) < least;
  assign earliest     = now + 32'(1 + contract_pkg::PULSE_CLOCKS) - last;
  assign cycles       = delay != 0 ? 32'(delay) : earliest;
  assign pulse        = last + cycles;
  assign is_past      = cycles < earliest;
  assign is_overtaken = waits && $signed(pulse - latest) <= 0;
  assign late         = is_past || is_overtaken;

  logic passed;
  assign passed = trusted && !unwanted && !rejected;
  always_ff @(posedge clk) begin
    event_valid  <= !rst && judging;
    event_flags  <= {passed && !late && !crowded, passed && !late && crowded, passed && late, rejected, unwanted, flaws};
    event_remark <= remark;
    event_class  <= class_index;
    event_margin <= margin;
    event_first  <= first;
    event_last   <= last;
    event_clock  <= now + 1'b1;
    event_pulse  <= pulse;
    event_cycles <= DELAY_BITS'(cycles > LONGEST ? LONGEST : cycles);
  end
endmodule
`default_nettype wire
