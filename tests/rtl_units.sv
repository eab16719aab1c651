// Single modules of fpga/rtl side by side, on one bus in and one out, for tests/test_rtl_units.py.
module units (
    input  logic         clk,
    input  logic [255:0] in,
    output logic [511:0] out
);
  logic rst;
  assign rst = in[0];

  // Rounding: 8 bits by 0 to 15, saturated to 5; by 3 to 4; by 1 unsaturated.
  logic signed [4:0] variable;
  logic signed [3:0] by_three;
  logic signed [7:0] by_one;
  shift_round #(.IN_BITS(8), .OUT_BITS(5), .SHIFT_BITS(4)) round_variable (
      .clk, .value($signed(in[8+:8])), .shift(in[16+:4]), .rounded(variable)
  );
  shift_round #(.IN_BITS(8), .OUT_BITS(4), .FIXED(3)) round_three (
      .clk, .value($signed(in[8+:8])), .shift('0), .rounded(by_three)
  );
  shift_round #(.IN_BITS(8), .OUT_BITS(8), .FIXED(1)) round_one (
      .clk, .value($signed(in[8+:8])), .shift('0), .rounded(by_one)
  );
  assign out[0+:5]  = variable;
  assign out[8+:4]  = by_three;
  assign out[16+:8] = by_one;

  // Gradient of 12-bit sums, gains 1 and 0.75; of sums one and two bits finer than the ROM's address.
  logic signed [17:0] whole, scaled, finer_by_one, finer_by_two;
  gradient #(.GAIN(65536)) gradient_whole (.clk, .plus(in[24+:12]), .minus(in[38+:12]), .gradient(whole));
  gradient #(.GAIN(49152)) gradient_scaled (.clk, .plus(in[24+:12]), .minus(in[38+:12]), .gradient(scaled));
  gradient #(.IN_BITS(13), .GAIN(65536)) gradient_finer_by_one (
      .clk, .plus(in[24+:13]), .minus(in[38+:13]), .gradient(finer_by_one)
  );
  gradient #(.IN_BITS(14), .GAIN(65536)) gradient_finer_by_two (
      .clk, .plus(in[24+:14]), .minus(in[38+:14]), .gradient(finer_by_two)
  );
  assign out[32+:18]  = whole;
  assign out[56+:18]  = scaled;
  assign out[80+:18]  = finer_by_one;
  assign out[104+:18] = finer_by_two;

  // Passes of one lane; the line leaves as soon as it can.
  generate
    for (genvar unit = 0; unit < 4; ++unit) begin : g_pass
      localparam int SIZE = unit == 3 ? 256 : unit == 2 ? 32 : 8;
      localparam bit INVERSE = unit == 1 || unit == 3;
      localparam int GROWN = 19 + $clog2(SIZE);
      logic grown_valid, ready, valid, first, left;
      logic [2*GROWN-1:0] grown;
      logic [35:0] words;
      logic [5:0] exponent;
      if (SIZE == 8) begin : g_8
        transform #(.SIZE(8), .INVERSE(INVERSE), .TWIDDLE_FILE("twiddle_8.mem")) transform (
            .clk, .rst, .in_valid(in[1+unit]), .in_words(in[64+:38]), .out_valid(grown_valid), .out_words(grown)
        );
      end else if (SIZE == 32) begin : g_32
        transform #(.SIZE(32), .INVERSE(INVERSE), .TWIDDLE_FILE("twiddle_32.mem")) transform (
            .clk, .rst, .in_valid(in[1+unit]), .in_words(in[64+:38]), .out_valid(grown_valid), .out_words(grown)
        );
      end else begin : g_256
        transform #(.SIZE(256), .INVERSE(INVERSE), .TWIDDLE_FILE("twiddle_256.mem")) transform (
            .clk, .rst, .in_valid(in[1+unit]), .in_words(in[64+:38]), .out_valid(grown_valid), .out_words(grown)
        );
      end
      normalize #(.SIZE(SIZE)) normalize (
          .clk, .rst, .in_valid(grown_valid), .in_words(grown), .line_ready(ready), .line_start(ready),
          .line_left(left), .out_valid(valid), .out_first(first), .out_words(words), .out_exponents(exponent)
      );
      assign out[128+48*unit+:44] = {first, exponent, words, valid};
    end
  endgenerate

  // Corner turn of four lanes there and back, eight columns.
  logic lines_valid, back_valid, turn_left, back_left;
  logic [31:0] lines, back;
  logic [1:0] turn_groups, back_groups;
  corner_turn #(.SAMPLES(4), .SIZE(8), .BITS(8), .SLOTS(2)) turn (
      .clk, .rst, .in_valid(in[112]), .in_word(in[120+:32]), .groups(turn_groups), .read(in[113] && turn_groups != 0),
      .group_left(turn_left), .out_valid(lines_valid), .out_word(lines)
  );
  corner_turn #(.SAMPLES(4), .SIZE(8), .BITS(8), .SLOTS(2), .TO_LINES(0)) turn_back (
      .clk, .rst, .in_valid(lines_valid), .in_word(lines), .groups(back_groups), .read(back_groups != 0),
      .group_left(back_left), .out_valid(back_valid), .out_word(back)
  );
  assign out[320+:33] = {lines, lines_valid};
  assign out[360+:33] = {back, back_valid};

  // Transpose of two lanes, 8 x 8; groups leave when they can and may.
  logic room, whole_frame, transpose_ready, transposed_valid, transposed_first, first_group;
  logic [5:0] frame_exponent;
  logic [71:0] transposed;
  transpose #(.SAMPLES(2), .SIZE(8)) transpose (
      .clk, .rst, .room, .in_start(in[160]), .in_valid(in[161]), .in_first(in[162]), .in_words(in[164+:72]),
      .in_exponents(in[240+:12]), .frame_whole(whole_frame), .ready(transpose_ready),
      .launch(transpose_ready && in[163]), .exponent(frame_exponent), .out_valid(transposed_valid),
      .out_first(transposed_first), .out_first_group(first_group), .out_words(transposed)
  );
  assign out[400+:80] = {room, frame_exponent, transposed, transposed_valid};

  // Remarks on frames of 32 x 32 gradients and of 8 x 8 phases, two a clock.
  logic curl_done, curled, sign_done, negative;
  frame_curl #(.SAMPLES(2), .SIZE(32)) frame_curl (
      .clk, .rst, .in_valid(in[114]), .in_words(in[164+:72]), .done(curl_done), .curled
  );
  phase_sign #(.WORDS(2), .SIZE(8), .BITS(18)) phase_sign (
      .clk, .rst, .in_valid(in[115]), .in_words(in[164+:36]), .done(sign_done), .negative
  );
  assign out[480+:4] = {negative, sign_done, curled, curl_done};
  assign {out[511:484], out[399:393], out[359:353], out[127:122], out[103:98], out[79:74], out[55:50], out[31:24], out[15:12], out[7:5]} = '0;
endmodule
