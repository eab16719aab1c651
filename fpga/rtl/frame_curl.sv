// Whether the gradients of a frame have a curl, which those of one phase have not.
//
// Gradients are summed over blocks of BLOCK x BLOCK pixels. About a corner of four blocks, one turn along the sums is the
// curl there and the way out through them the flux; magnitudes of both are summed over all corners. The law is
// model/contract/remarks.py.
`default_nettype none
module frame_curl #(
    parameter int SAMPLES = 1,  // of which BLOCK is a multiple
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int BLOCK = contract_pkg::CURL_BLOCK,
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic                         in_valid,
    input wire logic [SAMPLES*2*IN_BITS-1:0] in_words,  // a pixel: x, y
    output     logic                         done,      // pulse: so much for a frame
    output     logic                         curled     // it, until the next pulse
);
  localparam int BLOCKS = SIZE / BLOCK;  // of a row
  localparam int PARTS = BLOCK / SAMPLES;  // beats of a block's row
  localparam int PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int PLACE_BITS = $clog2(BLOCKS);
  localparam int ROW_BITS = $clog2(BLOCK);
  localparam int SUM_BITS = IN_BITS + 2 * ROW_BITS;  // of a block
  localparam int TURN_BITS = SUM_BITS + 3;  // of eight such
  localparam int TOTAL_BITS = TURN_BITS + 2 * PLACE_BITS;
  localparam int TREE_CLOCKS = ($clog2(SAMPLES) + 1) / 2;

  // Beats, both axes.
  logic beat_valid;
  logic signed [SUM_BITS-1:0] beat_sum[2];
  generate
    if (TREE_CLOCKS == 0) begin : g_wire
      assign beat_valid = in_valid;
    end else begin : g_pipeline
      pipeline_valid #(.CLOCKS(TREE_CLOCKS)) tree_pipeline (.clk, .rst, .in_valid, .out_valid(beat_valid));
    end
  endgenerate
  generate
    for (genvar axis = 0; axis < 2; ++axis) begin : g_axis
      logic [SAMPLES*IN_BITS-1:0] terms;
      for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
        assign terms[lane*IN_BITS+:IN_BITS] = in_words[(2*lane+axis)*IN_BITS+:IN_BITS];
      end
      adder_tree #(.COUNT(SAMPLES), .IN_BITS(IN_BITS), .OUT_BITS(SUM_BITS)) beat_sums (.clk, .terms, .sum(beat_sum[axis]));
    end
  endgenerate

  // Where a beat lies: its part of a block's row, the block, the row of it, and the row of blocks.
  logic [PART_BITS-1:0] part;
  logic [PLACE_BITS-1:0] place, band;
  logic [ROW_BITS-1:0] row;
  logic part_ends, place_ends, row_ends;
  assign part_ends  = 32'(part) == PARTS - 1;
  assign place_ends = part_ends && &place;
  assign row_ends   = place_ends && &row;
  always_ff @(posedge clk) begin
    if (rst) {part, place, row, band} <= '0;
    else if (beat_valid) begin
      part <= part_ends ? '0 : part + 1'b1;
      if (part_ends) place <= place + 1'b1;
      if (place_ends) row <= row + 1'b1;
      if (row_ends) band <= band + 1'b1;
    end
  end

  // Sums over a block's row, then over its rows; of the blocks above, the whole sums stay.
  logic row_valid, row_first, row_last, sum_valid;
  logic [PLACE_BITS-1:0] row_place, row_band, sum_place, sum_band;
  logic signed [SUM_BITS-1:0] row_sum[2], here[2], above[2];
  logic [4*SUM_BITS-1:0] blocks[BLOCKS];  // above y, x; here y, x
  logic [4*SUM_BITS-1:0] stored;
  always_ff @(posedge clk) begin
    row_valid <= !rst && beat_valid && part_ends;
    sum_valid <= !rst && row_valid && row_last;
    if (beat_valid) begin
      for (int axis = 0; axis < 2; ++axis) row_sum[axis] <= part == 0 ? beat_sum[axis] : row_sum[axis] + beat_sum[axis];
      {row_first, row_last, row_place, row_band} <= {row == 0, &row, place, band};
      stored <= blocks[place];
    end
    {sum_place, sum_band} <= {row_place, row_band};
  end
  logic signed [SUM_BITS-1:0] summed[2];
  always_comb
    for (int axis = 0; axis < 2; ++axis)
      summed[axis] = row_first ? row_sum[axis] : row_sum[axis] + $signed(stored[axis*SUM_BITS+:SUM_BITS]);
  always_ff @(posedge clk)
    if (row_valid) begin
      blocks[row_place] <= row_last ? {summed[1], summed[0], summed[1], summed[0]} :
          {stored[2*SUM_BITS+:2*SUM_BITS], summed[1], summed[0]};
      for (int axis = 0; axis < 2; ++axis) begin
        here[axis]  <= summed[axis];
        above[axis] <= $signed(stored[(2+axis)*SUM_BITS+:SUM_BITS]);
      end
    end

  // About a corner of four blocks: from what was kept of the two to the left of it.
  logic signed [SUM_BITS:0] both[2], fall[2], left_both[2], left_fall[2];
  logic signed [TURN_BITS-1:0] turn, flow;
  logic corner_valid, corner_first, corner_last;
  always_comb
    for (int axis = 0; axis < 2; ++axis) begin
      both[axis] = (SUM_BITS + 1)'(here[axis]) + (SUM_BITS + 1)'(above[axis]);
      fall[axis] = (SUM_BITS + 1)'(here[axis]) - (SUM_BITS + 1)'(above[axis]);
    end
  always_ff @(posedge clk) begin
    corner_valid <= !rst && sum_valid && sum_place != 0 && sum_band != 0;
    corner_first <= sum_place == 1 && sum_band == 1;
    corner_last  <= &sum_place && &sum_band;
    if (sum_valid) begin
      for (int axis = 0; axis < 2; ++axis) begin
        left_both[axis] <= both[axis];
        left_fall[axis] <= fall[axis];
      end
      turn <= TURN_BITS'(both[1]) - TURN_BITS'(left_both[1]) - TURN_BITS'(fall[0]) - TURN_BITS'(left_fall[0]);
      flow <= TURN_BITS'(both[0]) - TURN_BITS'(left_both[0]) + TURN_BITS'(fall[1]) + TURN_BITS'(left_fall[1]);
    end
  end

  logic size_valid, size_first, size_last, summed_up;
  logic [TURN_BITS-1:0] turn_size, flow_size;
  logic [TOTAL_BITS-1:0] turns, flows;
  localparam int MORE_BITS = TOTAL_BITS + $clog2(contract_pkg::CURL_OF + 1);
  // Shifts and adds: no multiplier is spent on a constant.
  function automatic logic [MORE_BITS-1:0] scaled(input logic [TOTAL_BITS-1:0] sum, input int factor);
    scaled = '0;
    for (int bit_ = 0; bit_ < MORE_BITS - TOTAL_BITS; ++bit_)
      if (factor[bit_]) scaled = scaled + (MORE_BITS'(sum) << bit_);
  endfunction
  always_ff @(posedge clk) begin
    size_valid <= !rst && corner_valid;
    {size_first, size_last} <= {corner_first, corner_last};
    turn_size <= turn < 0 ? -turn : turn;
    flow_size <= flow < 0 ? -flow : flow;
    if (size_valid) begin
      turns <= (size_first ? '0 : turns) + TOTAL_BITS'(turn_size);
      flows <= (size_first ? '0 : flows) + TOTAL_BITS'(flow_size);
    end
    summed_up <= !rst && size_valid && size_last;
    done      <= !rst && summed_up;
    if (summed_up) curled <= scaled(turns, contract_pkg::CURL_OF) > scaled(flows, contract_pkg::CURL_MORE);
  end
endmodule
`default_nettype wire
