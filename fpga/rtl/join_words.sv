// Two streams as one: at each place their sum, difference, larger or smaller word, or the channels of both.
//
// Words are brought to one step first, by zeros that are appended. What leaves holds every value that can come.
`default_nettype none
module join_words #(
    parameter int OPERATION = 0,    // 0 first + second, 1 first - second, 2 larger, 3 smaller, 4 side by side
    parameter int PIXELS = 1,       // of a beat
    parameter int FIRST_CHANNELS = 4,
    parameter int FIRST_BITS = 8,
    parameter bit FIRST_SIGNED = 1,
    parameter int FIRST_APPENDED = 0,
    parameter int SECOND_CHANNELS = 4,
    parameter int SECOND_BITS = 8,
    parameter bit SECOND_SIGNED = 1,
    parameter int SECOND_APPENDED = 0,
    parameter int OUT_CHANNELS = 4,
    parameter int OUT_BITS = 9
) (
    input wire logic                                         clk,
    input wire logic                                         rst,
    input wire logic                                         first_valid,
    output     logic                                         first_ready,
    input wire logic [  PIXELS*FIRST_CHANNELS*FIRST_BITS-1:0] first_words,
    input wire logic                                         second_valid,
    output     logic                                         second_ready,
    input wire logic [PIXELS*SECOND_CHANNELS*SECOND_BITS-1:0] second_words,
    output     logic                                         out_valid,
    input wire logic                                         out_ready,
    output     logic [      PIXELS*OUT_CHANNELS*OUT_BITS-1:0] out_words
);
  localparam int FIRST_WIDTH = FIRST_BITS + FIRST_APPENDED, SECOND_WIDTH = SECOND_BITS + SECOND_APPENDED;
  localparam int WIDTH = FIRST_WIDTH > SECOND_WIDTH ? FIRST_WIDTH : SECOND_WIDTH;
  localparam int BITS = (WIDTH > OUT_BITS ? WIDTH : OUT_BITS) + 2;
  logic ready;
  logic [PIXELS*OUT_CHANNELS*OUT_BITS-1:0] joined;
  assign first_ready  = ready && second_valid;
  assign second_ready = ready && first_valid;

  generate
    for (genvar pixel = 0; pixel < PIXELS; ++pixel) begin : g_pixel
      for (genvar c = 0; c < OUT_CHANNELS; ++c) begin : g_channel
        localparam int PLACE = (pixel * OUT_CHANNELS + c) * OUT_BITS;
        localparam bit BESIDE = OPERATION == 4 && c >= FIRST_CHANNELS;
        localparam int FIRST_PLACE = (pixel * FIRST_CHANNELS + (BESIDE ? 0 : c)) * FIRST_BITS;
        localparam int SECOND_PLACE =
            (pixel * SECOND_CHANNELS + (OPERATION != 4 ? c : BESIDE ? c - FIRST_CHANNELS : 0)) * SECOND_BITS;
        logic [FIRST_BITS-1:0] first_word;
        logic [SECOND_BITS-1:0] second_word;
        logic signed [BITS-1:0] first, second, word;
        assign first_word  = first_words[FIRST_PLACE+:FIRST_BITS];
        assign second_word = second_words[SECOND_PLACE+:SECOND_BITS];
        assign first  = (FIRST_SIGNED ? BITS'($signed(first_word)) : BITS'(first_word)) << FIRST_APPENDED;
        assign second = (SECOND_SIGNED ? BITS'($signed(second_word)) : BITS'(second_word)) << SECOND_APPENDED;
        if (OPERATION == 0) begin : g_sum
          assign word = first + second;
        end else if (OPERATION == 1) begin : g_difference
          assign word = first - second;
        end else if (OPERATION == 2) begin : g_larger
          assign word = first > second ? first : second;
        end else if (OPERATION == 3) begin : g_smaller
          assign word = first < second ? first : second;
        end else begin : g_side_by_side
          assign word = BESIDE ? second : first;
        end
        assign joined[PLACE+:OUT_BITS] = word[OUT_BITS-1:0];
      end
    end
  endgenerate
  stream_queue #(.BITS(PIXELS * OUT_CHANNELS * OUT_BITS), .DEPTH(2)) queue (
      .clk, .rst, .in_valid(first_valid && second_valid), .in_ready(ready), .in_words(joined), .out_valid, .out_ready,
      .out_words
  );
endmodule
`default_nettype wire
