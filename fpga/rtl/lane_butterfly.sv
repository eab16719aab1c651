// One of the last levels of a transform whose words come side by side: both halves of a block are in one clock.
//
// A block is 2 SPAN lanes. With two words a half the twiddles are 1 and -i (i in the inverse transform), with one it is
// 1: exact without a multiplier. Words grow by one bit or are limited to the bits they have. Latency: 2 clocks.
`default_nettype none
module lane_butterfly #(
    parameter int SAMPLES = 2,
    parameter int SPAN = 1,        // 1 or 2
    parameter int IN_BITS = 19,    // bits of a component
    parameter bit INVERSE = 0,
    parameter bit SATURATE = 0,
    parameter int OUT_BITS = SATURATE ? IN_BITS : IN_BITS + 1
) (
    input wire logic                          clk,
    input wire logic                          rst,
    input wire logic                          in_valid,
    input wire logic [ SAMPLES*2*IN_BITS-1:0] in_words,
    output     logic                          out_valid,
    output     logic [SAMPLES*2*OUT_BITS-1:0] out_words
);
  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (SPAN != 1 && SPAN != 2) begin : g_check
      SPAN_must_be_1_or_2 stop ();
    end
  endgenerate

  function automatic logic signed [OUT_BITS-1:0] limited(input logic signed [IN_BITS:0] value);
    limited = OUT_BITS'(value);
    if (SATURATE && value[IN_BITS] != value[IN_BITS-1]) limited = {value[IN_BITS], {(OUT_BITS - 1) {!value[IN_BITS]}}};
  endfunction
  function automatic logic signed [OUT_BITS-1:0] negated(input logic signed [OUT_BITS-1:0] value);
    negated = SATURATE && value == {1'b1, {(OUT_BITS - 1) {1'b0}}} ? {1'b0, {(OUT_BITS - 1) {1'b1}}} : -value;
  endfunction

  pipeline_valid #(.CLOCKS(2)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      localparam bit LOWER = (lane / SPAN) % 2 == 1;  // differences leave here
      localparam int UPPER_LANE = LOWER ? lane - SPAN : lane;
      localparam bit QUARTER = LOWER && lane % SPAN == 1;
      logic signed [OUT_BITS-1:0] re, im;
      for (genvar part = 0; part < 2; ++part) begin : g_part
        logic signed [IN_BITS:0] upper, lower;
        logic signed [OUT_BITS-1:0] met;
        assign upper = (IN_BITS + 1)'($signed(in_words[(2*UPPER_LANE+part)*IN_BITS+:IN_BITS]));
        assign lower = (IN_BITS + 1)'($signed(in_words[(2*(UPPER_LANE+SPAN)+part)*IN_BITS+:IN_BITS]));
        always_ff @(posedge clk) met <= limited(LOWER ? upper - lower : upper + lower);
      end
      assign re = g_part[0].met;
      assign im = g_part[1].met;
      always_ff @(posedge clk) begin
        out_words[(2*lane)*OUT_BITS+:OUT_BITS]   <= !QUARTER ? re : INVERSE ? negated(im) : im;
        out_words[(2*lane+1)*OUT_BITS+:OUT_BITS] <= !QUARTER ? im : INVERSE ? re : negated(re);
      end
    end
  endgenerate
endmodule
`default_nettype wire
