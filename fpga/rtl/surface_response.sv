// The downward recursion's answer to a surface's line, of one column after the other: alpha and beta of both parts.
//
//   beta = saturate(B r >> BETA_SHIFT)     alpha = saturate((A << RISE) - beta) r >> ALPHA_SHIFT),   r = 1 / (1 - a)
// Shifts round convergently (model/contract/recursion.py, item 7). Latency: 9 clocks.
module surface_response #(
    parameter int SIZE = contract_pkg::SIZE,
    parameter int LANES = 1,
    parameter int SLOTS = SIZE / 2 / LANES,
    parameter int LINE_BITS = contract_pkg::LINE_BITS,
    parameter int STATE_BITS = contract_pkg::STATE_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS,
    parameter int RISE = contract_pkg::RESPONSE_FRACTION - contract_pkg::LINE_CONSTANT_FRACTION,
    parameter int BETA_SHIFT =
        contract_pkg::RECIPROCAL_FRACTION + contract_pkg::LINE_SLOPE_FRACTION - contract_pkg::RESPONSE_FRACTION,
    parameter int ALPHA_SHIFT =
        contract_pkg::RECIPROCAL_FRACTION + contract_pkg::RESPONSE_FRACTION - contract_pkg::STATE_FRACTION
) (
    input  logic                                clk,
    input  logic [                   LANES-1:0] lane,     // one of them
    input  logic [           $clog2(SLOTS)-1:0] slot,
    input  logic [             4*LINE_BITS-1:0] line,     // A real, imaginary, B real, imaginary
    output logic [2*(STATE_BITS+LINE_BITS)-1:0] response  // alpha real, imaginary, beta real, imaginary
);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int K_BITS = $clog2(SIZE / 2);
  localparam int REST_BITS = LINE_BITS + RISE + 1;

  logic [K_BITS-1:0] k;
  logic signed [FACTOR_BITS-1:0] r, r_6;
  logic [FACTOR_BITS-1:0] unused_r;
  always_comb begin
    k = '0;
    for (int i = 0; i < LANES; ++i) if (lane[i]) k = K_BITS'(i * SLOTS);
    for (int i = 0; i < SLOT_BITS; ++i) k[i] = slot[SLOT_BITS-1-i];
  end
  rom #(.BITS(FACTOR_BITS), .DEPTH(SIZE / 2 - 1), .FILE("reciprocal.mem")) reciprocals (
      .clk, .address_a(k == 0 ? '0 : k - 1'b1), .word_a(r), .address_b('0), .word_b(unused_r)
  );
  delay #(.BITS(FACTOR_BITS), .CLOCKS(4)) beside_beta (.clk, .in_word(r), .out_word(r_6));

  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      logic signed [LINE_BITS-1:0] slope, constant, beta;
      logic signed [LINE_BITS+FACTOR_BITS-1:0] rise;
      logic signed [REST_BITS-1:0] rest;
      logic signed [REST_BITS+FACTOR_BITS-1:0] level;
      delay #(.BITS(LINE_BITS), .CLOCKS(2)) beside_r (
          .clk, .in_word(line[(2+part)*LINE_BITS+:LINE_BITS]), .out_word(slope)
      );
      delay #(.BITS(LINE_BITS), .CLOCKS(5)) beside_rise (
          .clk, .in_word(line[part*LINE_BITS+:LINE_BITS]), .out_word(constant)
      );
      shift_round #(.IN_BITS(LINE_BITS + FACTOR_BITS), .OUT_BITS(LINE_BITS), .FIXED(BETA_SHIFT)) to_beta (
          .clk, .value(rise), .shift('0), .rounded(beta)
      );
      always_ff @(posedge clk) begin
        rise  <= slope * r;
        rest  <= (REST_BITS'(constant) <<< RISE) - REST_BITS'(beta);
        level <= rest * r_6;
      end
      shift_round #(.IN_BITS(REST_BITS + FACTOR_BITS), .OUT_BITS(STATE_BITS), .FIXED(ALPHA_SHIFT)) to_alpha (
          .clk, .value(level), .shift('0), .rounded(response[part*STATE_BITS+:STATE_BITS])
      );
      delay #(.BITS(LINE_BITS), .CLOCKS(4)) beside_alpha (
          .clk, .in_word(beta), .out_word(response[2*STATE_BITS+part*LINE_BITS+:LINE_BITS])
      );
    end
  endgenerate
endmodule
