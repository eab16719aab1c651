// binning: of each pair of rows the sums of two by two pixels of the window, column after column, with any pauses.
module binning_proof #(
    parameter int SAMPLES = 2,
    parameter int RAW_COLUMNS = 6,
    parameter int LEFT = 1,
    parameter int COLUMNS = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [SAMPLES*4-1:0] in_beat
);
  localparam int RAW_BEATS = (RAW_COLUMNS + SAMPLES - 1) / SAMPLES, WORDS = (COLUMNS + SAMPLES - 1) / SAMPLES;
  localparam int BUFFERS = 4;  // pairs of rows that are on their way at most
  logic out_valid, started = 1'b0;
  logic [SAMPLES*4-1:0] out_pixels;
  logic [7:0] beat, out_word;
  logic last_row;
  logic [1:0] pair, out_pair;
  binning #(
      .SAMPLES(SAMPLES), .CHANNELS(1), .LANE_BITS(4), .BEAT_BITS(SAMPLES * 4), .IN_BITS(2), .OUT_BITS(4),
      .RAW_COLUMNS(RAW_COLUMNS), .LEFT(LEFT), .BINNING(2), .COLUMNS(COLUMNS)
  ) dut (
      .clk, .rst, .in_valid, .in_beat, .in_row_starts(beat == 0), .in_first_row(!last_row), .in_last_row(last_row),
      .out_valid, .out_pixels
  );

  // The law: sums as pixels come, and how many of each have.
  logic [BUFFERS*COLUMNS*4-1:0] sums;
  logic [BUFFERS*COLUMNS*3-1:0] counts;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started) assume (!rst);
    if (rst) {beat, last_row, pair, out_word, out_pair} <= '0;
    else begin
      if (in_valid) begin
        beat <= beat == RAW_BEATS - 1 ? 0 : beat + 1;
        if (beat == RAW_BEATS - 1) begin
          last_row <= !last_row;
          if (last_row) pair <= pair + 1'b1;
        end
      end
      if (out_valid) begin
        out_word <= out_word == WORDS - 1 ? 0 : out_word + 1;
        if (out_word == WORDS - 1) out_pair <= out_pair + 1'b1;
      end
    end
  end
  generate
    for (genvar column = 0; column < COLUMNS; ++column) begin : g_column
      logic [3:0] more;
      logic [2:0] many;
      always_comb begin
        more = '0;
        many = '0;
        for (int lane = 0; lane < SAMPLES; ++lane)
          if ((32'(beat) * SAMPLES + lane - LEFT) / 2 == column && 32'(beat) * SAMPLES + lane >= LEFT) begin
            more = more + 4'(in_beat[4*lane+:2]);
            many = many + 1'b1;
          end
      end
      for (genvar place = 0; place < BUFFERS; ++place) begin : g_pair
        logic [3:0] sum;
        logic [2:0] count;
        logic begins;  // a pair of rows
        assign begins = 32'(pair) == place && in_valid && beat == 0 && !last_row;
        always_ff @(posedge clk) begin
          if (rst || begins) {sum, count} <= {more, many};
          else if (32'(pair) == place && in_valid) {sum, count} <= {4'(sum + more), 3'(count + many)};
        end
        assign sums[(place*COLUMNS+column)*4+:4]   = sum;
        assign counts[(place*COLUMNS+column)*3+:3] = count;
      end
    end
  endgenerate

  logic [SAMPLES-1:0] whole, same;
  always_comb
    for (int lane = 0; lane < SAMPLES; ++lane) begin
      whole[lane] = 1'b1;
      same[lane]  = 1'b1;
      if (32'(out_word) * SAMPLES + lane < COLUMNS) begin
        whole[lane] = counts[(32'(out_pair)*COLUMNS+32'(out_word)*SAMPLES+lane)*3+:3] == 4;
        same[lane] =
            out_pixels[4*lane+:4] == sums[(32'(out_pair)*COLUMNS+32'(out_word)*SAMPLES+lane)*4+:4];
      end
    end
  logic [3:0] idle;  // clocks since a beat came
  always_ff @(posedge clk) begin
    idle <= rst || in_valid ? '0 : idle == '1 ? idle : idle + 1'b1;
    if (started && out_valid) begin
      four_pixels_came: assert (&whole);
      it_is_their_sum: assert (&same);
    end
    if (started && idle >= 7 && beat == 0 && !last_row) every_sum_has_come: assert (out_pair == pair && out_word == 0);
  end
endmodule
