// phi^ of kx = 0 by rows of frames that go back up, any row once the whole frame is in.
//
// The first rows are gone through for the phase's zero, then all rows; of a frame that the upward half tells, all rows,
// of which the last ones count, then all rows again. Where both halves tell a frame the trend is its own, so that the
// mean gradient goes: (sum of Y << FRACTION) - c_tt (N^2 - 1) / 3. Where one does it is the surface's: surface_trend.sv.
`default_nettype none
module mean_rows #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1,
    parameter int SUM_BITS = IN_BITS + $clog2(SIZE),
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2,
    parameter bit KNOWN = contract_pkg::KNOWN_SURFACE != 0,  // a surface may be; else both halves tell every frame
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
    input wire logic                               known,    // pulse: the surface of the next frame stands
    input wire logic signed [COEFFICIENT_BITS-1:0] one, t, ss, tt,  // of the y gradient
    input wire logic                               both,     // halves tell it,
    input wire logic                               upward,   // or that from the last row
    output     logic                               done,     // pulse: so do all of its rows
    input wire logic                               row_odd,  // of every other frame, two clocks before
    input wire logic        [    $clog2(SIZE)-1:0] row,
    output     logic signed [        OUT_BITS-1:0] mean
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BITS = 64;
  localparam int ROWS = 1 << ROWS_LOG2;
  localparam int KNOWN_CLOCKS = 6;  // from the surface to what the steps make of it
  localparam int GAP = 8;           // clocks from the last row that is gone through for the zero to the first row
  localparam logic signed [2*LOG2-1:0] THIRD = (SIZE * SIZE - 1) / 3;

  // Row sums, and their sum over a frame.
  logic sum_valid, sum_last, in_frame;
  logic signed [SUM_BITS-1:0] sum, last_sum;
  logic signed [SUM_BITS+LOG2-1:0] total, frame_total;
  logic [LOG2-1:0] in_row;
  row_sums #(.SAMPLES(SAMPLES)) row_sums (
      .clk, .rst, .in_valid, .in_last, .in_ends, .in_words, .last_words, .out_valid(sum_valid), .out_last(sum_last),
      .sum, .last_sum
  );
  always_ff @(posedge clk) begin
    if (rst) begin
      total    <= '0;
      in_row   <= '0;
      in_frame <= 1'b0;
    end else if (sum_valid && sum_last) begin
      total       <= '0;
      in_row      <= '0;
      in_frame    <= !in_frame;
      frame_total <= total + (SUM_BITS + LOG2)'(sum) + (SUM_BITS + LOG2)'(last_sum);
    end else if (sum_valid) begin
      total  <= total + (SUM_BITS + LOG2)'(sum);
      in_row <= in_row + 1'b1;
    end
  end

  logic signed [COEFFICIENT_BITS+2*LOG2-1:0] mean_square;
  logic signed [BITS-1:0] trend, of_surface;
  logic is_upward;
  assign is_upward = KNOWN && upward;
  generate
    if (KNOWN) begin : g_known
      surface_trend of_known_surface (.clk, .one, .ss, .tt, .trend(of_surface));
    end else begin : g_own_border
      assign of_surface = '0;
    end
  endgenerate
  always_ff @(posedge clk) begin
    mean_square <= tt * THIRD;
    trend       <= !KNOWN || both ? (BITS'(frame_total) <<< FRACTION) - BITS'(mean_square) : of_surface;
  end

  // The rows for the zero, a gap, all rows.
  logic known_now, running, zeroing, zeroed, out_frame;
  logic [LOG2-1:0] count;
  logic [3:0] gap;
  assign zeroed = is_upward ? &count : count == LOG2'(ROWS - 1);
  assign zeroing = gap == 0;
  pipeline_valid #(.CLOCKS(KNOWN_CLOCKS)) known_pipeline (.clk, .rst, .in_valid(known), .out_valid(known_now));
  always_ff @(posedge clk) begin
    if (rst) begin
      {running, out_frame} <= '0;
      count <= '0;
      gap   <= '0;
    end else if (known_now) begin
      running <= 1'b1;
      count   <= '0;
      gap     <= '0;
    end else if (running && (zeroing ? zeroed : gap != GAP)) begin
      count <= '0;
      gap   <= gap + 1'b1;
    end else if (running) begin
      count <= count + 1'b1;
      if (&count) begin
        running   <= 1'b0;
        out_frame <= !out_frame;
      end
    end
  end

  logic step, first, passes, counts, last_rows, odd;
  assign last_rows = &count[LOG2-1:ROWS_LOG2];
  logic [SUM_BITS-1:0] even_sum, odd_sum;
  ram #(.BITS(SUM_BITS), .DEPTH(SIZE)) even_sums (
      .clk, .write(sum_valid && !in_row[0]), .write_address({in_frame, in_row[LOG2-1:1]}), .write_word(sum),
      .read_address({out_frame, count[LOG2-1:1]}), .read_word(even_sum)
  );
  ram #(.BITS(SUM_BITS), .DEPTH(SIZE)) odd_sums (
      .clk, .write(sum_valid && (in_row[0] || sum_last)), .write_address({in_frame, in_row[LOG2-1:1]}),
      .write_word(sum_last ? last_sum : sum), .read_address({out_frame, count[LOG2-1:1]}), .read_word(odd_sum)
  );
  pipeline_valid #(.CLOCKS(2)) step_pipeline (
      .clk, .rst, .in_valid(running && (zeroing || gap == GAP)), .out_valid(step)
  );
  delay #(.BITS(4), .CLOCKS(2)) beside_sums (
      .clk, .in_word({count[0], zeroing, zeroing && (!is_upward || last_rows), count == 0}),
      .out_word({odd, passes, counts, first})
  );

  logic signed [SUM_BITS-1:0] row_sum;
  logic signed [OUT_BITS-1:0] rounded;
  assign row_sum = odd ? odd_sum : even_sum;
  mean_steps mean_steps (
      .clk, .rst, .t, .tt, .trend, .step, .first, .clears(first && passes), .counts, .row_sum, .mean(rounded)
  );
  logic write, write_odd;
  logic [LOG2-1:0] write_row;
  pipeline_valid #(.CLOCKS(4)) write_pipeline (.clk, .rst, .in_valid(step && !passes), .out_valid(write));
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
`default_nettype wire
