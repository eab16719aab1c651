// What every stream keeps, AXI4-Stream and those inside alike: what is offered stays, unchanged, until it is taken.
//
// Simulation stops and a formal proof fails where it does not; in hardware there is nothing here.
`default_nettype none
module stream_rules #(
    parameter int BITS = 1
) (
    input wire logic            clk,
    input wire logic            rst,    // what was offered may be forgotten
    input wire logic            valid,
    input wire logic            ready,
    input wire logic [BITS-1:0] words
);
`ifndef SYNTHESIS
  logic waits;
  logic [BITS-1:0] offered;
  initial waits = 1'b0;
  always_ff @(posedge clk) begin
    waits   <= !rst && valid && !ready;
    offered <= words;
    if (waits && !rst) begin
      a_offer_stays : assert (valid);
      an_offer_does_not_change : assert (words == offered);
    end
  end
`endif
endmodule
`default_nettype wire
