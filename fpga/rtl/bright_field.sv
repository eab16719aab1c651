// The bright-field codes of every pixel wait here for their phase.
//
// Whoever lets frames in counts the groups that have room. Binned sums become codes by convergent rounding, limited; a
// word comes READ_LATENCY clocks after it was asked for.
`default_nettype none
module bright_field #(
    parameter int SAMPLES = 1,     // samples per clock
    parameter int DEPTH = 32768, // beats
    parameter int CHANNELS = contract_pkg::FRAME_CHANNELS,
    parameter int IN_BITS = contract_pkg::BINNED_BITS,
    parameter int SHIFT = contract_pkg::PIXEL_SHIFT,
    parameter int CODE_BITS = contract_pkg::PIXEL_BITS,
    parameter int READ_LATENCY = 4  // at least 3
) (
    input wire logic                                clk,
    input wire logic                                rst,
    input wire logic                                in_valid,
    input wire logic [ SAMPLES*CHANNELS*IN_BITS-1:0]  in_pixels,
    input wire logic                                read,
    output     logic [SAMPLES*CHANNELS*CODE_BITS-1:0] out_codes
);
  logic write, unused_waits;
  logic [SAMPLES*CHANNELS*CODE_BITS-1:0] codes, read_codes;
  pipeline_valid #(.CLOCKS(2)) write_pipeline (.clk, .rst, .in_valid, .out_valid(write));
  generate
    for (genvar sample = 0; sample < CHANNELS * SAMPLES; ++sample) begin : g_sample
      logic signed [CODE_BITS:0] code;
      shift_round #(.IN_BITS(IN_BITS + 1), .OUT_BITS(CODE_BITS + 1), .FIXED(SHIFT)) quantize (
          .clk, .value($signed({1'b0, in_pixels[sample*IN_BITS+:IN_BITS]})), .shift('0), .rounded(code)
      );
      assign codes[sample*CODE_BITS+:CODE_BITS] = code[CODE_BITS-1:0];
    end
  endgenerate
  ring #(.BITS(SAMPLES * CHANNELS * CODE_BITS), .DEPTH(DEPTH)) ring (
      .clk, .rst, .write, .in_word(codes), .waits(unused_waits), .read, .out_word(read_codes)
  );
  delay #(.BITS(SAMPLES * CHANNELS * CODE_BITS), .CLOCKS(READ_LATENCY - 2)) beside_phase (
      .clk, .in_word(read_codes), .out_word(out_codes)
  );
endmodule
`default_nettype wire
