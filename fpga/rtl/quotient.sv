// Spectrum times 1 / (kx + i ky), zero at k = 0 and on the Nyquist row and column; a bit wider than it came.
//
// The ROM holds a / (a^2 + b^2) in the quadrant of positive frequencies and is read as (kx, ky) and (ky, kx); signs
// follow from the quadrant. Column j SAMPLES + l is in lane l of line group j. Latency: 8 clocks.
`default_nettype none
module quotient #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::WORD_BITS,
    parameter int OUT_BITS = contract_pkg::QUOTIENT_BITS,
    parameter int ROM_BITS = contract_pkg::TWIDDLE_BITS,
    parameter int ROM_FRACTION = contract_pkg::TWIDDLE_FRACTION
) (
    input wire logic                        clk,
    input wire logic                        rst,
    input wire logic                        in_valid,
    input wire logic [ SAMPLES*2*IN_BITS-1:0] in_words,
    output     logic                        out_valid,
    output     logic [SAMPLES*2*OUT_BITS-1:0] out_words
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int GROUPS = SIZE / SAMPLES;
  localparam int PRODUCT_BITS = IN_BITS + ROM_BITS;

  logic [LOG2-1:0] row;
  logic [$clog2(GROUPS)-1:0] group;
  always_ff @(posedge clk) begin
    if (rst) begin
      row   <= '0;
      group <= '0;
    end else if (in_valid) begin
      row <= row + 1'b1;
      if (&row) group <= group + 1'b1;
    end
  end
  logic [SAMPLES*2*IN_BITS-1:0] words;
  delay #(.BITS(SAMPLES * 2 * IN_BITS), .CLOCKS(4)) beside_rom (.clk, .in_word(in_words), .out_word(words));
  pipeline_valid #(.CLOCKS(8)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);

  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      // Distance from zero frequency, modulo N / 2; the highest bit says that the frequency is negative.
      logic [LOG2-1:0] column;
      logic [LOG2-2:0] kx, ky;
      logic nyquist, zero, left, above;
      logic [ROM_BITS-1:0] along_x, along_y;
      logic signed [ROM_BITS-1:0] inverse_re, inverse_im;
      assign column = LOG2'(32'(group) * SAMPLES + lane);
      always_ff @(posedge clk) begin
        kx      <= column[LOG2-1] ? -column[LOG2-2:0] : column[LOG2-2:0];
        ky      <= row[LOG2-1] ? -row[LOG2-2:0] : row[LOG2-2:0];
        nyquist <= column == LOG2'(SIZE / 2) || row == LOG2'(SIZE / 2);
      end
      rom #(.BITS(ROM_BITS), .DEPTH((SIZE / 2) * (SIZE / 2)), .FILE("quadrant.mem")) quadrant (
          .clk, .address_a({kx, ky}), .word_a(along_x), .address_b({ky, kx}), .word_b(along_y)
      );
      delay #(.BITS(2), .CLOCKS(3)) signs (.clk, .in_word({column[LOG2-1], row[LOG2-1]}), .out_word({left, above}));
      delay #(.BITS(1), .CLOCKS(2)) zeros (.clk, .in_word(nyquist), .out_word(zero));

      logic signed [IN_BITS-1:0] re, im;
      logic signed [PRODUCT_BITS-1:0] re_re, im_im, re_im, im_re;
      logic signed [PRODUCT_BITS:0] product_re, product_im;
      assign re = $signed(words[(2*lane)*IN_BITS+:IN_BITS]);
      assign im = $signed(words[(2*lane+1)*IN_BITS+:IN_BITS]);
      always_ff @(posedge clk) begin
        inverse_re <= zero ? '0 : left ? -$signed(along_x) : $signed(along_x);
        inverse_im <= zero ? '0 : above ? $signed(along_y) : -$signed(along_y);
        re_re      <= re * inverse_re;
        im_im      <= im * inverse_im;
        re_im      <= re * inverse_im;
        im_re      <= im * inverse_re;
        product_re <= re_re - im_im;
        product_im <= re_im + im_re;
      end
      shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(OUT_BITS), .FIXED(ROM_FRACTION), .SATURATE(0)) round_re (
          .clk, .value(product_re), .shift('0), .rounded(out_words[(2*lane)*OUT_BITS+:OUT_BITS])
      );
      shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(OUT_BITS), .FIXED(ROM_FRACTION), .SATURATE(0)) round_im (
          .clk, .value(product_im), .shift('0), .rounded(out_words[(2*lane+1)*OUT_BITS+:OUT_BITS])
      );
    end
  endgenerate
endmodule
`default_nettype wire
