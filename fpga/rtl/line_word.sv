// Row words less the surface's line A + B y, row after row, of SLOTS columns that take turns: one real part.
//
//   H = saturate(G - ((A << RISE) + B y >> FRACTION)), convergently
// The line's value goes from row to row by an addition, UPWARD from the last one to the first. A column may come again
// 3 clocks later. Latency: 6 clocks; A and B are due a clock after their slot, and so is `first`; G is due 4 clocks after.
module line_word #(
    parameter int SLOTS = 32,  // a power of two
    parameter bit UPWARD = 0,
    parameter int SIZE_LOG2 = contract_pkg::SIZE_LOG2,
    parameter int ROW_BITS = contract_pkg::ROW_BITS,
    parameter int LINE_BITS = contract_pkg::LINE_BITS,
    parameter int RISE = contract_pkg::LINE_SLOPE_FRACTION - contract_pkg::LINE_CONSTANT_FRACTION,
    parameter int FRACTION = contract_pkg::LINE_SLOPE_FRACTION
) (
    input  logic                            clk,
    input  logic                            rst,
    input  logic                            in_valid,
    input  logic        [$clog2(SLOTS)-1:0] in_slot,
    input  logic                            first,
    input  logic signed [    LINE_BITS-1:0] constant,
    input  logic signed [    LINE_BITS-1:0] slope,
    input  logic signed [     ROW_BITS-1:0] row,
    output logic signed [     ROW_BITS-1:0] flat
);
  localparam int BITS = LINE_BITS + (RISE > SIZE_LOG2 ? RISE : SIZE_LOG2) + 2;
  localparam int ROUNDED_BITS = BITS - FRACTION;
  logic signed [BITS-1:0] values[SLOTS];
  logic signed [BITS-1:0] above, value, start;
  logic signed [ROUNDED_BITS-1:0] surface;
  logic signed [ROUNDED_BITS:0] difference;
  logic valid_2, fits;
  logic [$clog2(SLOTS)-1:0] slot_2;
  pipeline_valid #(.CLOCKS(2)) valid_pipeline (.clk, .rst, .in_valid, .out_valid(valid_2));
  delay #(.BITS($clog2(SLOTS)), .CLOCKS(2)) beside_value (.clk, .in_word(in_slot), .out_word(slot_2));
  generate
    if (UPWARD) begin : g_last_row
      assign start = (BITS'(constant) <<< RISE) + (BITS'(slope) <<< SIZE_LOG2) - BITS'(slope);
    end else begin : g_first_row
      assign start = BITS'(constant) <<< RISE;
    end
  endgenerate
  shift_round #(.IN_BITS(BITS), .OUT_BITS(ROUNDED_BITS), .FIXED(FRACTION), .SATURATE(0)) to_row (
      .clk, .value, .shift('0), .rounded(surface)
  );
  assign fits = &difference[ROUNDED_BITS:ROW_BITS-1] || ~|difference[ROUNDED_BITS:ROW_BITS-1];
  always_ff @(posedge clk) begin
    above      <= values[in_slot];
    value      <= first ? start : UPWARD ? above - BITS'(slope) : above + BITS'(slope);
    if (valid_2) values[slot_2] <= value;
    difference <= (ROUNDED_BITS + 1)'(row) - (ROUNDED_BITS + 1)'(surface);
    flat <= fits ? difference[ROW_BITS-1:0] : {difference[ROUNDED_BITS], {(ROW_BITS - 1) {~difference[ROUNDED_BITS]}}};
  end
endmodule
