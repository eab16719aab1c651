// Binned sums to the network's codes, channel by channel: less an offset, times a gain.
//
// code = saturate((sum - OFFSET) * GAIN * 2^-SHIFT), rounded once, convergently. Latency: 4 clocks.
`default_nettype none
module channel_codes #(
    parameter int SAMPLES = 1,
    parameter int CHANNELS = contract_pkg::FRAME_CHANNELS,
    parameter int IN_BITS = contract_pkg::BINNED_BITS,
    parameter int CODE_BITS = contract_pkg::PIXEL_BITS,
    parameter int GAIN_BITS = contract_pkg::GAIN_BITS
) (
    input wire logic                                clk,
    input wire logic                                rst,
    input wire logic                                in_valid,
    input wire logic [  SAMPLES*CHANNELS*IN_BITS-1:0] in_pixels,
    output     logic                                out_valid,
    output     logic [SAMPLES*CHANNELS*CODE_BITS-1:0] out_codes
);
  pipeline_valid #(.CLOCKS(4)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  generate
    for (genvar channel = 0; channel < CHANNELS; ++channel) begin : g_channel
      localparam int OFFSET = contract_pkg::CHANNEL_OFFSET[32*channel+:32];
      localparam int GAIN = contract_pkg::CHANNEL_GAIN[32*channel+:32];
      localparam int SHIFT = contract_pkg::CHANNEL_SHIFT[32*channel+:32];
      // Room for the product, and for its rounding at this shift.
      localparam int PRODUCT_BITS = IN_BITS + GAIN_BITS + 2 > SHIFT + 1 ? IN_BITS + GAIN_BITS + 2 : SHIFT + 1;
      for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
        localparam int SAMPLE = CHANNELS * lane + channel;
        logic signed [IN_BITS:0] above;
        logic signed [PRODUCT_BITS-1:0] product;
        logic signed [CODE_BITS-1:0] code;
        always_ff @(posedge clk) begin
          above   <= $signed({1'b0, in_pixels[SAMPLE*IN_BITS+:IN_BITS]}) - $signed((IN_BITS + 1)'(OFFSET));
          product <= PRODUCT_BITS'(above) * $signed((GAIN_BITS + 1)'(GAIN));
        end
        shift_round #(.IN_BITS(PRODUCT_BITS), .OUT_BITS(CODE_BITS), .FIXED(SHIFT)) quantize (
            .clk, .value(product), .shift('0), .rounded(code)
        );
        assign out_codes[SAMPLE*CODE_BITS+:CODE_BITS] = code;
      end
    end
  endgenerate
endmodule
`default_nettype wire
