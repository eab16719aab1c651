// Two products of one value by one multiplier, two clocks later: of a weight of 8 bits each, 25 by 9 bits.
//
// The weights lie side by side, PRODUCT_BITS apart, in one factor; `high_weight` is one less where `low_weight` is
// below zero, so that side by side they are the sum of both. Half of the lower field's range, added to the product,
// makes both fields exact: the upper one no longer borrows, the lower one has its highest bit inverted.
`default_nettype none
module multiply_pair #(
    parameter int VALUE_BITS = 9,
    parameter int WEIGHT_BITS = 8,
    parameter int PRODUCT_BITS = VALUE_BITS + WEIGHT_BITS
) (
    input wire logic                           clk,
    input wire logic signed [  VALUE_BITS-1:0] value,
    input wire logic        [ WEIGHT_BITS-1:0] low_weight,
    input wire logic        [ WEIGHT_BITS-1:0] high_weight,
    output     logic        [PRODUCT_BITS-1:0] low_product,
    output     logic        [PRODUCT_BITS-1:0] high_product
);
  localparam int FACTOR_BITS = PRODUCT_BITS + WEIGHT_BITS;
  localparam int BOTH_BITS = 2 * PRODUCT_BITS;
  localparam logic signed [BOTH_BITS-1:0] HALF = BOTH_BITS'(1) << (PRODUCT_BITS - 1);
  logic signed [FACTOR_BITS-1:0] factor;
  logic signed [BOTH_BITS-1:0] product, both;
  assign factor = {high_weight, {VALUE_BITS{low_weight[WEIGHT_BITS-1]}}, low_weight};
  always_ff @(posedge clk) begin
    product <= factor * value;
    both    <= product + HALF;
  end
  assign low_product  = {!both[PRODUCT_BITS-1], both[PRODUCT_BITS-2:0]};
  assign high_product = both[BOTH_BITS-1:PRODUCT_BITS];
endmodule
`default_nettype wire
