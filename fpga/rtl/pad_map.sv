// A map with zeros around it, a pixel a beat. Zeros ahead of the first pixel leave when it has come.
`default_nettype none
module pad_map #(
    parameter int ROWS = 8,      // of the map that enters
    parameter int COLUMNS = 8,
    parameter int BITS = 8,      // of a pixel
    parameter int TOP = 1,       // rows of zeros above, and
    parameter int BOTTOM = 1,
    parameter int LEFT = 1,      // columns of zeros to the left
    parameter int RIGHT = 1
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic            in_valid,
    output     logic            in_ready,
    input wire logic [BITS-1:0] in_words,
    output     logic            out_valid,
    input wire logic            out_ready,
    output     logic [BITS-1:0] out_words
);
  localparam int OUT_ROWS = TOP + ROWS + BOTTOM;
  localparam int OUT_COLUMNS = LEFT + COLUMNS + RIGHT;
  logic [$clog2(OUT_ROWS+1)-1:0] row;
  logic [$clog2(OUT_COLUMNS+1)-1:0] column;
  logic within_map, ahead;

  assign within_map = 32'(row) >= TOP && 32'(row) < TOP + ROWS && 32'(column) >= LEFT && 32'(column) < LEFT + COLUMNS;
  assign ahead = 32'(row) < TOP || (32'(row) == TOP && 32'(column) < LEFT);
  assign out_valid = in_valid || !(within_map || ahead);
  assign out_words = within_map ? in_words : '0;
  assign in_ready = out_ready && within_map;

  always_ff @(posedge clk) begin
    if (rst) begin
      row    <= '0;
      column <= '0;
    end else if (out_valid && out_ready) begin
      column <= 32'(column) == OUT_COLUMNS - 1 ? '0 : column + 1'b1;
      if (32'(column) == OUT_COLUMNS - 1) row <= 32'(row) == OUT_ROWS - 1 ? '0 : row + 1'b1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_place_is_in_the_map : assert (32'(row) < OUT_ROWS && 32'(column) < OUT_COLUMNS);
    end
`endif

  stream_rules #(.BITS(BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
