// Moments of the phase mask: a cell's pixels in, its words out in one beat. Their law: model/contract/mask_moments.py.
`default_nettype none
module mask_moments #(
    parameter int ROWS = 96,
    parameter int COLUMNS = 96,
    parameter int CHANNELS = 5,
    parameter int BITS = 8,
    parameter int PIXELS = 1,
    parameter int MASK_CODE = 42,
    parameter int EMPTY_CODE = 32,
    parameter int POWER_BITS = 28,
    parameter int ROW_BITS = 36,
    parameter int SUM_BITS = 44,
    parameter int REGISTER_BITS = 56,
    parameter int QUOTIENT_BITS = 9,
    parameter int INSTRUCTIONS = 200,
    parameter int WORDS = 13,
    parameter int OUT_BITS = 10,
    parameter COLUMN_POWERS = "columns.mem",
    parameter ROW_POWERS = "rows.mem",
    parameter PROGRAM = "program.mem",
    parameter LOGARITHMS = "logarithms.mem"
) (
    input wire logic                            clk,
    input wire logic                            rst,
    input wire logic                            in_valid,
    output     logic                            in_ready,
    input wire logic [PIXELS*CHANNELS*BITS-1:0] in_words,
    output     logic                            out_valid,
    input wire logic                            out_ready,
    output     logic [      WORDS*OUT_BITS-1:0] out_words
);
  logic whole, taken;
  logic [4:0] number;
  logic [SUM_BITS-1:0] sum;
  mask_sums #(
      .ROWS(ROWS), .COLUMNS(COLUMNS), .CHANNELS(CHANNELS), .BITS(BITS), .PIXELS(PIXELS), .MASK_CODE(MASK_CODE),
      .EMPTY_CODE(EMPTY_CODE), .POWER_BITS(POWER_BITS), .ROW_BITS(ROW_BITS), .SUM_BITS(SUM_BITS),
      .COLUMN_POWERS(COLUMN_POWERS), .ROW_POWERS(ROW_POWERS)
  ) sums (.clk, .rst, .in_valid, .in_ready, .in_words, .whole, .taken, .number, .sum);
  mask_words #(
      .SUM_BITS(SUM_BITS), .BITS(REGISTER_BITS), .QUOTIENT_BITS(QUOTIENT_BITS), .INSTRUCTIONS(INSTRUCTIONS),
      .WORDS(WORDS), .OUT_BITS(OUT_BITS), .PROGRAM(PROGRAM), .LOGARITHMS(LOGARITHMS)
  ) words (.clk, .rst, .whole, .taken, .number, .sum, .out_valid, .out_ready, .out_words);
endmodule
`default_nettype wire
