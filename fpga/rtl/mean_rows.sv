// phi^ of kx = 0 by rows, of whole frames: trapezoid sums of the y gradient's row sums, less the surface and the mean
// gradient; zero is the mean of the first rows.
//
// n[y] = (N T[y] << fraction) - 2 y trend - c_t 2 N y (y + 1 - N) - c_tt V[y] goes from row to row by adders alone, once
// for the zero and once for all rows, which can then be read in any order. Exact until the one rounding.
module mean_rows #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1,
    parameter int SUM_BITS = IN_BITS + $clog2(SIZE),
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2,
    parameter int OUT_BITS = contract_pkg::STATE_BITS
) (
    input  logic                               clk,
    input  logic                               rst,
    // Sharpened y gradients as they go into the row queue.
    input  logic                               in_valid,
    input  logic                               in_last,
    input  logic                               in_ends,
    input  logic         [SAMPLES*IN_BITS-1:0] in_words,
    input  logic         [SAMPLES*IN_BITS-1:0] last_words,
    input  logic                               known,   // pulse: the surface of the next frame stands
    input  logic signed [COEFFICIENT_BITS-1:0] t, tt,   // of the y gradient
    output logic                               done,    // pulse: so do all of its rows
    input  logic                               row_odd,  // of every other frame, two clocks before
    input  logic         [   $clog2(SIZE)-1:0] row,
    output logic signed  [       OUT_BITS-1:0] mean
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BITS = 64;
  localparam int ROWS = 1 << ROWS_LOG2;
  localparam int GAP = 8;  // clocks from the last of the first rows to their zero
  localparam int SHIFT = ROWS_LOG2 + 1 + LOG2 + FRACTION + contract_pkg::UNIT_LOG2 - contract_pkg::PHI_FRACTION;
  localparam logic signed [2*LOG2-1:0] THIRD = (SIZE * SIZE - 1) / 3;

  // Row sums, and their sum over a frame.
  logic signed [SUM_BITS-1:0] beat_sum, last_beat_sum, added, last_added, sum, last_sum, whole, last_whole;
  logic signed [SUM_BITS+LOG2-1:0] total, frame_total;
  logic [LOG2-1:0] in_row;
  logic valid_1, last_1, ends_1, in_frame;
  always_comb begin
    beat_sum = '0;
    last_beat_sum = '0;
    for (int lane = 0; lane < SAMPLES; ++lane) begin
      beat_sum = beat_sum + SUM_BITS'($signed(in_words[lane*IN_BITS+:IN_BITS]));
      last_beat_sum = last_beat_sum + SUM_BITS'($signed(last_words[lane*IN_BITS+:IN_BITS]));
    end
  end
  assign whole = sum + added;
  assign last_whole = last_sum + last_added;
  always_ff @(posedge clk) begin
    valid_1    <= !rst && in_valid;
    last_1     <= in_last;
    ends_1     <= in_ends;
    added      <= beat_sum;
    last_added <= last_beat_sum;
    if (rst) begin
      sum      <= '0;
      last_sum <= '0;
      total    <= '0;
      in_row   <= '0;
      in_frame <= 1'b0;
    end else if (valid_1) begin
      sum      <= ends_1 ? '0 : whole;
      last_sum <= ends_1 || !last_1 ? '0 : last_whole;
      if (ends_1) begin
        in_row <= last_1 ? '0 : in_row + 1'b1;
        total  <= last_1 ? '0 : total + (SUM_BITS + LOG2)'(whole);
        if (last_1) begin
          in_frame    <= !in_frame;
          frame_total <= total + (SUM_BITS + LOG2)'(whole) + (SUM_BITS + LOG2)'(last_whole);
        end
      end
    end
  end

  // The first difference of what is subtracted, 2 N (N - 2) c_t - (2 N^2 - 8 N + 10) c_tt - 2 trend, how it changes, 8 (N - 3)
  // c_tt - 4 N c_t, and how that does.
  logic signed [COEFFICIENT_BITS+2*LOG2-1:0] mean_square;
  logic signed [BITS-1:0] trend, linear, square, slope, first_step, first_turn, bend;
  logic [5:0] known_for;
  always_ff @(posedge clk) begin
    mean_square <= tt * THIRD;
    trend      <= (BITS'(frame_total) <<< FRACTION) - BITS'(mean_square);
    linear     <= (BITS'(t) <<< (2 * LOG2 + 1)) - (BITS'(t) <<< (LOG2 + 2));
    square     <= (BITS'(tt) <<< (2 * LOG2 + 1)) - (BITS'(tt) <<< (LOG2 + 3)) + (BITS'(tt) <<< 3) + (BITS'(tt) <<< 1);
    slope      <= linear - square;
    first_step <= slope - (trend <<< 1);
    first_turn <= (BITS'(tt) <<< (LOG2 + 3)) - (BITS'(tt) <<< 4) - (BITS'(tt) <<< 3) - (BITS'(t) <<< (LOG2 + 2));
    bend       <= -(BITS'(tt) <<< 4);
    known_for  <= rst ? '0 : {known_for[4:0], known};
  end

  // The first rows, a gap, all rows.
  logic running, zeroing, out_frame, step, step_zeroing, step_first;
  logic [LOG2-1:0] count;
  logic [3:0] gap;
  assign zeroing = gap == 0;
  always_ff @(posedge clk) begin
    if (rst) begin
      {running, out_frame} <= '0;
      count <= '0;
      gap   <= '0;
    end else if (known_for[5]) begin
      running <= 1'b1;
      count   <= '0;
      gap     <= '0;
    end else if (running) begin
      if (zeroing && count == LOG2'(ROWS - 1) || gap != 0 && gap != GAP) begin
        gap   <= gap + 1'b1;
        count <= '0;
      end else begin
        count <= count + 1'b1;
        if (&count) begin
          running   <= 1'b0;
          out_frame <= !out_frame;
        end
      end
    end
  end
  pipeline_valid #(.CLOCKS(2)) step_pipeline (
      .clk, .rst, .in_valid(running && (zeroing || gap == GAP)), .out_valid(step)
  );
  delay #(.BITS(2), .CLOCKS(2)) beside_sums (.clk, .in_word({zeroing, count == 0}), .out_word({step_zeroing, step_first}));
  logic [SUM_BITS-1:0] even_sum, odd_sum;
  logic odd;
  ram #(.BITS(SUM_BITS), .DEPTH(SIZE)) even_sums (
      .clk, .write(valid_1 && ends_1 && !in_row[0]), .write_address({in_frame, in_row[LOG2-1:1]}), .write_word(whole),
      .read_address({out_frame, count[LOG2-1:1]}), .read_word(even_sum)
  );
  ram #(.BITS(SUM_BITS), .DEPTH(SIZE)) odd_sums (
      .clk, .write(valid_1 && ends_1 && (in_row[0] || last_1)), .write_address({in_frame, in_row[LOG2-1:1]}),
      .write_word(last_1 ? last_whole : whole), .read_address({out_frame, count[LOG2-1:1]}), .read_word(odd_sum)
  );
  delay #(.BITS(1), .CLOCKS(2)) beside_memory (.clk, .in_word(count[0]), .out_word(odd));

  // n[y] from that of the row above.
  logic signed [SUM_BITS-1:0] row_sum, above;
  logic signed [BITS-1:0] number, difference, turn, zero, above_zero;
  logic summing, summing_first;
  assign row_sum = $signed(odd ? odd_sum : even_sum);
  always_ff @(posedge clk) begin
    if (step) begin
      number     <= step_first ? '0 : number + ((BITS'(above) + BITS'(row_sum)) <<< (LOG2 + FRACTION)) + difference;
      above      <= row_sum;
      difference <= step_first ? first_step : difference + turn;
      turn       <= step_first ? first_turn : turn + bend;
    end
    summing       <= !rst && step && step_zeroing;
    summing_first <= step_first;
    if (summing) zero <= summing_first ? number : zero + number;
    above_zero <= (number <<< ROWS_LOG2) - zero;
  end
  logic signed [OUT_BITS-1:0] rounded;
  shift_round #(.IN_BITS(BITS), .OUT_BITS(OUT_BITS), .FIXED(SHIFT)) divide (
      .clk, .value(above_zero), .shift('0), .rounded
  );
  logic write, write_odd;
  logic [LOG2-1:0] write_row;
  pipeline_valid #(.CLOCKS(4)) write_pipeline (.clk, .rst, .in_valid(step && !step_zeroing), .out_valid(write));
  always_ff @(posedge clk) begin
    if (rst) {write_odd, write_row} <= '0;
    else if (write) {write_odd, write_row} <= {write_odd, write_row} + 1'b1;
    done <= !rst && write && &write_row;
  end
  ram #(.BITS(OUT_BITS), .DEPTH(2 * SIZE)) means (
      .clk, .write, .write_address({write_odd, write_row}), .write_word(rounded), .read_address({row_odd, row}),
      .read_word(mean)
  );
endmodule
