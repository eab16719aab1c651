// Pooling of windows, which may overlap: of each channel the largest word, or the mean.
`default_nettype none
module pool_windows #(
    parameter int COUNT = 9,       // pixels of a window
    parameter int CHANNELS = 4,
    parameter int BITS = 8,        // of a word
    parameter bit IS_SIGNED = 1,
    parameter bit MEAN = 0,
    parameter int APPENDED = 0,    // zeros that are appended to a sum
    parameter int OUT_BITS = 8,
    parameter int DEPTH = 4        // of the queue behind, a power of two
) (
    input wire logic                           clk,
    input wire logic                           rst,
    input wire logic                           in_valid,
    output     logic                           in_ready,
    input wire logic [COUNT*CHANNELS*BITS-1:0] in_words,
    output     logic                           out_valid,
    input wire logic                           out_ready,
    output     logic [  CHANNELS*OUT_BITS-1:0] out_words
);
  localparam int KEPT_BITS = MEAN ? BITS + $clog2(COUNT) : BITS;
  logic [CHANNELS*KEPT_BITS-1:0] pooled, whole;
  logic [CHANNELS*OUT_BITS-1:0] means, result;
  logic result_valid, taken;
  assign taken = in_valid && in_ready;
  always_ff @(posedge clk) begin
    whole  <= pooled;
    result <= means;
  end
  generate
    for (genvar c = 0; c < CHANNELS; ++c) begin : g_channel
      logic [COUNT*KEPT_BITS-1:0] words, so_far;
      for (genvar i = 0; i < COUNT; ++i) begin : g_pixel
        localparam int PLACE = (i * CHANNELS + c) * BITS;
        assign words[i*KEPT_BITS+:KEPT_BITS] =
            IS_SIGNED ? KEPT_BITS'($signed(in_words[PLACE+:BITS])) : KEPT_BITS'(in_words[PLACE+:BITS]);
        if (i == 0) begin : g_first
          assign so_far[0+:KEPT_BITS] = words[0+:KEPT_BITS];
        end else begin : g_next
          pool_word #(.MEAN(MEAN), .BITS(KEPT_BITS), .IS_SIGNED(IS_SIGNED)) pool (
              .first(so_far[(i-1)*KEPT_BITS+:KEPT_BITS]), .second(words[i*KEPT_BITS+:KEPT_BITS]),
              .pooled(so_far[i*KEPT_BITS+:KEPT_BITS])
          );
        end
      end
      assign pooled[c*KEPT_BITS+:KEPT_BITS] = so_far[(COUNT-1)*KEPT_BITS+:KEPT_BITS];
      if (MEAN) begin : g_mean
        mean_word #(
            .IN_BITS(KEPT_BITS), .IN_SIGNED(IS_SIGNED), .APPENDED(APPENDED), .COUNT(COUNT), .OUT_BITS(OUT_BITS)
        ) mean (.sum(whole[c*KEPT_BITS+:KEPT_BITS]), .mean(means[c*OUT_BITS+:OUT_BITS]));
      end else begin : g_largest
        assign means[c*OUT_BITS+:OUT_BITS] = whole[c*KEPT_BITS+:KEPT_BITS];
      end
    end
  endgenerate
  pipeline_valid #(.CLOCKS(2)) valid_pipeline (.clk, .rst, .in_valid(taken), .out_valid(result_valid));
  reserved_queue #(.BITS(CHANNELS * OUT_BITS), .DEPTH(DEPTH)) queue (
      .clk, .rst, .reserve(taken), .available(in_ready), .in_valid(result_valid), .in_words(result), .out_valid,
      .out_ready, .out_words
  );
endmodule
`default_nettype wire
