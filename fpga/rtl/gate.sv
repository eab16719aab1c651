// The gate: what comes of a packet, two clocks after the network's decision on its cell.
//
// The law is model/contract/gate.py: exactly one flag is set, and what is in doubt triggers nothing. Decisions are three
// clocks apart or more, so that a trigger is among those that wait before the next one is judged.
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
    input wire logic [            1:0] in_malformed,
    input wire logic [           31:0] in_first,      // clock of its first beat
    input wire logic [           31:0] in_last,
    // Settings, of in_class where they are a class's.
    input wire logic                   wanted,
    input wire logic [           31:0] least_margin,
    input wire logic [ DELAY_BITS-1:0] delay,
    input wire logic                   crowded,       // no more triggers may wait
    // An event, in one clock.
    output     logic                   event_valid,
    output     logic [      FLAGS-1:0] event_flags,
    output     logic [ CLASS_BITS-1:0] event_class,
    output     logic [MARGIN_BITS-1:0] event_margin,
    output     logic [           31:0] event_first,
    output     logic [           31:0] event_last,
    output     logic [           31:0] event_clock    // its own
);
  logic judging, is_wanted;
  logic [1:0] malformed;
  logic [CLASS_BITS-1:0] class_index;
  logic [MARGIN_BITS-1:0] margin;
  logic [31:0] least, first, last;
  always_ff @(posedge clk) begin
    judging     <= !rst && in_valid;
    is_wanted   <= wanted;
    least       <= least_margin;
    malformed   <= in_malformed;
    class_index <= in_class;
    margin      <= in_margin;
    first       <= in_first;
    last        <= in_last;
  end

  // The pulse is due `delay` clocks after the last beat, and an event is out a clock from now.
  logic unwanted, rejected, late, well_formed;
  assign well_formed = malformed == 0;
  assign unwanted    = well_formed && !is_wanted;
  assign rejected    = well_formed && is_wanted && 32'(margin) < least;
  assign late        = delay != 0 && now - last + 32'(1 + contract_pkg::PULSE_CLOCKS) > 32'(delay);

  logic passed;
  assign passed = well_formed && !unwanted && !rejected;
  always_ff @(posedge clk) begin
    event_valid  <= !rst && judging;
    event_flags  <= {passed && !late && !crowded, passed && !late && crowded, passed && late, rejected, unwanted,
                     malformed};
    event_class  <= class_index;
    event_margin <= margin;
    event_first  <= first;
    event_last   <= last;
    event_clock  <= now + 1'b1;
  end
endmodule
`default_nettype wire
