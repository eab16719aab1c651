// Sharpened rows wait here for their turn to be transformed: written as they come, read as lines without a gap.
//
// Even and odd rows have a memory each, so that a frame's last two rows may come at once. A word comes three clocks
// after it was asked for. Whoever lets rows in counts their places.
`default_nettype none
module row_queue #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N, pixels of a row
    parameter int BITS = 36,                  // of a pixel
    parameter int ROWS = 16                   // that have room, a power of two that divides N
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    in_valid,   // of row y - 1
    input wire logic                    in_last,    // with the last row's words beside them
    input wire logic                    in_ends,    // a row's last beat
    input wire logic [SAMPLES*BITS-1:0] in_words,
    input wire logic [SAMPLES*BITS-1:0] last_words,
    output     logic [$clog2(ROWS):0]   rows,       // whole ones inside that were not launched
    input wire logic                    launch,     // the next row: only where there is one, and the one before was read
    output     logic                    idle,       // no row is being read, or its last word is
    output     logic                    out_valid,
    output     logic [SAMPLES*BITS-1:0] out_words
);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int PLACE_BITS = $clog2(BEATS);
  localparam int PAIR_BITS = $clog2(ROWS / 2);

  // In: place in the row, and the row's.
  logic [PLACE_BITS-1:0] in_beat;
  logic [PAIR_BITS:0] in_row, out_row;
  logic ends, both, whole, two_whole;
  assign ends = in_valid && in_ends;
  assign both = ends && in_last;
  always_ff @(posedge clk) begin
    if (rst) begin
      in_beat <= '0;
      in_row  <= '0;
      rows    <= '0;
    end else begin
      if (in_valid) in_beat <= in_beat + 1'b1;
      if (ends) in_row <= both ? in_row + (PAIR_BITS + 1)'(2) : in_row + 1'b1;
      rows <= rows + ($clog2(ROWS) + 1)'(whole) + ($clog2(ROWS) + 1)'(two_whole) - ($clog2(ROWS) + 1)'(launch);
    end
  end
  // Behind whatever else is told of a row as it ends.
  pipeline_valid #(.CLOCKS(2)) whole_pipeline (.clk, .rst, .in_valid(ends), .out_valid(whole));
  pipeline_valid #(.CLOCKS(2)) two_pipeline (.clk, .rst, .in_valid(both), .out_valid(two_whole));

  // Out.
  logic active, last, odd;
  logic [PLACE_BITS-1:0] out_beat;
  line_timer #(.SIZE(BEATS)) timer (.clk, .rst, .start(launch), .idle, .active, .place(out_beat), .last);
  always_ff @(posedge clk) begin
    if (rst) out_row <= '0;
    else if (last) out_row <= out_row + 1'b1;
  end
  pipeline_valid #(.CLOCKS(3)) valid_pipeline (.clk, .rst, .in_valid(active), .out_valid);
  delay #(.BITS(1), .CLOCKS(2)) beside_memory (.clk, .in_word(out_row[0]), .out_word(odd));

  // The last row is odd, the one above it even.
  logic [SAMPLES*BITS-1:0] even_words, odd_words;
  ram #(.BITS(SAMPLES * BITS), .DEPTH(ROWS / 2 * BEATS)) even_rows (
      .clk, .write(in_valid && !in_row[0]), .write_address({in_row[PAIR_BITS:1], in_beat}), .write_word(in_words),
      .read_address({out_row[PAIR_BITS:1], out_beat}), .read_word(even_words)
  );
  ram #(.BITS(SAMPLES * BITS), .DEPTH(ROWS / 2 * BEATS)) odd_rows (
      .clk, .write(in_valid && (in_row[0] || in_last)), .write_address({in_row[PAIR_BITS:1], in_beat}),
      .write_word(in_last ? last_words : in_words), .read_address({out_row[PAIR_BITS:1], out_beat}),
      .read_word(odd_words)
  );
  always_ff @(posedge clk) out_words <= odd ? odd_words : even_words;
endmodule
`default_nettype wire
