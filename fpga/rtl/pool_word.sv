// What a pooling makes of two words: the larger one, or their sum. No clock.
`default_nettype none
module pool_word #(
    parameter bit MEAN = 0,
    parameter int BITS = 8,
    parameter bit IS_SIGNED = 1
) (
    input wire logic [BITS-1:0] first,
    input wire logic [BITS-1:0] second,
    output     logic [BITS-1:0] pooled
);
  logic larger;
  assign larger = IS_SIGNED ? $signed(first) > $signed(second) : first > second;
  assign pooled = MEAN ? first + second : larger ? first : second;
endmodule
`default_nettype wire
