// Pooling of blocks that do not overlap, a pixel a beat: of each block the largest word so far, or the sum, is kept.
//
// Blocks lie STRIDE_ROWS and STRIDE_COLUMNS apart; pixels between and behind them are dropped.
`default_nettype none
module pool_blocks #(
    parameter int ROWS = 8,
    parameter int COLUMNS = 8,
    parameter int CHANNELS = 4,
    parameter int BITS = 8,             // of a word
    parameter bit IS_SIGNED = 1,
    parameter int KERNEL_ROWS = 2,
    parameter int KERNEL_COLUMNS = 2,
    parameter int STRIDE_ROWS = 2,      // at least KERNEL_ROWS
    parameter int STRIDE_COLUMNS = 2,   // at least KERNEL_COLUMNS
    parameter int OUT_ROWS = 4,
    parameter int OUT_COLUMNS = 4,
    parameter bit MEAN = 0,
    parameter int APPENDED = 0,         // zeros that are appended to a sum
    parameter int OUT_BITS = 8,
    parameter int DEPTH = 4             // of the queue behind, a power of two
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic                         in_valid,
    output     logic                         in_ready,
    input wire logic [    CHANNELS*BITS-1:0] in_words,
    output     logic                         out_valid,
    input wire logic                         out_ready,
    output     logic [CHANNELS*OUT_BITS-1:0] out_words
);
  localparam int COUNT = KERNEL_ROWS * KERNEL_COLUMNS;
  localparam int KEPT_BITS = MEAN ? BITS + $clog2(COUNT) : BITS;

  logic [$clog2(ROWS+1)-1:0] row;
  logic [$clog2(COLUMNS+1)-1:0] column;
  logic [$clog2(OUT_ROWS+1)-1:0] block_row;
  logic [$clog2(OUT_COLUMNS+1)-1:0] block;
  logic [$clog2(STRIDE_ROWS+1)-1:0] row_within;
  logic [$clog2(STRIDE_COLUMNS+1)-1:0] column_within;
  logic counts, first, last, taken, row_ends, available;
  assign counts = 32'(row_within) < KERNEL_ROWS && 32'(column_within) < KERNEL_COLUMNS && 32'(block) < OUT_COLUMNS &&
      32'(block_row) < OUT_ROWS;
  assign first = row_within == 0 && column_within == 0;
  assign last = counts && 32'(row_within) == KERNEL_ROWS - 1 && 32'(column_within) == KERNEL_COLUMNS - 1;
  assign in_ready = available || !last;
  assign taken = in_valid && in_ready;
  assign row_ends = 32'(column) == COLUMNS - 1;

  always_ff @(posedge clk) begin
    if (rst) begin
      row           <= '0;
      column        <= '0;
      block_row     <= '0;
      block         <= '0;
      row_within    <= '0;
      column_within <= '0;
    end else if (taken) begin
      column <= row_ends ? '0 : column + 1'b1;
      if (row_ends) begin
        column_within <= '0;
        block         <= '0;
        row           <= 32'(row) == ROWS - 1 ? '0 : row + 1'b1;
        if (32'(row) == ROWS - 1) begin
          row_within <= '0;
          block_row  <= '0;
        end else if (32'(row_within) == STRIDE_ROWS - 1) begin
          row_within <= '0;
          block_row  <= 32'(block_row) == OUT_ROWS ? block_row : block_row + 1'b1;
        end else row_within <= row_within + 1'b1;
      end else if (32'(column_within) == STRIDE_COLUMNS - 1) begin
        column_within <= '0;
        block         <= 32'(block) == OUT_COLUMNS ? block : block + 1'b1;
      end else column_within <= column_within + 1'b1;
    end
  end

  // A pixel is taken into its block; a whole block goes on, two clocks to the queue.
  logic [CHANNELS*KEPT_BITS-1:0] kept[OUT_COLUMNS];
  logic [CHANNELS*KEPT_BITS-1:0] so_far, pooled, whole;
  logic [CHANNELS*OUT_BITS-1:0] means, result;
  logic result_valid;
  assign so_far = kept[block];
  always_ff @(posedge clk) begin
    if (taken && counts) kept[block] <= pooled;
    whole  <= pooled;
    result <= means;
  end
  generate
    for (genvar c = 0; c < CHANNELS; ++c) begin : g_channel
      logic [KEPT_BITS-1:0] word, both;
      assign word = IS_SIGNED ? KEPT_BITS'($signed(in_words[c*BITS+:BITS])) : KEPT_BITS'(in_words[c*BITS+:BITS]);
      pool_word #(.MEAN(MEAN), .BITS(KEPT_BITS), .IS_SIGNED(IS_SIGNED)) pool (
          .first(so_far[c*KEPT_BITS+:KEPT_BITS]), .second(word), .pooled(both)
      );
      assign pooled[c*KEPT_BITS+:KEPT_BITS] = first ? word : both;
      if (MEAN) begin : g_mean
        mean_word #(
            .IN_BITS(KEPT_BITS), .IN_SIGNED(IS_SIGNED), .APPENDED(APPENDED), .COUNT(COUNT), .OUT_BITS(OUT_BITS)
        ) mean (.sum(whole[c*KEPT_BITS+:KEPT_BITS]), .mean(means[c*OUT_BITS+:OUT_BITS]));
      end else begin : g_largest
        assign means[c*OUT_BITS+:OUT_BITS] = whole[c*KEPT_BITS+:KEPT_BITS];
      end
    end
  endgenerate
  pipeline_valid #(.CLOCKS(2)) valid_pipeline (.clk, .rst, .in_valid(taken && last), .out_valid(result_valid));
  reserved_queue #(.BITS(CHANNELS * OUT_BITS), .DEPTH(DEPTH)) queue (
      .clk, .rst, .reserve(taken && last), .available, .in_valid(result_valid), .in_words(result), .out_valid,
      .out_ready, .out_words
  );
endmodule
`default_nettype wire
