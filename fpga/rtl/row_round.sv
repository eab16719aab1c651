// A grown word of a row transform as a stored one: in units, convergently, saturated as far below zero as above, so that
// its opposite is a word too. Latency: 3 clocks.
module row_round #(
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1 + contract_pkg::SIZE_LOG2,
    parameter int OUT_BITS = contract_pkg::ROW_BITS
) (
    input  logic                       clk,
    input  logic signed [ IN_BITS-1:0] grown,
    output logic signed [OUT_BITS-1:0] row
);
  logic signed [OUT_BITS-1:0] nearest;
  shift_round #(.IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .FIXED(contract_pkg::UNIT_LOG2)) to_unit (
      .clk, .value(grown), .shift('0), .rounded(nearest)
  );
  always_ff @(posedge clk) row <= nearest == {1'b1, {(OUT_BITS - 1) {1'b0}}} ? nearest + 1'b1 : nearest;
endmodule
