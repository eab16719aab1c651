// The trigger pin: each pulse waits for the clock that its event has told, and begins in it.
//
// Whoever writes makes sure that pulses come in order, each later than the one before it.
`default_nettype none
module trigger #(
    parameter int HOLD_BITS = contract_pkg::HOLD_BITS,
    parameter int PULSES = contract_pkg::PULSES_WAITING,
    parameter int CLOCK_BITS = contract_pkg::CLOCK_BITS
) (
    input wire logic                  clk,
    input wire logic                  rst,
    input wire logic [CLOCK_BITS-1:0] now,
    input wire logic                  write,
    input wire logic [CLOCK_BITS-1:0] in_pulse,  // clock of its first one, two from now or later
    input wire logic [CLOCK_BITS-1:0] in_last,   // clock of the frame's last pixel
    output     logic                  crowded,   // no more may wait
    output     logic                  waits,     // there is one that does
    output     logic [CLOCK_BITS-1:0] latest,    // in_pulse of the last that was written
    input wire logic [ HOLD_BITS-1:0] hold,      // clocks of a pulse beyond its first one
    output     logic                  pin,
    output     logic                  began,     // pulse: the first clock of the pin's
    output     logic [CLOCK_BITS-1:0] age        // then: clocks since the last pixel
);
  logic due;
  logic [CLOCK_BITS-1:0] next, pulse, last;
  logic [HOLD_BITS-1:0] left;
  logic [$clog2(PULSES):0] level;

  fifo #(.BITS(2 * CLOCK_BITS), .DEPTH(PULSES)) pulses (
      .clk, .rst, .write, .in_word({in_pulse, in_last}), .read(due), .out_valid(waits), .out_word({pulse, last}), .level
  );
  assign crowded = level[$clog2(PULSES)];
  assign next    = now + 1'b1;
  assign due     = waits && next == pulse;

  always_ff @(posedge clk) begin
    if (write) latest <= in_pulse;
    began <= !rst && due;
    age   <= next - last;
    if (rst) begin
      pin  <= 1'b0;
      left <= '0;
    end else if (due) begin
      pin  <= 1'b1;
      left <= hold;
    end else begin
      pin <= left != 0;
      if (left != 0) left <= left - 1'b1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk) if (!rst) none_is_missed : assert (!waits || $signed(pulse - next) >= 0);
`endif
endmodule
`default_nettype wire
