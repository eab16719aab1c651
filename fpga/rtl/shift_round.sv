// Division by 2^shift with convergent rounding, then saturation: the one way in which this kernel rounds.
//
// Law, with s = shift and q = floor(value / 2^s):
//   the bits shifted out are more than one half of a step:  q + 1
//   they are exactly one half:                              q if q is even, else q + 1
//   they are less:                                          q
// and the result is limited to OUT_BITS bits. Bits shifted out are kept as `guard`, the highest of them (one half), and
// `sticky`, whether any other is set. Equals cytogate.model.contract.law.shift_right followed by a Format's limit.
//
// Latency in clocks: 2 where the shift is FIXED (round; saturate), else 4 (shift by 0 to 7; by multiples of 8 before).
`default_nettype none
module shift_round #(
    parameter int IN_BITS = 26,
    parameter int OUT_BITS = 18,
    parameter int SHIFT_BITS = 6,  // of `shift`, at least 4
    parameter int FIXED = -1,      // a shift known beforehand; -1 where `shift` says it
    parameter bit SATURATE = 1     // 0 where the result is known to fit
) (
    input wire logic                       clk,
    input wire logic signed [ IN_BITS-1:0] value,
    input wire logic        [SHIFT_BITS-1:0] shift,
    output     logic signed [OUT_BITS-1:0] rounded
);
  logic signed [IN_BITS-1:0] quotient;
  logic guard, sticky;

  generate
    if (FIXED == 0) begin : g_whole
      assign quotient = value;
      assign guard = 1'b0;
      assign sticky = 1'b0;
    end else if (FIXED > 0) begin : g_fixed
      assign quotient = value >>> FIXED;
      assign guard = value[FIXED-1];
      if (FIXED == 1) begin : g_one_bit
        assign sticky = 1'b0;
      end else begin : g_bits
        assign sticky = |value[FIXED-2:0];
      end
    end else begin : g_variable
      logic signed [IN_BITS-1:0] high, low;
      logic high_guard, high_sticky, low_guard, low_sticky;
      logic [2:0] low_shift;
      logic signed [IN_BITS-1:0] coarse, fine;
      logic coarse_guard, coarse_sticky, fine_guard, fine_sticky;

      always_comb begin
        coarse = value;
        coarse_guard = 1'b0;
        coarse_sticky = 1'b0;
        for (int k = 3; k < SHIFT_BITS; ++k) begin
          if (shift[k]) begin
            coarse_sticky = coarse_sticky | coarse_guard | |(coarse & IN_BITS'((64'd1 << ((1 << k) - 1)) - 64'd1));
            coarse_guard = ((coarse >>> ((1 << k) - 1)) & 1) != 0;
            coarse = coarse >>> (1 << k);
          end
        end
      end
      always_comb begin
        fine = high;
        fine_guard = high_guard;
        fine_sticky = high_sticky;
        for (int k = 0; k < 3; ++k) begin
          if (low_shift[k]) begin
            fine_sticky = fine_sticky | fine_guard | |(fine & IN_BITS'((64'd1 << ((1 << k) - 1)) - 64'd1));
            fine_guard = ((fine >>> ((1 << k) - 1)) & 1) != 0;
            fine = fine >>> (1 << k);
          end
        end
      end
      always_ff @(posedge clk) begin
        high        <= coarse;
        high_guard  <= coarse_guard;
        high_sticky <= coarse_sticky;
        low_shift   <= shift[2:0];
        low         <= fine;
        low_guard   <= fine_guard;
        low_sticky  <= fine_sticky;
      end
      assign quotient = low;
      assign guard = low_guard;
      assign sticky = low_sticky;
    end
  endgenerate

  logic signed [IN_BITS-1:0] nearest;
  logic up;
  assign up = guard && (sticky || quotient[0]);
  always_ff @(posedge clk) nearest <= quotient + $signed({{(IN_BITS - 1) {1'b0}}, up});

  generate
    if (OUT_BITS >= IN_BITS) begin : g_wider
      always_ff @(posedge clk) rounded <= OUT_BITS'(nearest);
    end else if (!SATURATE) begin : g_narrower
      always_ff @(posedge clk) rounded <= nearest[OUT_BITS-1:0];
    end else begin : g_saturate
      logic fits;
      assign fits = &nearest[IN_BITS-1:OUT_BITS-1] || ~|nearest[IN_BITS-1:OUT_BITS-1];
      always_ff @(posedge clk)
        rounded <= fits ? nearest[OUT_BITS-1:0] : {nearest[IN_BITS-1], {(OUT_BITS - 1) {~nearest[IN_BITS-1]}}};
    end
  endgenerate
endmodule
`default_nettype wire
