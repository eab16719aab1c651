// Every rounding and overflow of a word, as the integer network has them.
`default_nettype none
module round_word_cover #(
    parameter int CUT = 0,
    parameter int SLOPE_SHIFT = 0,
    parameter int ROUNDING = 2,
    parameter int OVERFLOW = 1,
    parameter int BITS = 16,
    parameter logic signed [BITS-1:0] HALF = 0,
    parameter logic signed [BITS-1:0] MOST = 0,
    parameter logic signed [BITS-1:0] LEAST = 0
) (
    input wire logic signed [BITS-1:0] value,
    input wire logic signed [BITS-1:0] rounded,
    input wire logic above_odd
);
  logic signed [BITS-1:0] cut_off;
  logic tie;
  assign cut_off = CUT == 0 ? '0 : value & ((HALF <<< 1) - 1);
  assign tie = CUT != 0 && cut_off == HALF;
  if (ROUNDING == 0) begin : g_down
    always_comb begin
      below_zero_toward_minus_infinity : cover (value < 0 && cut_off != 0);
    end
  end else if (ROUNDING == 1) begin : g_half_up
    always_comb begin
      tie_goes_up : cover (tie);
    end
  end else begin : g_half_even
    always_comb begin
      tie_goes_up_to_even : cover (tie && above_odd);
      tie_goes_down_to_even : cover (tie && !above_odd);
      tie_below_zero : cover (tie && value < 0);
    end
  end
  if (OVERFLOW == 0) begin : g_wrap
    always_comb begin
      wraps_at_the_top : cover (rounded > MOST);
    end
  end else begin : g_saturate
    always_comb begin
      saturates_at_the_top : cover (rounded > MOST);
      saturates_at_the_bottom : cover (rounded < LEAST);
      reaches_the_top : cover (rounded == MOST);
      reaches_the_bottom : cover (rounded == LEAST);
    end
  end
  if (SLOPE_SHIFT != 0) begin : g_slope
    always_comb begin
      slope_below_zero : cover (value < 0);
    end
  end
endmodule
bind round_word round_word_cover #(
    .CUT(CUT), .SLOPE_SHIFT(SLOPE_SHIFT), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW), .BITS(BITS), .HALF(HALF),
    .MOST(MOST), .LEAST(LEAST)
) points (.*);
`default_nettype wire
