// First in, first out: the oldest word is visible while `out_valid`. For few words; LUT RAM.
//
// Whoever writes makes sure that there is room (`level` counts what is inside); whoever reads, that there is a word.
module fifo #(
    parameter int BITS = 8,
    parameter int DEPTH = 16  // words, a power of two
) (
    input  logic                     clk,
    input  logic                     rst,
    input  logic                     write,
    input  logic [         BITS-1:0] in_word,
    input  logic                     read,
    output logic                     out_valid,
    output logic [         BITS-1:0] out_word,
    output logic [$clog2(DEPTH)  :0] level
);
  logic [BITS-1:0] words[DEPTH];
  logic [$clog2(DEPTH)-1:0] write_place, read_place;

  assign out_word  = words[read_place];
  assign out_valid = level != 0;

  always_ff @(posedge clk) begin
    if (write) words[write_place] <= in_word;
    if (rst) begin
      write_place <= '0;
      read_place  <= '0;
      level       <= '0;
    end else begin
      if (write) write_place <= write_place + 1'b1;
      if (read) read_place <= read_place + 1'b1;
      if (write != read) level <= write ? level + 1'b1 : level - 1'b1;
    end
  end
endmodule
