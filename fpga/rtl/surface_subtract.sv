// Columns less the surface: words - polynomial / 2^(fraction + exponent), rounded convergently, then saturated.
//
// Latency: 7 clocks.
`default_nettype none
module surface_subtract #(
    parameter int SAMPLES = 1,
    parameter int BITS = contract_pkg::WORD_BITS,  // of a component
    parameter int POLYNOMIAL_BITS = 60,
    parameter int POLYNOMIAL_FRACTION = contract_pkg::COEFFICIENT_FRACTION + contract_pkg::TWIDDLE_FRACTION,
    parameter int EXPONENT_BITS = 6
) (
    input wire logic                               clk,
    input wire logic                               rst,
    input wire logic                               in_valid,
    input wire logic                               in_first,     // first word of columns
    input wire logic [           SAMPLES*2*BITS-1:0] in_words,
    input wire logic [          EXPONENT_BITS-1:0] in_exponent,  // with the first word
    input wire logic [SAMPLES*6*POLYNOMIAL_BITS-1:0] polynomials,  // a lane: start, step, bend (real), then imaginary
    output     logic                               out_valid,
    output     logic [           SAMPLES*2*BITS-1:0] out_words
);
  // One bit more than a saturated difference can tell apart.
  localparam int SURFACE_BITS = BITS + 2;

  logic [SAMPLES*2*BITS-1:0] words;
  logic [5:0] shift;
  delay #(.BITS(SAMPLES * 2 * BITS), .CLOCKS(5)) beside_surface (.clk, .in_word(in_words), .out_word(words));
  pipeline_valid #(.CLOCKS(7)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  always_ff @(posedge clk) if (in_valid && in_first) shift <= 6'(POLYNOMIAL_FRACTION) + 6'(in_exponent);

  generate
    for (genvar part = 0; part < 2 * SAMPLES; ++part) begin : g_part
      logic signed [POLYNOMIAL_BITS-1:0] value, step, bend;
      logic signed [SURFACE_BITS-1:0] surface;
      logic signed [SURFACE_BITS:0] difference;
      logic fits;
      always_ff @(posedge clk) begin
        if (in_valid && in_first) begin
          {bend, step, value} <= polynomials[part*3*POLYNOMIAL_BITS+:3*POLYNOMIAL_BITS];
        end else begin
          value <= value + step;
          step  <= step + bend;
        end
      end
      shift_round #(.IN_BITS(POLYNOMIAL_BITS), .OUT_BITS(SURFACE_BITS)) round (
          .clk, .value, .shift, .rounded(surface)
      );
      assign fits = &difference[SURFACE_BITS:BITS-1] || ~|difference[SURFACE_BITS:BITS-1];
      always_ff @(posedge clk) begin
        difference <= $signed(words[part*BITS+:BITS]) - surface;
        out_words[part*BITS+:BITS] <=
            fits ? difference[BITS-1:0] : {difference[SURFACE_BITS], {(BITS - 1) {~difference[SURFACE_BITS]}}};
      end
    end
  endgenerate
endmodule
`default_nettype wire
