// Table of the contract, two read ports: a word comes two clocks after its address.
//
// FILE holds DEPTH words in hexadecimal, written from the contract beside contract_pkg.sv. Simulators look for it in
// the folder ROM_FOLDER, a macro: with its last slash, and never empty, since a concatenation makes that a zero byte.
`ifndef ROM_FOLDER
`define ROM_FOLDER "./"
`endif

`default_nettype none
module rom #(
    parameter int BITS = 36,  // bits of a word
    parameter int DEPTH = 64, // words, at least 2
    parameter FILE = "twiddle.mem"
) (
    input wire logic                     clk,
    input wire logic [$clog2(DEPTH)-1:0] address_a,
    output     logic [         BITS-1:0] word_a,
    input wire logic [$clog2(DEPTH)-1:0] address_b,
    output     logic [         BITS-1:0] word_b
);
  logic [BITS-1:0] words[DEPTH];
  logic [BITS-1:0] fetched_a, fetched_b;

  initial $readmemh({`ROM_FOLDER, FILE}, words);

  always_ff @(posedge clk) begin
    fetched_a <= words[address_a];
    fetched_b <= words[address_b];
    word_a <= fetched_a;
    word_b <= fetched_b;
  end
endmodule
`default_nettype wire
