// Phase gradient along one axis: half the logarithm of the intensity ratio, g = saturate(log2(plus) - log2(minus)) *
// gain.
//
// log2(x) = e + ROM[m]: e is the position of the leading one and m the bits behind it, rounded convergently to the ROM's
// address bits; an m that rounds up to 1 carries into e. A dark pixel, x = 0, counts as one half. Latency: 10 clocks.
`default_nettype none
module gradient #(
    parameter int IN_BITS = contract_pkg::BINNED_BITS,
    parameter int ADDRESS_BITS = contract_pkg::LOG_ADDRESS_BITS,
    parameter int FRACTION_BITS = contract_pkg::LOG_FRACTION_BITS,
    parameter int OUT_BITS = contract_pkg::GRADIENT_BITS,
    parameter int GAIN = contract_pkg::GRADIENT_GAIN_X,  // steps of 2^-GAIN_FRACTION
    parameter int GAIN_BITS = contract_pkg::TWIDDLE_BITS,
    parameter int GAIN_FRACTION = contract_pkg::TWIDDLE_FRACTION
) (
    input wire logic                       clk,
    input wire logic        [ IN_BITS-1:0] plus,
    input wire logic        [ IN_BITS-1:0] minus,
    output     logic signed [OUT_BITS-1:0] gradient
);
  localparam int EXPONENT_BITS = 6;
  localparam int LOG_BITS = FRACTION_BITS + EXPONENT_BITS;
  localparam int POINT = IN_BITS - 1;  // bits behind the leading one
  localparam int CUT = POINT - ADDRESS_BITS;  // of these, beyond the ROM's address
  localparam int PLACE_BITS = EXPONENT_BITS + ADDRESS_BITS;

  logic [2*ADDRESS_BITS-1:0] addresses;
  logic [2*FRACTION_BITS-1:0] fractions;
  logic [2*LOG_BITS-1:0] logs;
  generate
    for (genvar side = 0; side < 2; ++side) begin : g_side
      logic [IN_BITS-1:0] value, found, aligned;
      logic signed [EXPONENT_BITS-1:0] position, exponent, waited;
      logic [PLACE_BITS-1:0] kept, place;  // exponent and address as one number, so that rounding up carries
      logic up;
      assign value = side == 0 ? plus : minus;
      always_comb begin
        position = -1;
        for (int bit_ = 0; bit_ < IN_BITS; ++bit_) if (value[bit_]) position = EXPONENT_BITS'(bit_);
      end
      assign aligned = exponent < 0 ? '0 : found << (EXPONENT_BITS'(POINT) - exponent);
      assign kept = {exponent, aligned[POINT-1-:ADDRESS_BITS]};
      if (CUT == 0) begin : g_whole
        assign up = 1'b0;
      end else if (CUT == 1) begin : g_tie
        assign up = aligned[0] && kept[0];
      end else begin : g_round
        assign up = aligned[CUT-1] && (|aligned[CUT-2:0] || kept[0]);
      end
      delay #(.BITS(EXPONENT_BITS), .CLOCKS(2)) beside_rom (
          .clk, .in_word(place[PLACE_BITS-1:ADDRESS_BITS]), .out_word(waited)
      );
      assign addresses[side*ADDRESS_BITS+:ADDRESS_BITS] = place[ADDRESS_BITS-1:0];
      always_ff @(posedge clk) begin
        found    <= value;
        exponent <= position;
        place    <= kept + PLACE_BITS'(up);
        logs[side*LOG_BITS+:LOG_BITS] <= {waited, fractions[side*FRACTION_BITS+:FRACTION_BITS]};
      end
    end
  endgenerate
  rom #(.BITS(FRACTION_BITS), .DEPTH(1 << ADDRESS_BITS), .FILE("log_fraction.mem")) log_rom (
      .clk,
      .address_a(addresses[0+:ADDRESS_BITS]),
      .word_a(fractions[0+:FRACTION_BITS]),
      .address_b(addresses[ADDRESS_BITS+:ADDRESS_BITS]),
      .word_b(fractions[FRACTION_BITS+:FRACTION_BITS])
  );

  logic signed [LOG_BITS:0] difference;
  logic signed [OUT_BITS-1:0] ratio;
  logic signed [OUT_BITS+GAIN_BITS-1:0] product;
  logic fits;
  assign fits = &difference[LOG_BITS:OUT_BITS-1] || ~|difference[LOG_BITS:OUT_BITS-1];
  always_ff @(posedge clk) begin
    difference <= $signed(logs[0+:LOG_BITS]) - $signed(logs[LOG_BITS+:LOG_BITS]);
    ratio <= fits ? difference[OUT_BITS-1:0] : {difference[LOG_BITS], {(OUT_BITS - 1) {~difference[LOG_BITS]}}};
    product <= ratio * $signed(GAIN_BITS'(GAIN));
  end
  shift_round #(.IN_BITS(OUT_BITS + GAIN_BITS), .OUT_BITS(OUT_BITS), .FIXED(GAIN_FRACTION)) round (
      .clk, .value(product), .shift('0), .rounded(gradient)
  );
endmodule
`default_nettype wire
