// Where a test bench may listen to a stage's words, one call a beat; without CYTOGATE_TAPS there is nothing here.
`default_nettype none
module tap #(
    parameter STAGE = "",
    parameter int BITS = 1
) (
    input wire logic            clk,
    input wire logic            valid,
    input wire logic [BITS-1:0] word
);
`ifdef CYTOGATE_TAPS
  localparam int WORDS = (BITS + 31) / 32;
  import "DPI-C" function void cytogate_tap(
      input string stage, input int words, input bit [31:0] word, input int index
  );
  logic [WORDS*32-1:0] padded;
  assign padded = (WORDS * 32)'(word);
  always_ff @(posedge clk)
    if (valid) for (int i = 0; i < WORDS; ++i) cytogate_tap(STAGE, WORDS, padded[i*32+:32], i);
`endif
endmodule
`default_nettype wire
