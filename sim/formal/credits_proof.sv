// credits: as many places as there are, no more and no fewer.
module credits_proof #(
    parameter int COUNT = 4
) (
    input logic clk,
    input logic rst,
    input logic take,
    input logic give
);
  logic available, started = 1'b0;
  logic [$clog2(COUNT+1)-1:0] taken;
  credits #(.COUNT(COUNT)) dut (.clk, .rst, .take, .give, .available);
  (* hierconn *) logic [$clog2(COUNT+1)-1:0] \dut.left ;

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!take || available);
    assume (!give || take || taken != 0);
    if (rst) taken <= '0;
    else if (take != give) taken <= take ? taken + 1'b1 : taken - 1'b1;
    if (started && !rst) begin
      none_is_lost: assert (32'(\dut.left ) + 32'(taken) == COUNT);
      available_while_one_is_left: assert (available == (32'(taken) < COUNT));
    end
  end
endmodule
