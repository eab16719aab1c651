// Which half tells a frame whose surface is known beforehand: that which starts at the cleaner edge, or both.
//
// Magnitudes of the gradients less the surface are summed over the first and over the last rows, both axes. Of pixel
// (x, y), with u = 2 x - (N - 1) and v likewise, N^2 times the surface is
//   c_1 N^2 + c_t N v + c_tt v^2 + (c_s N + c_st v) u + c_ss u^2
// so that adders alone lead from beat to beat, from row to row, and from a beat's first pixel to the others. The surface
// stands eight clocks before a frame's first gradient, until its last.
`default_nettype none
module cleaner_edge #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int ROWS = contract_pkg::BORDER,
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS,
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION
) (
    input wire logic                           clk,
    input wire logic                           rst,
    input wire logic                           in_valid,
    input wire logic [  SAMPLES*2*IN_BITS-1:0] in_words,  // a pixel: x, y
    input wire logic [12*COEFFICIENT_BITS-1:0] surface,   // per axis: 1, s, t, s^2, t^2, s t
    output     logic                           done,      // pulse: so much for a frame
    output     logic [                    1:0] half       // of it, until the next pulse
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int BEAT_BITS = $clog2(BEATS);
  localparam int SHIFT = FRACTION + 2 * LOG2;
  localparam int BITS = COEFFICIENT_BITS + 2 * LOG2 + 3;  // of six terms
  localparam int SURFACE_BITS = BITS - SHIFT + 1;
  localparam int LESS_BITS = (SURFACE_BITS > IN_BITS ? SURFACE_BITS : IN_BITS) + 1;
  localparam int PARTS = 2 * SAMPLES;
  localparam int BEAT_SUM_BITS = LESS_BITS + $clog2(PARTS);
  localparam int SUM_BITS = BEAT_SUM_BITS + $clog2(ROWS * BEATS);
  localparam int MAGNITUDE_CLOCKS = 7;
  localparam int TREE_CLOCKS = ($clog2(PARTS) + 1) / 2;

  // Shifts and adds: no multiplier is spent on a constant.
  function automatic logic signed [BITS-1:0] times(input logic signed [BITS-1:0] value, input int factor);
    times = '0;
    for (int bit_ = 0; bit_ < 2 * LOG2; ++bit_) if (factor[bit_]) times = times + (value <<< bit_);
  endfunction

  // Places.
  logic [BEAT_BITS-1:0] beat;
  logic [LOG2-1:0] row;
  logic starts;
  assign starts = in_valid && beat == 0;
  always_ff @(posedge clk) begin
    if (rst) begin
      beat <= '0;
      row  <= '0;
    end else if (in_valid) begin
      beat <= beat + 1'b1;
      if (&beat) row <= row + 1'b1;
    end
  end

  // The row that comes next: a row's first beat moves it on, a frame's last row back to the first one.
  logic [LOG2-1:0] next_row;
  always_ff @(posedge clk) begin
    if (rst) next_row <= '0;
    else if (starts) next_row <= next_row + 1'b1;
  end

  logic [PARTS*LESS_BITS-1:0] magnitudes;
  generate
    for (genvar axis = 0; axis < 2; ++axis) begin : g_axis
      logic signed [BITS-1:0] one, s, t, ss, tt, st;
      assign one = BITS'($signed(surface[(6*axis)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));
      assign s   = BITS'($signed(surface[(6*axis+1)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));
      assign t   = BITS'($signed(surface[(6*axis+2)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));
      assign ss  = BITS'($signed(surface[(6*axis+3)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));
      assign tt  = BITS'($signed(surface[(6*axis+4)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));
      assign st  = BITS'($signed(surface[(6*axis+5)*COEFFICIENT_BITS+:COEFFICIENT_BITS]));

      // Of a row's first pixel, where u = 1 - N: the surface; how far it is to the next row's; and the way to the pixel
      // beside it, as it is in the middle of a beat. First of the first row, where v = 1 - N, too.
      logic signed [BITS-1:0] linear, square, corner, corner_fall, corner_way, start, fall, start_way;
      always_ff @(posedge clk) begin
        linear      <= s + t;
        square      <= ss + tt + st;
        corner      <= ((one + square - linear) <<< (2 * LOG2)) + ((linear - (square <<< 1)) <<< LOG2) + square;
        corner_fall <= ((t - (tt <<< 1) - st) <<< (LOG2 + 1)) + (tt <<< 3) + (st <<< 1);
        corner_way  <= ((s - st - (ss <<< 1)) <<< (LOG2 + 1)) + (st <<< 1) + times(ss, 4 * (SAMPLES + 1));
        if (next_row == 0 && !starts) {start, fall, start_way} <= {corner, corner_fall, corner_way};
        else if (starts) begin
          start     <= start + fall;
          fall      <= fall + (tt <<< 3);
          start_way <= start_way + (st <<< 2);
        end
      end

      // Of a beat's first pixel.
      logic signed [BITS-1:0] value, way, value_2;
      always_ff @(posedge clk) begin
        if (starts) {value, way} <= {start, start_way};
        else if (in_valid) begin
          value <= value + (way <<< $clog2(SAMPLES));
          way   <= way + times(ss, 8 * SAMPLES);
        end
        value_2 <= value;
      end

      for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
        localparam int PART = 2 * lane + axis;
        logic signed [BITS-1:0] beside, placed;
        logic signed [SURFACE_BITS-1:0] known;
        logic signed [IN_BITS-1:0] gradient;
        logic signed [LESS_BITS-1:0] less;
        delay #(.BITS(IN_BITS), .CLOCKS(5)) beside_surface (
            .clk, .in_word(in_words[PART*IN_BITS+:IN_BITS]), .out_word(gradient)
        );
        shift_round #(.IN_BITS(BITS), .OUT_BITS(SURFACE_BITS), .FIXED(SHIFT), .SATURATE(0)) round (
            .clk, .value(placed), .shift('0), .rounded(known)
        );
        always_ff @(posedge clk) begin
          beside <= times(way, lane) - times(ss, 4 * lane * (SAMPLES - lane));
          placed <= value_2 + beside;
          less   <= LESS_BITS'(gradient) - LESS_BITS'(known);
          magnitudes[PART*LESS_BITS+:LESS_BITS] <= less < 0 ? -less : less;
        end
      end
    end
  endgenerate

  // Both edges, and which is the cleaner one.
  logic sum_valid, sum_first, sum_ends, sum_top, sum_bottom, summed;
  logic [BEAT_SUM_BITS-1:0] beat_sum;
  logic [SUM_BITS-1:0] top, bottom;
  adder_tree #(.COUNT(PARTS), .IN_BITS(LESS_BITS), .OUT_BITS(BEAT_SUM_BITS)) beat_sums (
      .clk, .terms(magnitudes), .sum(beat_sum)
  );
  pipeline_valid #(.CLOCKS(MAGNITUDE_CLOCKS + TREE_CLOCKS)) valid_pipeline (.clk, .rst, .in_valid, .out_valid(sum_valid));
  delay #(.BITS(4), .CLOCKS(MAGNITUDE_CLOCKS + TREE_CLOCKS)) beside_sums (
      .clk, .in_word({row == 0 && beat == 0, &row && &beat, 32'(row) < ROWS, 32'(row) >= SIZE - ROWS}),
      .out_word({sum_first, sum_ends, sum_top, sum_bottom})
  );
  localparam int MORE_BITS = SUM_BITS + $clog2(contract_pkg::CLEANER_MORE + 1);
  function automatic logic [MORE_BITS-1:0] scaled(input logic [SUM_BITS-1:0] sum, input int factor);
    scaled = '0;
    for (int bit_ = 0; bit_ < MORE_BITS - SUM_BITS; ++bit_)
      if (factor[bit_]) scaled = scaled + (MORE_BITS'(sum) << bit_);
  endfunction
  always_ff @(posedge clk) begin
    if (sum_valid && sum_first) {top, bottom} <= {SUM_BITS'(beat_sum), SUM_BITS'(0)};
    else if (sum_valid) begin
      if (sum_top) top <= top + SUM_BITS'(beat_sum);
      if (sum_bottom) bottom <= bottom + SUM_BITS'(beat_sum);
    end
    summed <= !rst && sum_valid && sum_ends;
    done   <= !rst && summed;
    if (summed) begin
      half <= 2'(contract_pkg::HALF_BOTH);
      if (scaled(top, contract_pkg::CLEANER_LESS) > scaled(bottom, contract_pkg::CLEANER_MORE))
        half <= 2'(contract_pkg::HALF_UP);
      if (scaled(bottom, contract_pkg::CLEANER_LESS) > scaled(top, contract_pkg::CLEANER_MORE))
        half <= 2'(contract_pkg::HALF_DOWN);
    end
  end
endmodule
`default_nettype wire
