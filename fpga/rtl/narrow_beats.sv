// Beats of several pixels as beats of one pixel each, the lowest first.
`default_nettype none
module narrow_beats #(
    parameter int BITS = 8,   // of a pixel
    parameter int PIXELS = 2  // of a beat that enters
) (
    input wire logic                   clk,
    input wire logic                   rst,
    input wire logic                   in_valid,
    output     logic                   in_ready,
    input wire logic [PIXELS*BITS-1:0] in_words,
    output     logic                   out_valid,
    input wire logic                   out_ready,
    output     logic [       BITS-1:0] out_words
);
  logic [$clog2(PIXELS)-1:0] pixel;
  logic last;

  assign last = 32'(pixel) == PIXELS - 1;
  assign out_valid = in_valid;
  assign out_words = in_words[32'(pixel)*BITS+:BITS];
  assign in_ready = out_ready && last;

  always_ff @(posedge clk) begin
    if (rst) pixel <= '0;
    else if (in_valid && out_ready) pixel <= last ? '0 : pixel + 1'b1;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_pixel_is_in_the_beat : assert (32'(pixel) < PIXELS);
    end
`endif

  stream_rules #(.BITS(BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
