// The trigger pin: pulses wait for their time, a fixed one after the last pixel of their frames, and begin in order.
`default_nettype none
module trigger #(
    parameter int DELAY_BITS = contract_pkg::DELAY_BITS,
    parameter int HOLD_BITS = contract_pkg::HOLD_BITS,
    parameter int PULSES = contract_pkg::PULSES_WAITING
) (
    input wire logic                  clk,
    input wire logic                  rst,
    input wire logic [          31:0] now,
    input wire logic                  write,
    input wire logic [          31:0] in_last,  // clock of the frame's last pixel
    output     logic                  crowded,  // no more may wait
    input wire logic [DELAY_BITS-1:0] delay,    // 0: at once
    input wire logic [ HOLD_BITS-1:0] hold,     // clocks of a pulse beyond its first one
    input wire logic                  forget,   // what waits
    output     logic                  pin,
    output     logic                  began,    // pulse: the first clock of the pin's
    output     logic [          31:0] age       // then: clocks since the last pixel
);
  logic waits, due;
  logic [31:0] last, next_age;
  logic [HOLD_BITS-1:0] left;
  logic [$clog2(PULSES):0] level;

  fifo #(.BITS(32), .DEPTH(PULSES)) pulses (
      .clk, .rst(rst || forget), .write, .in_word(in_last), .read(due), .out_valid(waits), .out_word(last), .level
  );
  assign crowded  = level[$clog2(PULSES)];
  assign next_age = now + 1'b1 - last;
  assign due      = waits && next_age >= 32'(delay);

  always_ff @(posedge clk) begin
    began <= !rst && due;
    age   <= next_age;
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
endmodule
`default_nettype wire
