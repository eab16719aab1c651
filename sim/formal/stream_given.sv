// What a stream into a module under proof keeps, as `stream_rules` asserts it of those that leave: assumed here.
module stream_given #(
    parameter int BITS = 1
) (
    input logic clk,
    input logic rst,
    input logic valid,
    input logic ready,
    input logic [BITS-1:0] words
);
  logic waits = 1'b0;
  logic [BITS-1:0] offered;
  always_ff @(posedge clk) begin
    waits   <= !rst && valid && !ready;
    offered <= words;
    if (waits && !rst) assume (valid && words == offered);
  end
endmodule
