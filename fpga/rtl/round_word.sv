// A word in another fixed-point format: shifted to its step, rounded, limited to its range. No clock.
//
// Equals cytogate.model.contract.fixed_point.Format.encode; words below zero may be divided by 2^SLOPE_SHIFT first.
`default_nettype none
module round_word #(
    parameter int IN_BITS = 16,
    parameter bit IN_SIGNED = 1,
    parameter int SHIFT = 4,        // bits that are cut off; below zero, zeros that are appended
    parameter int SLOPE_SHIFT = 0,
    parameter int ROUNDING = 2,     // 0 toward minus infinity, 1 nearest and halves up, 2 nearest and halves to even
    parameter int OVERFLOW = 1,     // 0 wraps, 1 saturates, 2 saturates as far below zero as above
    parameter int OUT_BITS = 8,
    parameter bit OUT_SIGNED = 1
) (
    input wire logic [ IN_BITS-1:0] in_word,
    output     logic [OUT_BITS-1:0] out_word
);
  localparam int APPENDED = SHIFT < 0 ? -SHIFT : 0;
  localparam int CUT = SHIFT < 0 ? 0 : SHIFT;
  // Of words below zero, whose slope may take back what is appended.
  localparam int CUT_BELOW = SHIFT + SLOPE_SHIFT < 0 ? 0 : SHIFT + SLOPE_SHIFT;
  localparam int APPENDED_BELOW = SHIFT + SLOPE_SHIFT < 0 ? -SHIFT - SLOPE_SHIFT : 0;
  localparam int NEEDED_BITS = IN_BITS + APPENDED + 3;
  localparam int ROUNDED_BITS = NEEDED_BITS > CUT_BELOW + 2 ? NEEDED_BITS : CUT_BELOW + 2;
  localparam int BITS = ROUNDED_BITS > OUT_BITS + 2 ? ROUNDED_BITS : OUT_BITS + 2;
  localparam logic signed [BITS-1:0] ZERO = 0;
  localparam logic signed [BITS-1:0] ONE = 1;
  localparam logic signed [BITS-1:0] HALF = CUT == 0 ? ZERO : ONE <<< (CUT == 0 ? 0 : CUT - 1);
  localparam logic signed [BITS-1:0] HALF_BELOW = CUT_BELOW == 0 ? ZERO : ONE <<< (CUT_BELOW == 0 ? 0 : CUT_BELOW - 1);
  localparam logic signed [BITS-1:0] MOST = (ONE <<< (OUT_SIGNED ? OUT_BITS - 1 : OUT_BITS)) - ONE;
  localparam logic signed [BITS-1:0] LEAST = !OUT_SIGNED ? ZERO : OVERFLOW == 2 ? -MOST : -MOST - ONE;

  logic signed [BITS-1:0] value, above, below, rounded, limited;
  logic above_odd, below_odd;
  assign value = IN_SIGNED ? BITS'($signed(in_word)) : BITS'({1'b0, in_word});
  assign above_odd = value[CUT];
  assign below_odd = value[CUT_BELOW];

  generate
    if (ROUNDING == 0) begin : g_down
      assign above = (value <<< APPENDED) >>> CUT;
      assign below = (value <<< APPENDED_BELOW) >>> CUT_BELOW;
    end else if (ROUNDING == 1) begin : g_half_up
      assign above = ((value <<< APPENDED) + HALF) >>> CUT;
      assign below = ((value <<< APPENDED_BELOW) + HALF_BELOW) >>> CUT_BELOW;
    end else begin : g_half_even
      // Less than half a step where a half must fall to the even word below it.
      assign above = ((value <<< APPENDED) + HALF - (HALF != 0 && !above_odd ? ONE : ZERO)) >>> CUT;
      assign below =
          ((value <<< APPENDED_BELOW) + HALF_BELOW - (HALF_BELOW != 0 && !below_odd ? ONE : ZERO)) >>> CUT_BELOW;
    end
    if (SLOPE_SHIFT == 0) begin : g_line
      assign rounded = above;
    end else begin : g_slope
      assign rounded = value[BITS-1] ? below : above;
    end
    if (OVERFLOW == 0) begin : g_wrap
      assign limited = rounded;
    end else begin : g_saturate
      assign limited = rounded > MOST ? MOST : rounded < LEAST ? LEAST : rounded;
    end
  endgenerate
  assign out_word = limited[OUT_BITS-1:0];
endmodule
`default_nettype wire
