// The surface's row transform as a polynomial along each column: N A + D v + Q v^2, v = 1 - N, 3 - N, ... N - 1.
//
// Of SAMPLES columns at a time: the first value, its first difference and its constant second one, so that the
// subtraction needs adders alone. Two multipliers are shared by all products. In the column kx = 0 alone the mean, t
// and t^2 count.
`default_nettype none
module surface_columns #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int TABLE_BITS = contract_pkg::TWIDDLE_BITS,
    parameter int TABLE_FRACTION = contract_pkg::TWIDDLE_FRACTION,
    parameter int OUT_BITS = IN_BITS + TABLE_BITS + 3 + $clog2(SIZE) + 1
) (
    input wire logic                        clk,
    input wire logic                        rst,
    input wire logic                        fitted,        // pulse: coefficients of the next frame stand
    input wire logic [     12*IN_BITS-1:0]  coefficients,  // per axis: 1, s, t, s^2, t^2, s t
    output     logic                        ready,         // polynomials of the next SAMPLES columns stand
    input wire logic                        take,          // only while ready
    output     logic [SAMPLES*6*OUT_BITS-1:0] polynomials    // a lane: start, step, bend (real), then imaginary
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int GROUPS = SIZE / SAMPLES;
  localparam int TERMS = 6;
  localparam int LANE_BITS = SAMPLES > 1 ? $clog2(SAMPLES) : 1;
  localparam int PRODUCT_BITS = IN_BITS + TABLE_BITS;

  // Coefficients of the frame at work; those of the next one may come meanwhile.
  logic waiting, working, busy;
  logic [12*IN_BITS-1:0] next_fit, fit;
  logic [$clog2(GROUPS)-1:0] group;
  logic [LANE_BITS-1:0] lane;
  logic [2:0] term;
  logic start, last_term, written, written_last;
  assign start = !busy && !ready && (working || waiting);
  assign last_term = term == TERMS - 1;
  always_ff @(posedge clk) begin
    if (fitted) next_fit <= coefficients;
    if (start && !working) fit <= next_fit;
    if (rst) begin
      waiting <= 1'b0;
      working <= 1'b0;
      busy    <= 1'b0;
      ready   <= 1'b0;
      group   <= '0;
    end else begin
      if (fitted) waiting <= 1'b1;
      else if (start && !working) waiting <= 1'b0;
      if (start) begin
        working <= 1'b1;
        busy    <= 1'b1;
      end else if (written_last) begin
        busy  <= 1'b0;
        ready <= 1'b1;
      end
      if (take) begin
        ready <= 1'b0;
        group <= group + 1'b1;
        if (&group) working <= 1'b0;
      end
    end
  end

  // Six products a column, one a clock.
  logic issuing;
  always_ff @(posedge clk) begin
    if (rst) begin
      issuing <= 1'b0;
    end else if (start) begin
      issuing <= 1'b1;
      lane    <= '0;
      term    <= '0;
    end else if (issuing) begin
      term <= last_term ? '0 : term + 1'b1;
      if (last_term) begin
        lane <= lane + 1'b1;
        if (32'(lane) == SAMPLES - 1) issuing <= 1'b0;
      end
    end
  end
  logic [LOG2-1:0] column;
  logic [4*TABLE_BITS-1:0] table_word, unused_word;
  assign column = LOG2'(32'(group) * SAMPLES + 32'(lane));
  rom #(.BITS(4 * TABLE_BITS), .DEPTH(SIZE), .FILE("surface.mem")) spectra (
      .clk, .address_a(column), .word_a(table_word), .address_b('0), .word_b(unused_word)
  );

  // Operands: ROM 2; factors 1; product 1 and a register for synthesis to move into it.
  logic operand_valid, sum_valid;
  logic [2:0] operand_term, sum_term;
  logic [LANE_BITS-1:0] sum_lane;
  logic sum_mean;
  delay #(.BITS(3), .CLOCKS(2)) beside_rom (.clk, .in_word(term), .out_word(operand_term));
  delay #(.BITS(3 + LANE_BITS + 1), .CLOCKS(5)) beside_product (
      .clk, .in_word({column == 0, lane, term}), .out_word({sum_mean, sum_lane, sum_term})
  );
  pipeline_valid #(.CLOCKS(5)) valid_pipeline (.clk, .rst, .in_valid(issuing), .out_valid(sum_valid));

  logic signed [IN_BITS-1:0] one_re, s_re, t_re, ss_re, tt_re, st_re, one_im, s_im, t_im, ss_im, tt_im, st_im;
  assign {st_im, tt_im, ss_im, t_im, s_im, one_im, st_re, tt_re, ss_re, t_re, s_re, one_re} = fit;
  logic signed [TABLE_BITS-1:0] linear_re, linear_im, square_re, square_im;
  assign {square_im, square_re, linear_im, linear_re} = table_word;
  logic signed [IN_BITS-1:0] factor;
  logic signed [TABLE_BITS-1:0] by_re, by_im;
  logic signed [PRODUCT_BITS-1:0] product_re, product_im, added_re, added_im;
  always_ff @(posedge clk) begin
    case (operand_term)
      3'd0: {factor, by_re, by_im} <= {s_re, linear_re, linear_im};
      3'd1: {factor, by_re, by_im} <= {s_im, -linear_im, linear_re};
      3'd2: {factor, by_re, by_im} <= {ss_re, square_re, square_im};
      3'd3: {factor, by_re, by_im} <= {ss_im, -square_im, square_re};
      3'd4: {factor, by_re, by_im} <= {st_re, linear_re, linear_im};
      default: {factor, by_re, by_im} <= {st_im, -linear_im, linear_re};
    endcase
    product_re <= factor * by_re;
    product_im <= factor * by_im;
    added_re   <= product_re;
    added_im   <= product_im;
  end

  // A gathers the first four terms, D the others; then start, step and bend in three clocks.
  logic column_ends, mean_1;
  logic [3:0] ends;
  logic [LANE_BITS-1:0] ends_lane;
  assign column_ends = sum_valid && sum_term == TERMS - 1;
  always_ff @(posedge clk) ends <= rst ? '0 : {ends[2:0], column_ends};
  delay #(.BITS(LANE_BITS), .CLOCKS(4)) beside_differences (.clk, .in_word(sum_lane), .out_word(ends_lane));
  delay #(.BITS(1), .CLOCKS(1)) beside_sums (.clk, .in_word(sum_mean), .out_word(mean_1));
  assign written = ends[3];
  assign written_last = written && 32'(ends_lane) == SAMPLES - 1;

  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      logic signed [IN_BITS-1:0] one, t, tt;
      logic signed [PRODUCT_BITS-1:0] added;
      logic signed [OUT_BITS-1:0] a, d, q, q_2, q_3;
      logic signed [OUT_BITS-1:0] constant, squares, descent, start_2, descent_2, rise, fall, first, slope, bend;
      assign one   = part == 0 ? one_re : one_im;
      assign t     = part == 0 ? t_re : t_im;
      assign tt    = part == 0 ? tt_re : tt_im;
      assign added = part == 0 ? added_re : added_im;
      always_comb begin
        q = (OUT_BITS'(tt) <<< TABLE_FRACTION) >>> LOG2;
        if (!mean_1) q = '0;
      end
      always_ff @(posedge clk) begin
        if (sum_valid) begin
          if (sum_term == 0) begin
            a <= OUT_BITS'(added) + (sum_mean ? OUT_BITS'(one) <<< TABLE_FRACTION : '0);
            d <= sum_mean ? OUT_BITS'(t) <<< TABLE_FRACTION : '0;
          end else if (sum_term < 4) begin
            a <= a + OUT_BITS'(added);
          end else begin
            d <= d + OUT_BITS'(added);
          end
        end
        // start = N A + (1 - N) D + (1 - N)^2 Q; step = 2 D + (8 - 4 N) Q; bend = 8 Q.
        constant  <= (a <<< LOG2) + d;
        squares   <= (q <<< (2 * LOG2)) + q;
        descent   <= (d <<< LOG2) + (q <<< (LOG2 + 1));
        rise      <= (d <<< 1) + (q <<< 3);
        fall      <= q <<< (LOG2 + 2);
        q_2       <= q;
        start_2   <= constant + squares;
        descent_2 <= descent;
        slope     <= rise - fall;
        q_3       <= q_2;
        first     <= start_2 - descent_2;
        bend      <= q_3 <<< 3;
      end
      // The slope is a clock earlier than the others.
      logic signed [OUT_BITS-1:0] slope_2;
      always_ff @(posedge clk) slope_2 <= slope;
      for (genvar to = 0; to < SAMPLES; ++to) begin : g_lane
        always_ff @(posedge clk)
          if (written && 32'(ends_lane) == to)
            polynomials[(6*to+3*part)*OUT_BITS+:3*OUT_BITS] <= {bend, slope_2, first};
      end
    end
  endgenerate
endmodule
`default_nettype wire
