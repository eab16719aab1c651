// Which half of a frame starts at the clean edge of its window: the downward one, the upward one, or both do.
//
// Magnitudes of differences between gradients APART pixels of a row from each other are summed over the first and over the
// last rows, both axes: the light's own gradient is nearly the same that far away, a cell's is not.
`default_nettype none
module cleaner_edge #(
    parameter int SAMPLES = 1,  // of which APART is a multiple
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int ROWS = contract_pkg::BORDER,
    parameter int APART = contract_pkg::CLEANER_APART,
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic                         in_valid,
    input wire logic [SAMPLES*2*IN_BITS-1:0] in_words,  // a pixel: x, y
    output     logic                         done,      // pulse: so much for a frame
    output     logic [                  1:0] half       // of it, until the next pulse
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int BEAT_BITS = $clog2(BEATS);
  localparam int BEATS_APART = APART / SAMPLES;
  localparam int PARTS = 2 * SAMPLES;
  localparam int WORD = PARTS * IN_BITS;
  localparam int CHANGE_BITS = IN_BITS + 1;  // of a difference, and of its magnitude
  localparam int BEAT_SUM_BITS = CHANGE_BITS + $clog2(PARTS);
  localparam int SUM_BITS = BEAT_SUM_BITS + $clog2(ROWS * BEATS);
  localparam int CHANGE_CLOCKS = 2;
  localparam int TREE_CLOCKS = ($clog2(PARTS) + 1) / 2;

  // Places.
  logic [BEAT_BITS-1:0] beat;
  logic [LOG2-1:0] row;
  always_ff @(posedge clk) begin
    if (rst) begin
      beat <= '0;
      row  <= '0;
    end else if (in_valid) begin
      beat <= beat + 1'b1;
      if (&beat) row <= row + 1'b1;
    end
  end

  logic [BEATS_APART*WORD-1:0] earlier;  // beats, the latest one lowest
  logic [PARTS*CHANGE_BITS-1:0] changes;
  logic compared;
  always_ff @(posedge clk) begin
    if (in_valid) earlier <= (BEATS_APART * WORD)'({earlier, in_words});
    compared <= 32'(beat) >= BEATS_APART;
  end
  generate
    for (genvar part = 0; part < PARTS; ++part) begin : g_part
      logic signed [CHANGE_BITS-1:0] change;
      always_ff @(posedge clk) begin
        change <= CHANGE_BITS'($signed(in_words[part*IN_BITS+:IN_BITS]))
            - CHANGE_BITS'($signed(earlier[(BEATS_APART-1)*WORD+part*IN_BITS+:IN_BITS]));
        changes[part*CHANGE_BITS+:CHANGE_BITS] <= !compared ? '0 : change < 0 ? -change : change;
      end
    end
  endgenerate

  // Both edges, and which is the cleaner one.
  logic sum_valid, sum_first, sum_ends, sum_top, sum_bottom, summed;
  logic [BEAT_SUM_BITS-1:0] beat_sum;
  logic [SUM_BITS-1:0] top, bottom;
  adder_tree #(.COUNT(PARTS), .IN_BITS(CHANGE_BITS), .OUT_BITS(BEAT_SUM_BITS)) beat_sums (
      .clk, .terms(changes), .sum(beat_sum)
  );
  pipeline_valid #(.CLOCKS(CHANGE_CLOCKS + TREE_CLOCKS)) valid_pipeline (.clk, .rst, .in_valid, .out_valid(sum_valid));
  delay #(.BITS(4), .CLOCKS(CHANGE_CLOCKS + TREE_CLOCKS)) beside_sums (
      .clk, .in_word({row == 0 && beat == 0, &row && &beat, 32'(row) < ROWS, 32'(row) >= SIZE - ROWS}),
      .out_word({sum_first, sum_ends, sum_top, sum_bottom})
  );
  localparam int MORE_BITS = SUM_BITS + $clog2(contract_pkg::CLEANER_MORE + 1);
  // Shifts and adds: no multiplier is spent on a constant.
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
