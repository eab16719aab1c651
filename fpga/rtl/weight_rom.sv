// Constants of a layer, a word a clock, which comes the clock after its address. LUTs where it is shallow.
//
// FILE holds DEPTH words in hexadecimal; where simulators look for it, rom.sv says.
`ifndef ROM_FOLDER
`define ROM_FOLDER "./"
`endif

`default_nettype none
module weight_rom #(
    parameter int BITS = 72,
    parameter int DEPTH = 4,
    parameter FILE = "weights.mem"
) (
    input wire logic                       clk,
    input wire logic [$clog2(DEPTH+1)-1:0] address,
    output     logic [           BITS-1:0] word
);
  localparam int SHALLOW = 64;
  generate
    if (DEPTH <= SHALLOW) begin : g_luts
      (* rom_style = "distributed" *) logic [BITS-1:0] words[DEPTH];
      initial $readmemh({`ROM_FOLDER, FILE}, words);
      always_ff @(posedge clk) word <= words[address];
    end else begin : g_block
      (* rom_style = "block" *) logic [BITS-1:0] words[DEPTH];
      initial $readmemh({`ROM_FOLDER, FILE}, words);
      always_ff @(posedge clk) word <= words[address];
    end
  endgenerate
endmodule
`default_nettype wire
