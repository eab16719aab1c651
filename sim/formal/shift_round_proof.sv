// shift_round: every value by every shift, by the law, 2 clocks later where the shift is fixed and 4 where it is not.
module shift_round_proof #(
    parameter int IN_BITS = 9,
    parameter int OUT_BITS = 5,
    parameter int SHIFT_BITS = 4,
    parameter int FIXED = -1,
    parameter bit SATURATE = 1
) (
    input logic clk,
    input logic signed [IN_BITS-1:0] value,
    input logic [SHIFT_BITS-1:0] shift
);
  localparam int CLOCKS = FIXED < 0 ? 4 : 2;
  logic signed [OUT_BITS-1:0] rounded;
  logic [OUT_BITS-1:0] wanted;
  logic [CLOCKS*OUT_BITS-1:0] line;
  logic [2:0] clocks = '0;
  logic signed [47:0] wide;
  assign wide = value;
  shift_round #(
      .IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .SHIFT_BITS(SHIFT_BITS), .FIXED(FIXED), .SATURATE(SATURATE)
  ) dut (.clk, .value, .shift, .rounded);
  rounding_law #(.BITS(48), .OVERFLOW(SATURATE), .OUT_BITS(OUT_BITS)) law (
      .value(wide), .shift(FIXED < 0 ? 8'(shift) : 8'(FIXED)), .out_word(wanted)
  );
  always_ff @(posedge clk) begin
    line <= {line[0+:(CLOCKS-1)*OUT_BITS], wanted};
    if (32'(clocks) < CLOCKS) clocks <= clocks + 1'b1;
    if (32'(clocks) == CLOCKS) it_is_the_law: assert (rounded == line[(CLOCKS-1)*OUT_BITS+:OUT_BITS]);
  end
endmodule
