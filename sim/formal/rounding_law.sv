// The law of rounding, of a value and a shift: floor, what is left, and which way that goes; then the range.
module rounding_law #(
    parameter int BITS = 24,
    parameter int ROUNDING = 2,   // 0 toward minus infinity, 1 nearest and halves up, 2 nearest and halves to even
    parameter int OVERFLOW = 1,   // 0 wraps, 1 saturates, 2 saturates as far below zero as above
    parameter int OUT_BITS = 8,
    parameter bit OUT_SIGNED = 1
) (
    input logic signed [BITS-1:0] value,
    input logic signed [7:0] shift,
    output logic [OUT_BITS-1:0] out_word
);
  localparam logic signed [BITS-1:0] MOST = OUT_SIGNED ? (1 << (OUT_BITS - 1)) - 1 : (1 << OUT_BITS) - 1;
  localparam logic signed [BITS-1:0] LEAST = !OUT_SIGNED ? 0 : OVERFLOW == 2 ? -MOST : -MOST - 1;
  logic signed [BITS-1:0] quotient, rest, step, rounded, limited;
  logic up;
  always_comb begin
    step = 1;
    step = step <<< (shift < 0 ? 0 : shift);
    quotient = shift < 0 ? value <<< -shift : value >>> shift;
    rest = shift < 0 ? 0 : value - (quotient <<< shift);
    case (ROUNDING)
      0: up = 1'b0;
      1: up = 2 * rest >= step;
      default: up = 2 * rest > step || (2 * rest == step && quotient[0]);
    endcase
    rounded = quotient + (up ? 1 : 0);
    limited = OVERFLOW == 0 ? rounded : rounded > MOST ? MOST : rounded < LEAST ? LEAST : rounded;
    out_word = limited[OUT_BITS-1:0];
  end
endmodule
