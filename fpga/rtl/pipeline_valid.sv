// A valid bit that goes CLOCKS clocks beside a pipeline and is forgotten on reset.
`default_nettype none
module pipeline_valid #(
    parameter int CLOCKS = 1  // at least 1
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    output     logic out_valid
);
  logic [CLOCKS-1:0] valid;

  assign out_valid = valid[CLOCKS-1];
  always_ff @(posedge clk) valid <= rst ? '0 : CLOCKS'({valid, in_valid});
endmodule
`default_nettype wire
