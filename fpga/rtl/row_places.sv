// Where rows of frames lie in a memory that has room for one frame and SPARE rows: a row takes the place that has been
// free the longest, and gives it back when it was read.
//
// Whoever lets rows in counts the places. After a reset all are free, in their order.
`default_nettype none
module row_places #(
    parameter int SIZE = contract_pkg::SIZE,  // rows of a frame
    parameter int SPARE = 16,                 // at most SIZE
    parameter int PLACE_BITS = $clog2(SIZE + SPARE)
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    write,       // a row's first word
    input wire logic [             1:0] write_frame, // rows of three frames may be inside
    input wire logic [$clog2(SIZE)-1:0] write_row,
    output     logic [  PLACE_BITS-1:0] write_place, // from its first word to its last
    input wire logic [             1:0] read_frame,
    input wire logic [$clog2(SIZE)-1:0] read_row,
    output     logic [  PLACE_BITS-1:0] read_place,
    input wire logic                    read_last    // a row's last word: its place is free
);
  logic [PLACE_BITS-1:0] rows[4*SIZE];
  logic [PLACE_BITS-1:0] fresh, freed, next, kept;
  logic any_fresh, all_taken, unused_freed;
  logic [$clog2(2*SIZE):0] unused_level;
  fifo #(.BITS(PLACE_BITS), .DEPTH(2 * SIZE)) free (
      .clk, .rst, .write(read_last), .in_word(read_place), .read(write && !any_fresh), .out_valid(unused_freed),
      .out_word(freed), .level(unused_level)
  );
  assign any_fresh   = !all_taken;
  assign next        = any_fresh ? fresh : freed;
  assign write_place = write ? next : kept;
  assign read_place  = rows[{read_frame, read_row}];
  always_ff @(posedge clk) begin
    if (rst) begin
      fresh     <= '0;
      all_taken <= 1'b0;
    end else if (write && any_fresh) begin
      fresh     <= fresh + 1'b1;
      all_taken <= fresh == PLACE_BITS'(SIZE + SPARE - 1);
    end
    if (write) begin
      kept <= next;
      rows[{write_frame, write_row}] <= next;
    end
  end
endmodule
`default_nettype wire
