// What a known surface is in the mean y gradient: N^2 c_1 + c_ss (N^2 - 1) / 3 - (SHARPEN c_tt >> BEND_SHIFT).
//
// Latency: 4 clocks.
`default_nettype none
module surface_trend #(
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int BITS = 64
) (
    input wire logic                               clk,
    input wire logic signed [COEFFICIENT_BITS-1:0] one, ss, tt,  // of the y gradient
    output     logic signed [            BITS-1:0] trend
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BEND_BITS = COEFFICIENT_BITS + $clog2(contract_pkg::SHARPEN + 1);
  localparam logic signed [2*LOG2-1:0] THIRD = (SIZE * SIZE - 1) / 3;

  logic signed [BEND_BITS-1:0] bent;
  logic signed [COEFFICIENT_BITS+2*LOG2-1:0] mean_square;
  logic signed [BITS-1:0] unbent;
  shift_round #(.IN_BITS(BEND_BITS), .OUT_BITS(BITS), .FIXED(contract_pkg::BEND_SHIFT), .SATURATE(0)) sharpened (
      .clk, .value(bent), .shift('0), .rounded(unbent)
  );
  always_ff @(posedge clk) begin
    bent        <= tt * BEND_BITS'(contract_pkg::SHARPEN);
    mean_square <= ss * THIRD;
    trend       <= (BITS'(one) <<< (2 * LOG2)) + BITS'(mean_square) - unbent;
  end
endmodule
`default_nettype wire
