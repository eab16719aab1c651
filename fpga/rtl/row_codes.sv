// Codes of two rows at once, out of a transform in bit-reversed order, to one row after the other in the order of pixels,
// SAMPLES a beat.
//
// Word n of lane l is pixel x = (l's bits reversed) N / LANES + (n's bits reversed). A bank holds pixels of one x mod
// SAMPLES from one lane. Codes are read when asked for and come four clocks later.
module row_codes #(
    parameter int SAMPLES = 1,
    parameter int LANES = 1,                  // of words in, that many pixels of two rows a clock
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int BITS = 8,                   // of a code
    parameter bit UPWARD = 0,                 // row y leaves before row y - 1
    parameter int PAIRS = 8                   // pairs of rows that have room, a power of two
) (
    input  logic                         clk,
    input  logic                         rst,
    input  logic                         in_valid,
    input  logic [     LANES*2*BITS-1:0] in_codes,   // a lane: row y - 1, row y
    output logic [$clog2(PAIRS+1)-1:0]   pairs,      // whole ones inside, one that is being read included
    input  logic                         read,       // only while there is a pair
    output logic                         row_left,   // with a row's last read
    output logic                         pair_left,  // with a pair's
    output logic [     SAMPLES*BITS-1:0] out_codes
);
  localparam int WORDS = SIZE / LANES;  // that a lane has of a row
  localparam int WORD_BITS = $clog2(WORDS);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int BANK = WORDS / SAMPLES;  // words of a bank a pair
  localparam int PAIR_BITS = $clog2(PAIRS);
  localparam int ADDRESS_BITS = PAIR_BITS + $clog2(BANK);

  logic [WORD_BITS-1:0] in_word, x;
  logic [PAIR_BITS-1:0] in_pair, out_pair;
  logic [$clog2(BEATS)-1:0] out_beat;
  logic out_odd, complete;
  assign row_left  = read && &out_beat;
  assign pair_left = row_left && out_odd;
  always_ff @(posedge clk) begin
    if (rst) begin
      in_word  <= '0;
      in_pair  <= '0;
      out_beat <= '0;
      out_odd  <= 1'b0;
      out_pair <= '0;
      pairs    <= '0;
    end else begin
      if (in_valid) in_word <= in_word + 1'b1;
      if (in_valid && &in_word) in_pair <= in_pair + 1'b1;
      if (read) out_beat <= out_beat + 1'b1;
      if (row_left) out_odd <= !out_odd;
      if (pair_left) out_pair <= out_pair + 1'b1;
      if (complete != pair_left) pairs <= complete ? pairs + 1'b1 : pairs - 1'b1;
    end
  end
  // The last word is in its memory two clocks after it came.
  pipeline_valid #(.CLOCKS(2)) complete_pipeline (.clk, .rst, .in_valid(in_valid && &in_word), .out_valid(complete));

  logic write;
  logic [WORD_BITS-1:0] write_x;
  logic [PAIR_BITS-1:0] write_pair;
  logic [LANES*2*BITS-1:0] write_codes;
  logic [ADDRESS_BITS-1:0] read_address;
  logic [31:0] left;  // pixel of a beat's first
  logic [31:0] from, from_3;
  logic odd, odd_3;
  always_comb for (int i = 0; i < WORD_BITS; ++i) x[i] = in_word[WORD_BITS-1-i];
  assign left = 32'(out_beat) * SAMPLES;
  always_ff @(posedge clk) begin
    write        <= !rst && in_valid;
    write_x      <= x;
    write_pair   <= in_pair;
    write_codes  <= in_codes;
    read_address <= ADDRESS_BITS'(32'(out_pair) * BANK + left % WORDS / SAMPLES);
    from         <= left / WORDS;
    odd          <= out_odd != UPWARD;
  end
  delay #(.BITS(33), .CLOCKS(2)) beside_memory (.clk, .in_word({odd, from}), .out_word({odd_3, from_3}));

  generate
    for (genvar pixel = 0; pixel < SAMPLES; ++pixel) begin : g_pixel
      logic [LANES*2*BITS-1:0] words;
      for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
        localparam int PLACE = LANES == 4 ? 2 * (lane % 2) + lane / 2 : lane;  // its bits reversed
        ram #(.BITS(2 * BITS), .DEPTH(PAIRS * BANK)) bank (
            .clk, .write(write && 32'(write_x) % SAMPLES == pixel),
            .write_address(ADDRESS_BITS'(32'(write_pair) * BANK + 32'(write_x) / SAMPLES)),
            .write_word(write_codes[lane*2*BITS+:2*BITS]), .read_address, .read_word(words[PLACE*2*BITS+:2*BITS])
        );
      end
      always_ff @(posedge clk) out_codes[pixel*BITS+:BITS] <= words[(2*from_3+32'(odd_3))*BITS+:BITS];
    end
  endgenerate
endmodule
