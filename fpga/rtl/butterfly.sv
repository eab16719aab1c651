// One level of a radix-2 transform, decimation in frequency, with delay feedback: N / 2^(LEVEL + 1) words of delay a
// lane.
//
// The first half of a block waits in the delay for the second; sums leave at once, differences take the freed places
// and leave, turned by their twiddle, while the next block's first half comes in or nothing does. Blocks of a line
// follow each other without a gap; lines may have gaps. Sums pass the multiplier too, times the exact 1, and so stay in
// step. Words grow by one bit, or are limited to the bits they have; products are rounded convergently, nothing else is.
//
// Every lane is a line of its own, or NEIGHBORS lanes have words of one line that are next to each other. Complex words
// are {imaginary, real}.
`default_nettype none
module butterfly #(
    parameter int SAMPLES = 1,
    parameter int SIZE = 128,        // N
    parameter int LEVEL = 0,
    parameter int IN_BITS = 19,      // bits of a component
    parameter bit INVERSE = 0,
    parameter int NEIGHBORS = 1,     // lanes of a line; the line's two halves meet in one lane
    parameter bit SATURATE = 0,
    parameter int OUT_BITS = SATURATE ? IN_BITS : IN_BITS + 1,
    parameter int TWIDDLE_BITS = contract_pkg::TWIDDLE_BITS,
    parameter int TWIDDLE_FRACTION = contract_pkg::TWIDDLE_FRACTION,
    parameter TWIDDLE_FILE = "twiddle.mem"
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic                         in_valid,
    input wire logic [SAMPLES*2*IN_BITS-1:0]   in_words,
    output     logic                         out_valid,
    output     logic [SAMPLES*2*OUT_BITS-1:0] out_words
);
  localparam int SPAN = SIZE >> (LEVEL + 1);  // words of half a block
  localparam int HALF = SPAN / NEIGHBORS;     // clocks
  localparam int BITS = OUT_BITS;
  localparam int PLACE_BITS = $clog2(2 * HALF);

  function automatic logic signed [BITS-1:0] limited(input logic signed [IN_BITS:0] value);
    limited = BITS'(value);
    if (SATURATE && value[IN_BITS] != value[IN_BITS-1]) limited = {value[IN_BITS], {(BITS - 1) {!value[IN_BITS]}}};
  endfunction
  // The least word has no opposite where words do not grow.
  function automatic logic signed [BITS-1:0] negated(input logic signed [BITS-1:0] value);
    negated = SATURATE && value == {1'b1, {(BITS - 1) {1'b0}}} ? {1'b0, {(BITS - 1) {1'b1}}} : -value;
  endfunction

  // Where in its block the arriving word is, and which difference leaves the delay.
  logic [PLACE_BITS-1:0] place, drained;
  logic second, draining;
  assign second = in_valid && place[PLACE_BITS-1];

  always_ff @(posedge clk) begin
    if (rst) begin
      place    <= '0;
      draining <= 1'b0;
      drained  <= '0;
    end else begin
      if (in_valid) place <= place + 1'b1;
      if (second && &place) begin
        draining <= 1'b1;
        drained  <= '0;
      end else if (draining) begin
        draining <= drained != PLACE_BITS'(HALF - 1);
        drained  <= drained + 1'b1;
      end
    end
  end

  logic leaving_valid, leaving_turned;
  logic [PLACE_BITS-1:0] leaving_place;
  always_ff @(posedge clk) begin
    leaving_valid  <= !rst && (second || draining);
    leaving_turned <= !second;
    leaving_place  <= drained;
  end

  logic [SAMPLES*2*BITS-1:0] leaving;
  generate
    for (genvar part = 0; part < 2 * SAMPLES; ++part) begin : g_feedback
      logic signed [IN_BITS:0] arriving, held;
      logic signed [BITS-1:0] waiting, entering;
      assign arriving = (IN_BITS + 1)'($signed(in_words[part*IN_BITS+:IN_BITS]));
      assign held     = (IN_BITS + 1)'(waiting);
      always_ff @(posedge clk) begin
        entering                 <= second ? limited(held - arriving) : BITS'(arriving);
        leaving[part*BITS+:BITS] <= second ? limited(held + arriving) : waiting;
      end
      // The register before it is the first clock of the delay.
      delay #(.BITS(BITS), .CLOCKS(HALF - 1)) feedback (.clk, .in_word(entering), .out_word(waiting));
    end

    if (SPAN == 1) begin : g_no_turn
      assign out_valid = leaving_valid;
      assign out_words = leaving;
    end else if (SPAN == 2) begin : g_quarter_turn
      // The twiddles are 1 and -i (i in the inverse transform): exact without a multiplier.
      for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
        logic quarter;
        logic signed [BITS-1:0] re, im;
        assign quarter = leaving_turned && (NEIGHBORS == 1 ? leaving_place[0] : lane % 2 == 1);
        assign re = $signed(leaving[(2*lane)*BITS+:BITS]);
        assign im = $signed(leaving[(2*lane+1)*BITS+:BITS]);
        always_ff @(posedge clk) begin
          out_words[(2*lane)*BITS+:BITS]   <= !quarter ? re : INVERSE ? negated(im) : im;
          out_words[(2*lane+1)*BITS+:BITS] <= !quarter ? im : INVERSE ? re : negated(re);
        end
      end
      always_ff @(posedge clk) out_valid <= !rst && leaving_valid;
    end else begin : g_turn
      localparam int ADDRESS_BITS = $clog2(SIZE / 2);
      localparam int PRODUCT_BITS = BITS + TWIDDLE_BITS;
      // The words wait two clocks for the ROM.
      logic [SAMPLES*2*BITS-1:0] meeting;
      logic meeting_turned;
      delay #(.BITS(SAMPLES * 2 * BITS + 1), .CLOCKS(2)) wait_for_rom (
          .clk, .in_word({leaving_turned, leaving}), .out_word({meeting_turned, meeting})
      );
      logic [SAMPLES*2*BITS-1:0] factored;
      always_ff @(posedge clk) factored <= meeting;

      logic [NEIGHBORS*2*TWIDDLE_BITS-1:0] factors;
      for (genvar neighbor = 0; neighbor < NEIGHBORS; ++neighbor) begin : g_factor
        logic [2*TWIDDLE_BITS-1:0] twiddle, unused_twiddle;
        rom #(.BITS(2 * TWIDDLE_BITS), .DEPTH(SIZE / 2), .FILE(TWIDDLE_FILE)) twiddles (
            .clk,
            .address_a(ADDRESS_BITS'((32'(leaving_place) * NEIGHBORS + neighbor) << LEVEL)),
            .word_a(twiddle),
            .address_b('0),
            .word_b(unused_twiddle)
        );
        always_ff @(posedge clk) begin
          factors[2*neighbor*TWIDDLE_BITS+:TWIDDLE_BITS] <=
              meeting_turned ? twiddle[0+:TWIDDLE_BITS] : TWIDDLE_BITS'(1 << TWIDDLE_FRACTION);
          factors[(2*neighbor+1)*TWIDDLE_BITS+:TWIDDLE_BITS] <=
              !meeting_turned ? '0
              : INVERSE ? -twiddle[TWIDDLE_BITS+:TWIDDLE_BITS]
              : twiddle[TWIDDLE_BITS+:TWIDDLE_BITS];
        end
      end

      for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
        logic signed [TWIDDLE_BITS-1:0] factor_re, factor_im;
        assign factor_re = $signed(factors[2*(lane%NEIGHBORS)*TWIDDLE_BITS+:TWIDDLE_BITS]);
        assign factor_im = $signed(factors[(2*(lane%NEIGHBORS)+1)*TWIDDLE_BITS+:TWIDDLE_BITS]);
        logic signed [BITS-1:0] re, im;
        logic signed [PRODUCT_BITS-1:0] re_re, im_im, re_im, im_re;
        logic signed [PRODUCT_BITS:0] turned_re, turned_im;
        assign re = $signed(factored[(2*lane)*BITS+:BITS]);
        assign im = $signed(factored[(2*lane+1)*BITS+:BITS]);
        always_ff @(posedge clk) begin
          re_re     <= re * factor_re;
          im_im     <= im * factor_im;
          re_im     <= re * factor_im;
          im_re     <= im * factor_re;
          turned_re <= re_re - im_im;
          turned_im <= re_im + im_re;
        end
        shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(BITS), .FIXED(TWIDDLE_FRACTION), .SATURATE(SATURATE)) round_re (
            .clk, .value(turned_re), .shift('0), .rounded(out_words[(2*lane)*BITS+:BITS])
        );
        shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(BITS), .FIXED(TWIDDLE_FRACTION), .SATURATE(SATURATE)) round_im (
            .clk, .value(turned_im), .shift('0), .rounded(out_words[(2*lane+1)*BITS+:BITS])
        );
      end
      // ROM 2, factor 1, product 1, sum 1, rounding 2.
      pipeline_valid #(.CLOCKS(7)) valid_pipeline (.clk, .rst, .in_valid(leaving_valid), .out_valid);
    end
  endgenerate
endmodule
`default_nettype wire
