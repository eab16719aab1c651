// The central window of a row, and sums of BINNING x BINNING codes: SAMPLES binned pixels of a row a beat.
//
// A beat of raw pixels is first moved to the window's left edge, then its pixels are added up along the row until SAMPLES
// binned columns are full, or the row is; those are added to the rows above, which wait in a memory of one binned row.
// Lanes behind the last column of a row have no meaning.
`default_nettype none
module binning #(
    parameter int SAMPLES = 1,
    parameter int CHANNELS = contract_pkg::FRAME_CHANNELS,
    parameter int LANE_BITS = contract_pkg::LANE_BITS,
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int IN_BITS = contract_pkg::FRAME_BITS,
    parameter int OUT_BITS = contract_pkg::BINNED_BITS,
    parameter int RAW_COLUMNS = contract_pkg::FRAME_COLUMNS,
    parameter int LEFT = contract_pkg::CROP_LEFT,     // first raw column of the window
    parameter int BINNING = contract_pkg::BINNING,    // 1, 2 or 4
    parameter int COLUMNS = contract_pkg::WINDOW_COLUMNS
) (
    input wire logic                               clk,
    input wire logic                               rst,
    input wire logic                               in_valid,
    input wire logic [              BEAT_BITS-1:0] in_beat,
    input wire logic                               in_row_starts,
    input wire logic                               in_first_row,
    input wire logic                               in_last_row,
    output     logic                               out_valid,
    output     logic [SAMPLES*CHANNELS*OUT_BITS-1:0] out_pixels  // pixel p, channel c at (CHANNELS p + c) * OUT_BITS
);
  localparam int PIXEL_BITS = CHANNELS * LANE_BITS;
  localparam int WORD_BITS = SAMPLES * CHANNELS * OUT_BITS;
  localparam int SHIFT = LEFT % SAMPLES;  // pixels that the window's edge is behind a beat's
  localparam int FIRST = LEFT / SAMPLES + (SHIFT > 0 ? 1 : 0);
  localparam int BEATS = (COLUMNS * BINNING + SAMPLES - 1) / SAMPLES;
  localparam int BEAT_COUNT_BITS = $clog2(BEATS + 1);
  localparam int WORDS = (COLUMNS + SAMPLES - 1) / SAMPLES;  // of a binned row
  localparam int WORD_COUNT_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int LAST_RAW = (RAW_COLUMNS + SAMPLES - 1) / SAMPLES - 1;  // beat of a raw row
  // Where the window's last pixels are in a raw row's last beat, they are moved by a beat that does not come.
  localparam bit ONE_MORE = FIRST + BEATS - 1 > LAST_RAW;

  // Beats of the window, aligned to its edge. The clock behind a row's last beat has no beat of the window: the next
  // row begins outside it where ONE_MORE, since SHIFT is not zero then.
  logic [15:0] beat;
  logic [SAMPLES*PIXEL_BITS-1:0] arriving_pixels, previous, aligned;
  logic aligned_valid, aligned_first_row, aligned_last_row, one_more, more_first_row, more_last_row;
  logic [BEAT_COUNT_BITS-1:0] aligned_beat;
  logic [15:0] this_beat;
  assign this_beat = in_row_starts ? 16'd0 : beat;
  assign arriving_pixels = in_beat[SAMPLES*PIXEL_BITS-1:0];
  always_ff @(posedge clk) begin
    if (in_valid) begin
      beat     <= this_beat + 1'b1;
      previous <= arriving_pixels;
    end
    one_more <= !rst && ONE_MORE && in_valid && this_beat == 16'(LAST_RAW);
    more_first_row <= in_first_row;
    more_last_row <= in_last_row;
    aligned_valid <= !rst && ((in_valid && this_beat >= FIRST && this_beat < FIRST + BEATS) || one_more);
    aligned_beat <= one_more ? BEAT_COUNT_BITS'(BEATS - 1) : BEAT_COUNT_BITS'(this_beat - 16'(FIRST));
    aligned_first_row <= one_more ? more_first_row : in_first_row;
    aligned_last_row <= one_more ? more_last_row : in_last_row;
    aligned <= SHIFT == 0 ? arriving_pixels : (SAMPLES * PIXEL_BITS)'({arriving_pixels, previous} >> (SHIFT * PIXEL_BITS));
  end

  // Sums of what neighbors a beat brings for one binned column, or for the columns that it fills.
  localparam int TOGETHER = SAMPLES < BINNING ? SAMPLES : BINNING;
  localparam int FILLED = SAMPLES / TOGETHER;
  localparam int TURNS = BINNING;  // beats for SAMPLES binned columns
  logic [FILLED*CHANNELS*OUT_BITS-1:0] beside;
  logic beside_valid, beside_first_row, beside_last_row;
  logic [BEAT_COUNT_BITS-1:0] beside_beat;
  always_ff @(posedge clk) begin
    beside_valid <= !rst && aligned_valid;
    beside_first_row <= aligned_first_row;
    beside_last_row <= aligned_last_row;
    beside_beat <= aligned_beat;
  end
  generate
    for (genvar column = 0; column < FILLED; ++column) begin : g_column
      for (genvar channel = 0; channel < CHANNELS; ++channel) begin : g_channel
        logic [OUT_BITS-1:0] sum;
        always_comb begin
          sum = '0;
          for (int pixel = 0; pixel < TOGETHER; ++pixel)
            sum = sum + OUT_BITS'(aligned[(column*TOGETHER+pixel)*PIXEL_BITS+channel*LANE_BITS+:IN_BITS]);
        end
        always_ff @(posedge clk) beside[(CHANNELS*column+channel)*OUT_BITS+:OUT_BITS] <= sum;
      end
    end
  endgenerate

  // SAMPLES binned columns of one raw row.
  logic [WORD_BITS-1:0] row_sums;
  logic row_valid, row_first, row_last;
  logic [WORD_COUNT_BITS-1:0] row_word;
  logic [2:0] turn;
  assign turn = 3'(32'(beside_beat) % TURNS);
  always_ff @(posedge clk) begin
    row_valid <= !rst && beside_valid && (turn == TURNS - 1 || 32'(beside_beat) == BEATS - 1);
    row_first <= beside_first_row;
    row_last <= beside_last_row;
    row_word <= WORD_COUNT_BITS'(32'(beside_beat) / TURNS);
  end
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      // In which turns, and from which of the beat's columns, this lane is fed.
      localparam int FIRST_TURN = lane * BINNING / SAMPLES;
      localparam int LAST_TURN = (lane * BINNING + BINNING - 1) / SAMPLES;
      localparam int COLUMN = lane % FILLED;
      for (genvar channel = 0; channel < CHANNELS; ++channel) begin : g_channel
        localparam int AT = (CHANNELS * lane + channel) * OUT_BITS;
        logic [OUT_BITS-1:0] brought;
        assign brought = beside[(CHANNELS*COLUMN+channel)*OUT_BITS+:OUT_BITS];
        always_ff @(posedge clk) begin
          if (beside_valid && turn == FIRST_TURN) row_sums[AT+:OUT_BITS] <= brought;
          else if (beside_valid && turn > FIRST_TURN && turn <= LAST_TURN)
            row_sums[AT+:OUT_BITS] <= row_sums[AT+:OUT_BITS] + brought;
        end
      end
    end

    if (BINNING == 1) begin : g_no_rows
      assign out_valid  = row_valid;
      assign out_pixels = row_sums;
    end else begin : g_rows
      logic [WORD_BITS-1:0] above, arriving, total;
      logic arriving_valid, arriving_first, arriving_last;
      logic [WORD_COUNT_BITS-1:0] arriving_word;
      delay #(.BITS(WORD_BITS + 2 + WORD_COUNT_BITS), .CLOCKS(2)) beside_memory (
          .clk,
          .in_word({row_first, row_last, row_word, row_sums}),
          .out_word({arriving_first, arriving_last, arriving_word, arriving})
      );
      pipeline_valid #(.CLOCKS(2)) valid_pipeline (.clk, .rst, .in_valid(row_valid), .out_valid(arriving_valid));
      logic [WORD_BITS-1:0] summed;
      for (genvar sum = 0; sum < CHANNELS * SAMPLES; ++sum) begin : g_sum
        assign summed[sum*OUT_BITS+:OUT_BITS] =
            arriving[sum*OUT_BITS+:OUT_BITS] + (arriving_first ? '0 : above[sum*OUT_BITS+:OUT_BITS]);
      end
      always_ff @(posedge clk) begin
        total     <= summed;
        out_valid <= !rst && arriving_valid && arriving_last;
      end
      assign out_pixels = total;
      if (WORDS < 4) begin : g_short_row
        // A short row comes again before a memory would have it.
        logic [WORD_BITS-1:0] rows_above[4];
        assign above = rows_above[arriving_word];
        always_ff @(posedge clk) if (arriving_valid) rows_above[arriving_word] <= summed;
      end else begin : g_row
        logic total_valid;
        logic [WORD_COUNT_BITS-1:0] total_word;
        always_ff @(posedge clk) begin
          total_valid <= !rst && arriving_valid;
          total_word  <= arriving_word;
        end
        ram #(.BITS(WORD_BITS), .DEPTH(WORDS)) rows_above (
            .clk,
            .write(total_valid),
            .write_address(total_word),
            .write_word(total),
            .read_address(row_word),
            .read_word(above)
        );
      end
    end
  endgenerate
endmodule
`default_nettype wire
