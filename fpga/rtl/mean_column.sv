// phi^ of kx = 0 by rows of a frame whose surface is known before it comes, in the order in which they are taken.
//
// A frame's first rows are gone through twice: for the phase's zero once they are in and the surface is known, and as
// they are taken. The trend is the surface's.
`default_nettype none
module mean_column #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1,
    parameter int SUM_BITS = IN_BITS + $clog2(SIZE),
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2,
    parameter int WAITING = 16,  // rows that may wait, a power of two that divides N, and more than 2^ROWS_LOG2
    parameter int OUT_BITS = contract_pkg::STATE_BITS
) (
    input wire logic                               clk,
    input wire logic                               rst,
    // Sharpened y gradients as they go into the row queue.
    input wire logic                               in_valid,
    input wire logic                               in_last,
    input wire logic                               in_ends,
    input wire logic        [ SAMPLES*IN_BITS-1:0] in_words,
    input wire logic        [ SAMPLES*IN_BITS-1:0] last_words,
    input wire logic                               known,       // pulse: the surface of the next frame stands
    input wire logic signed [COEFFICIENT_BITS-1:0] one, t, ss, tt,  // of the y gradient
    input wire logic                               rows_wait,   // those for the zero are whole
    output     logic                               ready,       // the zero of the next frame is known
    input wire logic                               take,        // the next row; the first of a frame only while ready
    output     logic                               out_valid,
    output     logic signed [        OUT_BITS-1:0] mean
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BITS = 64;
  localparam int WAITING_BITS = $clog2(WAITING);
  localparam int KNOWN_CLOCKS = 6;  // from the surface to what the steps make of it

  // Row sums that wait.
  logic sum_valid, sum_last;
  logic signed [SUM_BITS-1:0] sum, last_sum;
  logic signed [SUM_BITS-1:0] even_sums[WAITING/2], odd_sums[WAITING/2];
  logic [WAITING_BITS-1:0] in_row;
  row_sums #(.SAMPLES(SAMPLES)) row_sums (
      .clk, .rst, .in_valid, .in_last, .in_ends, .in_words, .last_words, .out_valid(sum_valid), .out_last(sum_last),
      .sum, .last_sum
  );
  always_ff @(posedge clk) begin
    if (rst) in_row <= '0;
    else if (sum_valid) in_row <= sum_last ? in_row + WAITING_BITS'(2) : in_row + 1'b1;
    if (sum_valid) begin
      if (!in_row[0]) even_sums[in_row[WAITING_BITS-1:1]] <= sum;
      if (in_row[0] || sum_last) odd_sums[in_row[WAITING_BITS-1:1]] <= sum_last ? last_sum : sum;
    end
  end

  logic signed [BITS-1:0] trend;
  surface_trend of_surface (.clk, .one, .ss, .tt, .trend);

  // Rows for the zero, and those that are taken.
  logic preparing, wanted, known_now, zero_stands;
  logic [ROWS_LOG2-1:0] prepared_row;
  logic [LOG2-1:0] y;
  logic [WAITING_BITS-1:0] row;
  assign row = preparing ? WAITING_BITS'(prepared_row) : WAITING_BITS'(y);
  pipeline_valid #(.CLOCKS(KNOWN_CLOCKS)) known_pipeline (.clk, .rst, .in_valid(known), .out_valid(known_now));
  pipeline_valid #(.CLOCKS(2)) zero_pipeline (.clk, .rst, .in_valid(preparing && &prepared_row), .out_valid(zero_stands));
  always_ff @(posedge clk) begin
    if (rst) begin
      {preparing, wanted, ready} <= '0;
      prepared_row <= '0;
      y            <= '0;
    end else begin
      if (known_now) wanted <= 1'b1;
      else if (wanted && rows_wait && y == 0) {wanted, preparing} <= 2'b01;
      else if (&prepared_row) preparing <= 1'b0;
      if (preparing) prepared_row <= prepared_row + 1'b1;
      if (zero_stands) ready <= 1'b1;
      else if (take) ready <= 1'b0;
      if (take) y <= y + 1'b1;
    end
  end

  logic step, first, counts;
  logic signed [SUM_BITS-1:0] row_sum;
  always_ff @(posedge clk) begin
    row_sum <= row[0] ? odd_sums[row[WAITING_BITS-1:1]] : even_sums[row[WAITING_BITS-1:1]];
    step    <= !rst && (preparing || take);
    first   <= row == 0 && (preparing || y == 0);
    counts  <= preparing;
  end
  mean_steps mean_steps (
      .clk, .rst, .t, .tt, .trend, .step, .first, .clears(first && counts), .counts, .row_sum, .mean
  );
  pipeline_valid #(.CLOCKS(5)) valid_pipeline (.clk, .rst, .in_valid(take), .out_valid);
endmodule
`default_nettype wire
