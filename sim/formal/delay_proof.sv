// delay: what comes out is what went in CLOCKS clocks before.
module delay_proof #(
    parameter int BITS = 2,
    parameter int CLOCKS = 3
) (
    input logic clk,
    input logic [BITS-1:0] in_word
);
  logic [BITS-1:0] out_word;
  logic [(CLOCKS+1)*BITS-1:0] line;  // the latest word lowest
  logic [$clog2(CLOCKS+2)-1:0] clocks = '0;
  delay #(.BITS(BITS), .CLOCKS(CLOCKS)) dut (.*);
  assign line[0+:BITS] = in_word;
  always_ff @(posedge clk) begin
    if (32'(clocks) < CLOCKS) clocks <= clocks + 1'b1;
    line[BITS+:CLOCKS*BITS] <= line[0+:CLOCKS*BITS];
    if (32'(clocks) == CLOCKS) it_comes: assert (out_word == line[CLOCKS*BITS+:BITS]);
  end
endmodule
