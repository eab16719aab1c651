// Places for line groups in a memory downstream: taken before a group starts on its way, given back when it has left.
//
// What can be neither stalled nor lost in between thereby always finds its place.
`default_nettype none
module credits #(
    parameter int COUNT = 4
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic take,      // only while available
    input wire logic give,
    output     logic available
);
  logic [$clog2(COUNT+1)-1:0] left;

  always_ff @(posedge clk) begin
    if (rst) begin
      left      <= ($clog2(COUNT + 1))'(COUNT);
      available <= 1'b1;
    end else if (take != give) begin
      left      <= give ? left + 1'b1 : left - 1'b1;
      available <= give || left > 1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      taken_while_available : assert (!take || available);
      given_back_once : assert (!give || take || 32'(left) < COUNT);
      the_count_fits : assert (32'(left) <= COUNT && available == (left != 0));
    end
`endif
endmodule
`default_nettype wire
