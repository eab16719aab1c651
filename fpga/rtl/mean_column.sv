// phi^ of kx = 0 by rows: trapezoid sums of the y gradient's row sums, less the surface; zero is the mean of the first
// rows.
//
// n[y] = (N T[y] << fraction) - 2 y trend - c_t 2 N y (y + 1 - N) - c_tt V[y] goes from row to row by adders alone: what
// is subtracted has a constant third difference. A frame's first ROWS rows are gone through twice, for the zero before
// the first of them is asked for. Exact until the one rounding.
`default_nettype none
module mean_column #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1,
    parameter int SUM_BITS = IN_BITS + $clog2(SIZE),
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2,
    parameter int WAITING = 16,  // rows that may wait, a power of two that divides N, and more than 2^ROWS_LOG2
    parameter int OUT_BITS = contract_pkg::STATE_BITS
) (
    input wire logic                              clk,
    input wire logic                              rst,
    // Sharpened y gradients as they go into the row queue.
    input wire logic                              in_valid,
    input wire logic                              in_last,
    input wire logic                              in_ends,
    input wire logic        [SAMPLES*IN_BITS-1:0] in_words,
    input wire logic        [SAMPLES*IN_BITS-1:0] last_words,
    input wire logic                              known,    // pulse: the surface of the next frame stands
    input wire logic signed [COEFFICIENT_BITS-1:0] one, t, ss, tt,  // of the y gradient
    input wire logic                              rows_wait,  // that many of it are whole
    output     logic                              ready,    // the zero of the next frame is known
    input wire logic                              take,     // the next row; the first of a frame only while ready
    output     logic                              out_valid,
    output     logic signed [       OUT_BITS-1:0] mean
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BITS = 64;
  localparam int ROWS = 1 << ROWS_LOG2;
  localparam int WAITING_BITS = $clog2(WAITING);
  localparam int SHIFT =
      ROWS_LOG2 + 1 + LOG2 + FRACTION + contract_pkg::UNIT_LOG2 - contract_pkg::PHI_FRACTION;
  localparam logic signed [2*LOG2-1:0] THIRD = (SIZE * SIZE - 1) / 3;
  localparam int BEND_BITS = COEFFICIENT_BITS + $clog2(contract_pkg::SHARPEN + 1);

  // Row sums.
  logic signed [SUM_BITS-1:0] beat_sum, last_beat_sum, sum, last_sum, whole, last_whole;
  logic signed [SUM_BITS-1:0] even_sums[WAITING/2], odd_sums[WAITING/2];
  logic [WAITING_BITS-1:0] in_row;
  logic valid_1, last_1, ends_1;
  always_ff @(posedge clk) begin
    valid_1 <= !rst && in_valid;
    last_1  <= in_last;
    ends_1  <= in_ends;
  end
  always_comb begin
    beat_sum = '0;
    last_beat_sum = '0;
    for (int lane = 0; lane < SAMPLES; ++lane) begin
      beat_sum = beat_sum + SUM_BITS'($signed(in_words[lane*IN_BITS+:IN_BITS]));
      last_beat_sum = last_beat_sum + SUM_BITS'($signed(last_words[lane*IN_BITS+:IN_BITS]));
    end
  end
  logic signed [SUM_BITS-1:0] added, last_added;
  assign whole = sum + added;
  assign last_whole = last_sum + last_added;
  always_ff @(posedge clk) begin
    added      <= beat_sum;
    last_added <= last_beat_sum;
    if (rst) begin
      sum      <= '0;
      last_sum <= '0;
      in_row   <= '0;
    end else if (valid_1) begin
      sum      <= ends_1 ? '0 : whole;
      last_sum <= ends_1 || !last_1 ? '0 : last_whole;
      if (ends_1) in_row <= last_1 ? in_row + WAITING_BITS'(2) : in_row + 1'b1;
    end
    if (valid_1 && ends_1) begin
      if (!in_row[0]) even_sums[in_row[WAITING_BITS-1:1]] <= whole;
      if (in_row[0] || last_1) odd_sums[in_row[WAITING_BITS-1:1]] <= last_1 ? last_whole : whole;
    end
  end

  // The first difference of what is subtracted, 2 N (N - 2) c_t - (2 N^2 - 8 N + 10) c_tt - 2 trend, how it changes, 8 (N - 3)
  // c_tt - 4 N c_t, and how that does.
  logic signed [BEND_BITS-1:0] bent;
  logic signed [COEFFICIENT_BITS+2*LOG2-1:0] mean_square;
  logic signed [BITS-1:0] unbent, trend, linear, square, slope, first_step, first_turn, bend, kept_bend;
  logic [5:0] known_for;
  shift_round #(.IN_BITS(BEND_BITS), .OUT_BITS(BITS), .FIXED(contract_pkg::BEND_SHIFT), .SATURATE(0)) sharpened (
      .clk, .value(bent), .shift('0), .rounded(unbent)
  );
  always_ff @(posedge clk) begin
    bent       <= tt * BEND_BITS'(contract_pkg::SHARPEN);
    mean_square <= ss * THIRD;
    trend      <= (BITS'(one) <<< (2 * LOG2)) + BITS'(mean_square) - unbent;
    linear     <= (BITS'(t) <<< (2 * LOG2 + 1)) - (BITS'(t) <<< (LOG2 + 2));
    square     <= (BITS'(tt) <<< (2 * LOG2 + 1)) - (BITS'(tt) <<< (LOG2 + 3)) + (BITS'(tt) <<< 3) + (BITS'(tt) <<< 1);
    slope      <= linear - square;
    first_step <= slope - (trend <<< 1);
    first_turn <= (BITS'(tt) <<< (LOG2 + 3)) - (BITS'(tt) <<< 4) - (BITS'(tt) <<< 3) - (BITS'(t) <<< (LOG2 + 2));
    bend       <= -(BITS'(tt) <<< 4);
    known_for  <= rst ? '0 : {known_for[4:0], known};
  end

  // Rows of the first pass, and those that are taken.
  logic preparing, prepare, wanted, step, first;
  logic [ROWS_LOG2-1:0] prepared_row;
  logic [LOG2-1:0] y;
  logic [WAITING_BITS-1:0] row;
  assign prepare = wanted && rows_wait && y == 0;
  assign step    = preparing || take;
  assign first   = preparing ? prepared_row == 0 : y == 0;
  assign row     = preparing ? WAITING_BITS'(prepared_row) : WAITING_BITS'(y);
  always_ff @(posedge clk) begin
    if (rst) begin
      {preparing, wanted, ready} <= '0;
      prepared_row <= '0;
      y            <= '0;
    end else begin
      if (known_for[5]) wanted <= 1'b1;
      else if (prepare) wanted <= 1'b0;
      if (prepare) preparing <= 1'b1;
      else if (&prepared_row) preparing <= 1'b0;
      if (preparing) prepared_row <= prepared_row + 1'b1;
      if (last_summed) ready <= 1'b1;
      else if (take) ready <= 1'b0;
      if (take) y <= y + 1'b1;
    end
  end

  // n[y] of the row that is gone through, from that of the row above.
  logic stepped, stepped_first, zero_first, summing, last_step, last_summed, counts;
  logic signed [SUM_BITS-1:0] read_sum, above;
  logic signed [BITS-1:0] number, difference, turn, zero, next_number, above_zero;
  assign next_number = stepped_first ? '0 : number + ((BITS'(above) + BITS'(read_sum)) <<< (LOG2 + FRACTION)) + difference;
  always_ff @(posedge clk) begin
    read_sum      <= row[0] ? odd_sums[row[WAITING_BITS-1:1]] : even_sums[row[WAITING_BITS-1:1]];
    stepped       <= !rst && step;
    stepped_first <= first;
    counts        <= !rst && preparing;
    last_step     <= !rst && preparing && &prepared_row;
    if (stepped) begin
      number     <= next_number;
      above      <= read_sum;
      difference <= stepped_first ? first_step : difference + turn;
      turn       <= stepped_first ? first_turn : turn + kept_bend;
      // The background goes on before a frame's last rows are taken.
      if (stepped_first) kept_bend <= bend;
    end
    zero_first  <= stepped_first;
    summing     <= !rst && counts;
    last_summed <= !rst && last_step;
    if (summing) zero <= zero_first ? number : zero + number;
    above_zero  <= (number <<< ROWS_LOG2) - zero;
  end
  shift_round #(.IN_BITS(BITS), .OUT_BITS(OUT_BITS), .FIXED(SHIFT)) divide (
      .clk, .value(above_zero), .shift('0), .rounded(mean)
  );
  pipeline_valid #(.CLOCKS(5)) valid_pipeline (.clk, .rst, .in_valid(take), .out_valid);
endmodule
`default_nettype wire
