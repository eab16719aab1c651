// First in, first out: the oldest word is visible while `out_valid`. For few words; LUT RAM.
//
// Whoever writes makes sure that there is room (`level` counts what is inside); whoever reads, that there is a word.
`default_nettype none
module fifo #(
    parameter int BITS = 8,
    parameter int DEPTH = 16  // words, a power of two
) (
    input wire logic                     clk,
    input wire logic                     rst,
    input wire logic                     write,
    input wire logic [         BITS-1:0] in_word,
    input wire logic                     read,
    output     logic                     out_valid,
    output     logic [         BITS-1:0] out_word,
    output     logic [$clog2(DEPTH)  :0] level
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

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      there_is_room : assert (!write || read || 32'(level) < DEPTH);
      a_word_waits : assert (!read || level != 0);
      the_level_fits : assert (32'(level) <= DEPTH);
      places_agree : assert (write_place == ($clog2(DEPTH))'(read_place + level));
    end
`endif
endmodule
`default_nettype wire
