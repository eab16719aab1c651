// Whether a reset fell while something had `begun`, from that reset on until something `ended` after it.
//
// What no reset has set yet does not count. Players stop assertions, and these points with them, within a reset.
`default_nettype none
module cut_off (
    input wire logic clk,
    input wire logic rst,
    input wire logic begun,
    input wire logic ended,
    output     logic cut
);
  logic alive, rst_before;
  initial {alive, rst_before, cut} = '0;
  always_ff @(posedge clk) begin
    rst_before <= rst;
    if (!rst) alive <= 1'b1;
    if (rst && !rst_before) cut <= cut || (alive && begun);
    else if (!rst && ended) cut <= 1'b0;
  end
endmodule
`default_nettype wire
