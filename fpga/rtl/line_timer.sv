// N clocks after a start: every line in this kernel is N consecutive clocks long, one word a lane a clock.
//
// Lines may follow each other at once or after any gap. That is what lets every stage behind work without a stall, a
// flush or a handshake: its delays advance every clock.
`default_nettype none
module line_timer #(
    parameter int SIZE = 128  // N, a power of two
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    start,   // only while idle
    output     logic                    idle,    // a line may start in this clock
    output     logic                    active,  // a word is due in this clock
    output     logic [$clog2(SIZE)-1:0] place,   // which one
    output     logic                    last
);
  assign last = active && &place;
  assign idle = !active || last;

  always_ff @(posedge clk) begin
    if (rst) begin
      active <= 1'b0;
      place  <= '0;
    end else if (idle) begin
      active <= start;
      place  <= '0;
    end else begin
      place <= place + 1'b1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      starts_while_idle : assert (!start || idle);
    end
`endif
endmodule
`default_nettype wire
