// A row of a map in memories side by side: PARTS of them are written in turn, and all are read together.
//
// A word comes in the clock after its address, and stays while `read` is low. Never reset.
`default_nettype none
module row_memory #(
    parameter int PARTS = 1,
    parameter int BITS = 8,   // of a part
    parameter int DEPTH = 16  // words of a part
) (
    input wire logic                       clk,
    input wire logic                       write,
    input wire logic [$clog2(PARTS+1)-1:0] write_part,
    input wire logic [$clog2(DEPTH+1)-1:0] write_address,
    input wire logic [           BITS-1:0] write_word,
    input wire logic                       read,
    input wire logic [$clog2(DEPTH+1)-1:0] read_address,
    output     logic [     PARTS*BITS-1:0] read_word
);
  generate
    for (genvar part = 0; part < PARTS; ++part) begin : g_part
      logic [BITS-1:0] words[DEPTH];
      logic [BITS-1:0] fetched;
      always_ff @(posedge clk) begin
        if (write && 32'(write_part) == part) words[write_address] <= write_word;
        if (read) fetched <= words[read_address];
      end
      assign read_word[part*BITS+:BITS] = fetched;
    end
  endgenerate
endmodule
`default_nettype wire
