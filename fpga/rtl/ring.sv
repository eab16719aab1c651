// First in, first out through block RAM: a word comes two clocks after it was asked for.
//
// Whoever writes makes sure that there is room; whoever reads, that a word waits.
module ring #(
    parameter int BITS = 32,
    parameter int DEPTH = 1024  // words, at least 2
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            write,
    input  logic [BITS-1:0] in_word,
    output logic            waits,    // a word does
    input  logic            read,
    output logic [BITS-1:0] out_word
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
endmodule
