// Sums of products with constants, and a bias: convolution of windows, dense layer, factor of each channel.
//
// A beat stands for REUSE * SLICES clocks while OUTPUTS / REUSE outputs are made at a time, each of SLICES parts: so no
// selector stands ahead of the multipliers but for slices, and weights are one ROM word a clock. A dense layer over a
// map takes BEATS beats, its pixels, and keeps a sum for each output meanwhile.
//
// Words of ROM: outputs made together, the first in the lowest bits, of each the weights in the order of what enters;
// addresses count slices, then groups of outputs, then beats. Biases lie apart, in steps of the sum.
// DEPTHWISE: output i sees value i of each OUTPUTS that enter. PAIRS: weights of odd outputs as multiply_pair says.
`default_nettype none
module weighted_sums #(
    parameter int LANES = 1,            // pixels of a beat, each by itself
    parameter int VALUES = 9,           // of a lane
    parameter int IN_BITS = 8,
    parameter bit IN_SIGNED = 1,
    parameter int OUTPUTS = 4,          // of a lane
    parameter bit DEPTHWISE = 0,
    parameter int REUSE = 1,            // divides OUTPUTS
    parameter int SLICES = 1,           // divides VALUES; 1 where DEPTHWISE
    parameter int BEATS = 1,            // of a sum; LANES is 1 where there are several
    parameter bit PAIRS = 0,            // two outputs share a multiplier: OUTPUTS / REUSE is even, not DEPTHWISE
    parameter int WEIGHT_BITS = 8,
    parameter int SUM_SHIFT = 0,        // zeros that are appended to sums of products
    parameter int SUM_BITS = 20,
    parameter bit SUM_SIGNED = 1,
    parameter bit ROUNDS = 1,           // what follows is as in round_word; else sums leave as they are
    parameter int SHIFT = 4,
    parameter int ROUNDING = 2,
    parameter int OVERFLOW = 1,
    parameter int OUT_BITS = 8,
    parameter bit OUT_SIGNED = 1,
    parameter int DEPTH = 16,           // of the queue behind, a power of two
    parameter WEIGHTS = "weights.mem",
    parameter BIASES = "biases.mem"
) (
    input wire logic                              clk,
    input wire logic                              rst,
    input wire logic                              in_valid,
    output     logic                              in_ready,
    input wire logic [  LANES*VALUES*IN_BITS-1:0] in_words,
    output     logic                              out_valid,
    input wire logic                              out_ready,
    output     logic [LANES*OUTPUTS*OUT_BITS-1:0] out_words
);
  localparam int TOGETHER = OUTPUTS / REUSE;
  localparam int TERMS = (DEPTHWISE ? VALUES / OUTPUTS : VALUES) / SLICES;
  localparam int ADDRESSES = BEATS * REUSE * SLICES;
  localparam int VALUE_BITS = IN_SIGNED ? IN_BITS : IN_BITS + 1;
  localparam int PRODUCT_BITS = VALUE_BITS + WEIGHT_BITS;
  localparam int TREE_CLOCKS = ($clog2(TERMS) + 1) / 2;
  localparam int GROUP_BITS = $clog2(REUSE + 1);

  // Issue: a step a clock. The last beat's first step reserves the place of what will come of it.
  logic [$clog2(ADDRESSES+1)-1:0] address;
  logic [$clog2(BEATS+1)-1:0] beat;
  logic [GROUP_BITS-1:0] group;
  logic [$clog2(SLICES+1)-1:0] slice;
  logic go, first_step, last_slice, last_group, last_beat, available;
  assign last_slice = 32'(slice) == SLICES - 1;
  assign last_group = 32'(group) == REUSE - 1;
  assign last_beat  = 32'(beat) == BEATS - 1;
  assign first_step = slice == 0 && group == 0;
  assign go = in_valid && (available || !(first_step && last_beat));
  assign in_ready = go && last_slice && last_group;

  always_ff @(posedge clk) begin
    if (rst) begin
      address <= '0;
      beat    <= '0;
      group   <= '0;
      slice   <= '0;
    end else if (go) begin
      address <= 32'(address) == ADDRESSES - 1 ? '0 : address + 1'b1;
      slice   <= last_slice ? '0 : slice + 1'b1;
      if (last_slice) group <= last_group ? '0 : group + 1'b1;
      if (last_slice && last_group) beat <= last_beat ? '0 : beat + 1'b1;
    end
  end

  // Values and weights, a clock later; products, two more; their sum.
  logic [TOGETHER*TERMS*WEIGHT_BITS-1:0] weights;
  logic [LANES*TOGETHER*TERMS*PRODUCT_BITS-1:0] products;
  logic [LANES*TOGETHER*SUM_BITS-1:0] dots;
  weight_rom #(.BITS(TOGETHER * TERMS * WEIGHT_BITS), .DEPTH(ADDRESSES), .FILE(WEIGHTS)) weight_words (
      .clk, .address, .word(weights)
  );
  generate
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
      // Parts are chosen case by case: a part that is told by a product would take a multiplier and a shifter.
      logic [TERMS*IN_BITS-1:0] shared, of_slice;
      always_comb begin
        of_slice = '0;
        for (int s = 0; s < SLICES; ++s)
          if (32'(slice) == s) of_slice = in_words[(lane*VALUES+s*TERMS)*IN_BITS+:TERMS*IN_BITS];
      end
      always_ff @(posedge clk) shared <= of_slice;
      for (genvar g = 0; g < TOGETHER; ++g) begin : g_output
        logic [TERMS*IN_BITS-1:0] values;
        if (DEPTHWISE) begin : g_own
          for (genvar t = 0; t < TERMS; ++t) begin : g_value
            logic [IN_BITS-1:0] of_group;
            always_comb begin
              of_group = '0;
              for (int r = 0; r < REUSE; ++r)
                if (32'(group) == r) of_group = in_words[(lane*VALUES+t*OUTPUTS+r*TOGETHER+g)*IN_BITS+:IN_BITS];
            end
            always_ff @(posedge clk) values[t*IN_BITS+:IN_BITS] <= of_group;
          end
        end else begin : g_all
          assign values = shared;
        end
        for (genvar t = 0; t < TERMS; ++t) begin : g_product
          localparam int PLACE = ((lane * TOGETHER + g) * TERMS + t) * PRODUCT_BITS;
          localparam int NEXT = PLACE + TERMS * PRODUCT_BITS;
          logic signed [VALUE_BITS-1:0] value;
          logic signed [WEIGHT_BITS-1:0] weight;
          assign value  = VALUE_BITS'(values[t*IN_BITS+:IN_BITS]);
          assign weight = $signed(weights[(g*TERMS+t)*WEIGHT_BITS+:WEIGHT_BITS]);
          if (!PAIRS) begin : g_single
            logic signed [PRODUCT_BITS-1:0] product;
            always_ff @(posedge clk) begin
              product <= value * weight;
              products[PLACE+:PRODUCT_BITS] <= product;
            end
          end else if (g % 2 == 0) begin : g_pair
            multiply_pair #(.VALUE_BITS(VALUE_BITS), .WEIGHT_BITS(WEIGHT_BITS)) multiply (
                .clk, .value, .low_weight(weight), .high_weight(weights[((g+1)*TERMS+t)*WEIGHT_BITS+:WEIGHT_BITS]),
                .low_product(products[PLACE+:PRODUCT_BITS]), .high_product(products[NEXT+:PRODUCT_BITS])
            );
          end
        end
        adder_tree #(.COUNT(TERMS), .IN_BITS(PRODUCT_BITS), .OUT_BITS(SUM_BITS)) tree (
            .clk, .terms(products[(lane*TOGETHER+g)*TERMS*PRODUCT_BITS+:TERMS*PRODUCT_BITS]),
            .sum(dots[(lane*TOGETHER+g)*SUM_BITS+:SUM_BITS])
        );
      end
    end
  endgenerate

  // Beside the sums: whether there are any, of which outputs, and whether they start or end one. Biases are read then.
  logic tree_valid, tree_starts, tree_ends, tree_last;
  logic [GROUP_BITS-1:0] bias_group, tree_group;
  logic [TOGETHER*SUM_BITS-1:0] biases;
  pipeline_valid #(.CLOCKS(3 + TREE_CLOCKS)) valid_pipeline (.clk, .rst, .in_valid(go), .out_valid(tree_valid));
  delay #(.BITS(GROUP_BITS), .CLOCKS(2 + TREE_CLOCKS)) group_delay (.clk, .in_word(group), .out_word(bias_group));
  delay #(.BITS(3), .CLOCKS(3 + TREE_CLOCKS)) step_delay (
      .clk, .in_word({slice == 0 && beat == 0, last_slice && last_beat, last_group}),
      .out_word({tree_starts, tree_ends, tree_last})
  );
  weight_rom #(.BITS(TOGETHER * SUM_BITS), .DEPTH(REUSE), .FILE(BIASES)) bias_words (
      .clk, .address(bias_group), .word(biases)
  );
  always_ff @(posedge clk) tree_group <= bias_group;

  // The whole sums.
  logic [LANES*TOGETHER*SUM_BITS-1:0] sums;
  logic sums_valid, sums_last;
  always_ff @(posedge clk) begin
    sums_valid <= !rst && tree_valid && tree_ends;
    sums_last  <= tree_last;
  end
  generate
    for (genvar i = 0; i < LANES * TOGETHER; ++i) begin : g_sum
      logic [SUM_BITS-1:0] sum, start;
      if (BEATS * SLICES == 1) begin : g_at_once
        assign start = biases[(i%TOGETHER)*SUM_BITS+:SUM_BITS];
      end else begin : g_by_parts
        logic [SUM_BITS-1:0] parts[REUSE];
        assign start = tree_starts ? biases[(i%TOGETHER)*SUM_BITS+:SUM_BITS] : parts[tree_group];
        always_ff @(posedge clk) if (tree_valid) parts[tree_group] <= sum;
      end
      assign sum = start + (dots[i*SUM_BITS+:SUM_BITS] << SUM_SHIFT);
      always_ff @(posedge clk) sums[i*SUM_BITS+:SUM_BITS] <= sum;
    end
  endgenerate

  // Words of the outputs, gathered to a pixel.
  logic [LANES*TOGETHER*OUT_BITS-1:0] words;
  logic words_valid, words_last;
  logic [LANES*OUTPUTS*OUT_BITS-1:0] pixel;
  always_ff @(posedge clk) begin
    words_valid <= !rst && sums_valid;
    words_last  <= sums_last;
  end
  generate
    for (genvar i = 0; i < LANES * TOGETHER; ++i) begin : g_word
      logic [OUT_BITS-1:0] word;
      if (ROUNDS) begin : g_round
        round_word #(
            .IN_BITS(SUM_BITS), .IN_SIGNED(SUM_SIGNED), .SHIFT(SHIFT), .ROUNDING(ROUNDING),
            .OVERFLOW(OVERFLOW), .OUT_BITS(OUT_BITS), .OUT_SIGNED(OUT_SIGNED)
        ) round (.in_word(sums[i*SUM_BITS+:SUM_BITS]), .out_word(word));
      end else begin : g_whole
        assign word = sums[i*SUM_BITS+:SUM_BITS];
      end
      always_ff @(posedge clk) words[i*OUT_BITS+:OUT_BITS] <= word;
    end
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_gather
      localparam int GROUP = TOGETHER * OUT_BITS;
      logic [OUTPUTS*OUT_BITS-1:0] whole;
      assign pixel[lane*OUTPUTS*OUT_BITS+:OUTPUTS*OUT_BITS] = whole;
      if (REUSE == 1) begin : g_at_once
        assign whole = words[lane*GROUP+:GROUP];
      end else begin : g_in_turn
        logic [(REUSE-1)*GROUP-1:0] earlier;
        assign whole = {words[lane*GROUP+:GROUP], earlier};
        always_ff @(posedge clk) if (words_valid) earlier <= whole[OUTPUTS*OUT_BITS-1:GROUP];
      end
    end
  endgenerate
  reserved_queue #(.BITS(LANES * OUTPUTS * OUT_BITS), .DEPTH(DEPTH)) queue (
      .clk, .rst, .reserve(go && first_step && last_beat), .available, .in_valid(words_valid && words_last),
      .in_words(pixel), .out_valid, .out_ready, .out_words
  );
endmodule
`default_nettype wire
