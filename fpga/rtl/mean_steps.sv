// phi^ of kx = 0 from row to row: trapezoid sums of the rows' sums less the surface and the trend, above the phase's zero.
//
//   n[y] = (N T[y] << FRACTION) - 2 y trend - c_t 2 N y (y + 1 - N) - c_tt V[y]     phi^ = saturate((8 n[y] - zero) >> SHIFT)
// What is subtracted has a constant third difference, so that adders alone do. Rows that count for the zero, those that
// the phase's zero is the mean of, are gone through before the others. Exact until the one rounding. Surface and trend
// stand four clocks before a first row; what they make of the rows behind it is kept. Latency: 4 clocks.
`default_nettype none
module mean_steps #(
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1 + contract_pkg::SIZE_LOG2,
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2,
    parameter int BITS = 64,
    parameter int OUT_BITS = contract_pkg::STATE_BITS
) (
    input wire logic                               clk,
    input wire logic                               rst,
    input wire logic signed [COEFFICIENT_BITS-1:0] t, tt,    // of the y gradient
    input wire logic signed [            BITS-1:0] trend,
    input wire logic                               step,
    input wire logic                               first,    // of a frame, or of those gone through for its zero
    input wire logic                               clears,   // the zero: first of the latter
    input wire logic                               counts,   // for the zero
    input wire logic signed [         IN_BITS-1:0] row_sum,
    output     logic signed [        OUT_BITS-1:0] mean
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int SHIFT = ROWS_LOG2 + 1 + LOG2 + FRACTION + contract_pkg::UNIT_LOG2 - contract_pkg::PHI_FRACTION;

  // The first difference of what is subtracted, 2 N (N - 2) c_t - (2 N^2 - 8 N + 10) c_tt - 2 trend; how it changes,
  // 8 (N - 3) c_tt - 4 N c_t; and how that does.
  logic signed [BITS-1:0] linear, square, slope, first_step, first_turn, first_bend;
  always_ff @(posedge clk) begin
    linear     <= (BITS'(t) <<< (2 * LOG2 + 1)) - (BITS'(t) <<< (LOG2 + 2));
    square     <= (BITS'(tt) <<< (2 * LOG2 + 1)) - (BITS'(tt) <<< (LOG2 + 3)) + (BITS'(tt) <<< 3) + (BITS'(tt) <<< 1);
    slope      <= linear - square;
    first_step <= slope - (trend <<< 1);
    first_turn <= (BITS'(tt) <<< (LOG2 + 3)) - (BITS'(tt) <<< 4) - (BITS'(tt) <<< 3) - (BITS'(t) <<< (LOG2 + 2));
    first_bend <= -(BITS'(tt) <<< 4);
  end

  logic signed [IN_BITS-1:0] above;
  logic signed [BITS-1:0] number, difference, turn, bend, zero, above_zero;
  logic summing;
  always_ff @(posedge clk) begin
    if (step) begin
      number     <= first ? '0 : number + ((BITS'(above) + BITS'(row_sum)) <<< (LOG2 + FRACTION)) + difference;
      above      <= row_sum;
      difference <= first ? first_step : difference + turn;
      turn       <= first ? first_turn : turn + bend;
      if (first) bend <= first_bend;
    end
    summing    <= !rst && step && counts;
    if (step && clears) zero <= '0;
    else if (summing) zero <= zero + number;
    above_zero <= (number <<< ROWS_LOG2) - zero;
  end
  shift_round #(.IN_BITS(BITS), .OUT_BITS(OUT_BITS), .FIXED(SHIFT)) divide (
      .clk, .value(above_zero), .shift('0), .rounded(mean)
  );
endmodule
`default_nettype wire
