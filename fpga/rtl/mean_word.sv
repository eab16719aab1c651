// A sum divided by COUNT, rounded toward zero. No clock.
//
// The division is a shift where COUNT is a power of two, else a product with 2^SCALE / COUNT, rounded up: exact, since
// the sum's magnitude is below 2^SCALE / COUNT.
`default_nettype none
module mean_word #(
    parameter int IN_BITS = 16,
    parameter bit IN_SIGNED = 1,
    parameter int APPENDED = 0,   // zeros that are appended to the sum
    parameter int COUNT = 9,
    parameter int OUT_BITS = 8
) (
    input wire logic [ IN_BITS-1:0] sum,
    output     logic [OUT_BITS-1:0] mean
);
  localparam int BITS = IN_BITS + APPENDED;  // of the magnitude
  localparam int COUNT_BITS = $clog2(COUNT);
  localparam int SCALE = BITS + COUNT_BITS;
  localparam logic [63:0] INVERSE = ((64'd1 << SCALE) + 64'(COUNT) - 64'd1) / 64'(COUNT);
  logic negative;
  logic [IN_BITS-1:0] absolute;
  logic [BITS-1:0] magnitude, quotient;
  assign negative  = IN_SIGNED && sum[IN_BITS-1];
  assign absolute  = negative ? -sum : sum;
  assign magnitude = BITS'(absolute) << APPENDED;
  generate
    if (COUNT == 1 << COUNT_BITS) begin : g_shift
      assign quotient = magnitude >> COUNT_BITS;
    end else begin : g_product
      logic [2*BITS:0] product;
      assign product  = (2 * BITS + 1)'(magnitude) * (2 * BITS + 1)'(INVERSE[BITS:0]);
      assign quotient = BITS'(product >> SCALE);
    end
  endgenerate
  logic [OUT_BITS-1:0] distance;
  assign distance = OUT_BITS'(quotient);
  assign mean = negative ? -distance : distance;
endmodule
`default_nettype wire
