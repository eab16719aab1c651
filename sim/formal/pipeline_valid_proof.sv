// pipeline_valid: a bit that comes CLOCKS clocks later, unless a reset came in between.
module pipeline_valid_proof #(
    parameter int CLOCKS = 3
) (
    input logic clk,
    input logic rst,
    input logic in_valid
);
  logic out_valid;
  logic [CLOCKS:0] seen;
  logic [$clog2(CLOCKS+2)-1:0] clocks = '0;
  pipeline_valid #(.CLOCKS(CLOCKS)) dut (.*);
  assign seen[0] = in_valid;
  always_ff @(posedge clk) begin
    if (32'(clocks) < CLOCKS) clocks <= clocks + 1'b1;
    for (int i = 1; i <= CLOCKS; ++i) seen[i] <= !rst && seen[i-1];
    if (32'(clocks) == CLOCKS) it_comes: assert (out_valid == seen[CLOCKS]);
  end
endmodule
