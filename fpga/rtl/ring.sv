// First in, first out through block RAM: a word comes two clocks after it was asked for.
//
// Whoever writes makes sure that there is room; whoever reads, that a word waits.
`default_nettype none
module ring #(
    parameter int BITS = 32,
    parameter int DEPTH = 1024  // words, at least 2
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic            write,
    input wire logic [BITS-1:0] in_word,
    output     logic            waits,    // a word does
    input wire logic            read,
    output     logic [BITS-1:0] out_word
);
  localparam int ADDRESS_BITS = $clog2(DEPTH);

  logic [ADDRESS_BITS-1:0] write_address, read_address;
  logic [$clog2(DEPTH+1)-1:0] level;
  assign waits = level != 0;
  always_ff @(posedge clk) begin
    if (rst) begin
      write_address <= '0;
      read_address  <= '0;
      level         <= '0;
    end else begin
      if (write) write_address <= write_address == ADDRESS_BITS'(DEPTH - 1) ? '0 : write_address + 1'b1;
      if (read) read_address <= read_address == ADDRESS_BITS'(DEPTH - 1) ? '0 : read_address + 1'b1;
      if (write != read) level <= write ? level + 1'b1 : level - 1'b1;
    end
  end
  ram #(.BITS(BITS), .DEPTH(DEPTH)) memory (
      .clk, .write, .write_address, .write_word(in_word), .read_address, .read_word(out_word)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      there_is_room : assert (!write || read || 32'(level) < DEPTH);
      a_word_waits : assert (!read || waits);
      the_level_fits : assert (32'(level) <= DEPTH);
      places_are_in_the_ring : assert (32'(read_address) < DEPTH && 32'(write_address) < DEPTH);
      places_agree : assert (32'(write_address) == (32'(read_address) + 32'(level)) % DEPTH);
    end
`endif
endmodule
`default_nettype wire
