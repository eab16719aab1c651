// Simple dual-port memory: a write port, and a read port whose word comes two clocks after its address.
//
// Block RAM with its output register where it is large, LUT RAM where it is small; never reset, so what was not written
// is not to be used. A word may be read in the clock after it was written, not in the same one.
`default_nettype none
module ram #(
    parameter int BITS = 36,   // bits of a word
    parameter int DEPTH = 512  // words, at least 2
) (
    input wire logic                     clk,
    input wire logic                     write,
    input wire logic [$clog2(DEPTH)-1:0] write_address,
    input wire logic [         BITS-1:0] write_word,
    input wire logic [$clog2(DEPTH)-1:0] read_address,
    output     logic [         BITS-1:0] read_word
);
  logic [BITS-1:0] words[DEPTH];
  logic [BITS-1:0] fetched;

  always_ff @(posedge clk) begin
    if (write) words[write_address] <= write_word;
    fetched   <= words[read_address];
    read_word <= fetched;
  end
endmodule
`default_nettype wire
