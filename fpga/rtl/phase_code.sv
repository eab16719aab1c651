// Words of the last pass to phase, and phase to the network's codes.
//
// phase = saturate(word * GAIN * 2^(exponent - SHIFT)), convergently; code = (phase + OFFSET) / 2^CODE_SHIFT,
// convergently, limited to 0 ... 2^CODE_BITS - 1. Latency: 5 clocks for the phase, 8 for the code.
`default_nettype none
module phase_code #(
    parameter int IN_BITS = contract_pkg::WORD_BITS,
    parameter int EXPONENT_BITS = 6,
    // Largest sum of a frame's exponents.
    parameter int EXPONENT_MAX = 0,
    parameter int GAIN = contract_pkg::PHASE_GAIN,
    parameter int GAIN_BITS = contract_pkg::GAIN_BITS,
    parameter int SHIFT = contract_pkg::PHASE_SHIFT,
    parameter int PHASE_BITS = contract_pkg::PHASE_BITS,
    parameter int OFFSET = contract_pkg::PHASE_CODE_OFFSET,
    parameter int CODE_SHIFT = contract_pkg::PHASE_CODE_SHIFT,
    parameter int CODE_BITS = contract_pkg::PIXEL_BITS
) (
    input wire logic                            clk,
    input wire logic signed [      IN_BITS-1:0] word,
    input wire logic        [EXPONENT_BITS-1:0] exponent,
    output     logic signed [   PHASE_BITS-1:0] phase,
    output     logic        [    CODE_BITS-1:0] code
);
  // Exponents beyond the shift would be shifts to the left: the product is that much further left from the beginning.
  localparam int LEFT = EXPONENT_MAX > SHIFT ? EXPONENT_MAX - SHIFT : 0;
  localparam int PRODUCT_BITS = IN_BITS + GAIN_BITS + 1 + LEFT;

  logic signed [IN_BITS+GAIN_BITS:0] product;
  logic [5:0] shift;
  always_ff @(posedge clk) begin
    product <= word * $signed((GAIN_BITS + 1)'(GAIN));
    shift   <= 6'(SHIFT + LEFT) - 6'(exponent);
  end
  shift_round #(.IN_BITS(PRODUCT_BITS), .OUT_BITS(PHASE_BITS)) scale (
      .clk, .value(PRODUCT_BITS'(product) <<< LEFT), .shift, .rounded(phase)
  );

  logic signed [PHASE_BITS:0] raised;
  logic signed [CODE_BITS:0] shade;
  always_ff @(posedge clk) raised <= phase + $signed((PHASE_BITS + 1)'(OFFSET));
  shift_round #(.IN_BITS(PHASE_BITS + 1), .OUT_BITS(CODE_BITS + 1), .FIXED(CODE_SHIFT)) quantize (
      .clk, .value(raised), .shift('0), .rounded(shade)
  );
  assign code = shade < 0 ? '0 : shade[CODE_BITS-1:0];
endmodule
`default_nettype wire
