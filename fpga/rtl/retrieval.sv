// Phase retrieval from a stream of raw four-angle frames to a stream of the network's pixels, SAMPLES samples a clock.
//
// Three segments work on three frames at once, each of them as a pipeline that never stalls:
//   rows in:  crop, binning, gradient, corner turn | row transform, normalization, transpose
//   columns:  surface subtraction, column transform, normalization, quotient, column inverse, normalization, transpose
//   rows out: offset subtraction, inverse row transform, normalization, phase | corner turn, stream
// A bar and a transpose are where words wait. A line group (SAMPLES lines) sets out into a segment only when it has a
// place in the memory at the segment's end: `credits` count those. Columns of a frame start when all its rows are in.
//
// Formats and rounding are the contract's law (model/contract/law.py); every stage's words go past a `tap`.
`default_nettype none
module retrieval #(
    parameter int SAMPLES = 1,
    parameter bit REMARKS = 0,  // whether frames are remarked on
    parameter bit WAITS = 1,  // for the verdict on a frame, and malformed ones do not leave; 0: all leave
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int PIXEL_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic [                 31:0] now,  // clock count
    input wire logic [BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                         s_axis_tvalid,
    output     logic                         s_axis_tready,
    input wire logic                         s_axis_tlast,
    output     logic [ SAMPLES*PIXEL_BITS-1:0] m_axis_tdata,
    output     logic                         m_axis_tvalid,
    input wire logic                         m_axis_tready,
    output     logic                         m_axis_tlast,
    // Pulses.
    output     logic                         frame_ended,
    output     logic                         frame_intact,
    output     logic                         too_short,
    output     logic                         too_long,
    output     logic                         frame_left,
    output     logic [                 31:0] frame_arrived,
    output     logic                         remark_valid,  // once a frame, when all of it has come
    output     logic                         remark_curled,
    output     logic                         sign_valid,    // once a frame, when its phase has passed
    output     logic                         sign_negative
);
  localparam int SIZE = contract_pkg::SIZE;
  localparam int SIZE_LOG2 = contract_pkg::SIZE_LOG2;
  localparam int BINNED_BITS = contract_pkg::BINNED_BITS;
  localparam int GRADIENT_BITS = contract_pkg::GRADIENT_BITS;
  localparam int WORD_BITS = contract_pkg::WORD_BITS;
  localparam int TWIDDLE_BITS = contract_pkg::TWIDDLE_BITS;
  localparam int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS;
  localparam int PHASE_BITS = contract_pkg::PHASE_BITS;
  localparam int TRANSPOSES = contract_pkg::TRANSPOSES;
  localparam int CODE_BITS = contract_pkg::PIXEL_BITS;
  localparam int ANGLES = contract_pkg::FRAME_CHANNELS;
  localparam int GROUPS = SIZE / SAMPLES;
  localparam int EXPONENT_BITS = 6;
  localparam int BINNED_WORD = SAMPLES * ANGLES * BINNED_BITS;
  localparam int WORD = SAMPLES * 2 * WORD_BITS;
  localparam int WIDE_BITS = WORD_BITS + 1;  // what a transform takes
  localparam int WIDE_WORD = SAMPLES * 2 * WIDE_BITS;
  localparam int GROWN_WORD = SAMPLES * 2 * (WIDE_BITS + SIZE_LOG2);
  localparam int POLYNOMIAL_BITS = COEFFICIENT_BITS + TWIDDLE_BITS + 3 + SIZE_LOG2 + 1;

  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (contract_pkg::QUOTIENT_BITS != WIDE_BITS || GRADIENT_BITS != WORD_BITS || TRANSPOSES != 2 ||
        contract_pkg::NETWORK_CHANNELS != ANGLES + 1) begin : g_check
      words_grow_by_other_rules_than_the_contracts stop ();
    end
  endgenerate

  // Line groups between the start of a segment and the memory at its end, for full rate. A transform and a
  // normalization take two lines' time and some 80 clocks.
  localparam int TURN_SLOTS = 4;
  localparam int ROW_SLOTS = SIZE > 64 ? 4 : 8;
  localparam int COLUMN_SLOTS = 8;
  localparam int OUT_SLOTS = 8;
  // Bright-field pixels wait for both transposes and for what is on its way between them.
  localparam int BRIGHT_GROUPS = TRANSPOSES * GROUPS + TURN_SLOTS + ROW_SLOTS + COLUMN_SLOTS;
  localparam int BRIGHT_LATENCY = 4;

  // A transform takes words one bit wider than stored ones.
  function automatic logic [WIDE_WORD-1:0] widened(input logic [WORD-1:0] words);
    for (int part = 0; part < 2 * SAMPLES; ++part)
      widened[part*WIDE_BITS+:WIDE_BITS] = {words[part*WORD_BITS+WORD_BITS-1], words[part*WORD_BITS+:WORD_BITS]};
  endfunction

  // ---- Rows in ----

  logic turn_room, bright_room, group_taken, group_left;
  logic raw_valid, raw_row_starts, raw_first_row, raw_last_row;
  logic [BEAT_BITS-1:0] raw_beat;
  frame_input #(.SAMPLES(SAMPLES)) frame_input (
      .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .s_axis_tlast,
      .room(turn_room && bright_room), .group_taken,
      .out_valid(raw_valid), .out_beat(raw_beat), .out_row_starts(raw_row_starts), .out_first_row(raw_first_row),
      .out_last_row(raw_last_row), .ended(frame_ended), .intact(frame_intact), .too_short, .too_long
  );

  logic binned_valid;
  logic [BINNED_WORD-1:0] binned;
  binning #(.SAMPLES(SAMPLES)) binning (
      .clk, .rst, .in_valid(raw_valid), .in_beat(raw_beat), .in_row_starts(raw_row_starts),
      .in_first_row(raw_first_row), .in_last_row(raw_last_row), .out_valid(binned_valid), .out_pixels(binned)
  );
  tap #(.STAGE("binned"), .BITS(BINNED_WORD)) binned_tap (.clk, .valid(binned_valid), .word(binned));

  logic gradient_valid;
  logic [WORD-1:0] gradients;
  pipeline_valid #(.CLOCKS(10)) gradient_pipeline (.clk, .rst, .in_valid(binned_valid), .out_valid(gradient_valid));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_gradient
      gradient #(.GAIN(contract_pkg::GRADIENT_GAIN_X)) along_x (
          .clk, .plus(binned[(ANGLES*lane)*BINNED_BITS+:BINNED_BITS]),
          .minus(binned[(ANGLES*lane+1)*BINNED_BITS+:BINNED_BITS]),
          .gradient(gradients[(2*lane)*WORD_BITS+:WORD_BITS])
      );
      gradient #(.GAIN(contract_pkg::GRADIENT_GAIN_Y)) along_y (
          .clk, .plus(binned[(ANGLES*lane+2)*BINNED_BITS+:BINNED_BITS]),
          .minus(binned[(ANGLES*lane+3)*BINNED_BITS+:BINNED_BITS]),
          .gradient(gradients[(2*lane+1)*WORD_BITS+:WORD_BITS])
      );
    end
  endgenerate
  tap #(.STAGE("gradient"), .BITS(WORD)) gradient_tap (.clk, .valid(gradient_valid), .word(gradients));

  logic row_launch, row_idle, row_active, row_room, row_left, line_valid;
  logic [WORD-1:0] line_words;
  logic [$clog2(TURN_SLOTS+1)-1:0] turn_groups;
  credits #(.COUNT(TURN_SLOTS)) turn_places (
      .clk, .rst, .take(group_taken), .give(group_left), .available(turn_room)
  );
  corner_turn #(.SAMPLES(SAMPLES), .BITS(2 * WORD_BITS), .SLOTS(TURN_SLOTS)) turn_in (
      .clk, .rst, .in_valid(gradient_valid), .in_word(gradients), .groups(turn_groups), .read(row_active),
      .group_left, .out_valid(line_valid), .out_word(line_words)
  );
  logic [SIZE_LOG2-1:0] row_place;
  logic row_last;
  line_timer #(.SIZE(SIZE)) row_timer (
      .clk, .rst, .start(row_launch), .idle(row_idle), .active(row_active), .place(row_place), .last(row_last)
  );
  // A group that is just being read still counts.
  assign row_launch = row_idle && row_room && 32'(turn_groups) > 32'(row_active);
  credits #(.COUNT(ROW_SLOTS)) row_places (.clk, .rst, .take(row_launch), .give(row_left), .available(row_room));

  logic moments_done, fitted;
  logic [12*(GRADIENT_BITS+4*SIZE_LOG2)-1:0] moments;
  logic [12*COEFFICIENT_BITS-1:0] coefficients;
  moments #(.SAMPLES(SAMPLES)) border_moments (
      .clk, .rst, .in_valid(line_valid), .in_words(line_words), .done(moments_done), .moments
  );
  surface_fit surface_fit (.clk, .rst, .start(moments_done), .moments, .done(fitted), .coefficients);

  logic row_grown_valid, row_ready, row_start, row_valid, row_first, rows_room;
  logic [GROWN_WORD-1:0] row_grown;
  logic [WORD-1:0] row_words;
  logic [SAMPLES*EXPONENT_BITS-1:0] row_exponents;
  transform #(.SAMPLES(SAMPLES)) row_transform (
      .clk, .rst, .in_valid(line_valid), .in_words(widened(line_words)), .out_valid(row_grown_valid),
      .out_words(row_grown)
  );
  normalize #(.SAMPLES(SAMPLES), .SLOTS(ROW_SLOTS)) row_normalize (
      .clk, .rst, .in_valid(row_grown_valid), .in_words(row_grown), .line_ready(row_ready), .line_start(row_start),
      .line_left(row_left), .out_valid(row_valid), .out_first(row_first), .out_words(row_words),
      .out_exponents(row_exponents)
  );
  assign row_start = row_ready && rows_room;

  // ---- Columns ----

  logic column_ready, column_launch, column_room, column_left, turned_valid, turned_first, polynomials_ready;
  logic unused_rows_whole, unused_first_group;
  logic [EXPONENT_BITS-1:0] rows_exponent;
  logic [WORD-1:0] turned_words;
  transpose #(.SAMPLES(SAMPLES)) rows_to_columns (
      .clk, .rst, .room(rows_room), .in_start(row_start), .in_valid(row_valid), .in_first(row_first),
      .in_words(row_words), .in_exponents(row_exponents), .frame_whole(unused_rows_whole), .ready(column_ready),
      .launch(column_launch), .exponent(rows_exponent), .out_valid(turned_valid), .out_first(turned_first),
      .out_first_group(unused_first_group), .out_words(turned_words)
  );
  assign column_launch = column_ready && column_room && polynomials_ready;
  credits #(.COUNT(COLUMN_SLOTS)) column_places (
      .clk, .rst, .take(column_launch), .give(column_left), .available(column_room)
  );

  logic [SAMPLES*6*POLYNOMIAL_BITS-1:0] polynomials;
  surface_columns #(.SAMPLES(SAMPLES)) surface_columns (
      .clk, .rst, .fitted, .coefficients, .ready(polynomials_ready), .take(turned_first), .polynomials
  );
  logic flat_valid;
  logic [WORD-1:0] flat_words;
  surface_subtract #(.SAMPLES(SAMPLES), .POLYNOMIAL_BITS(POLYNOMIAL_BITS)) surface_subtract (
      .clk, .rst, .in_valid(turned_valid), .in_first(turned_first), .in_words(turned_words),
      .in_exponent(rows_exponent), .polynomials, .out_valid(flat_valid), .out_words(flat_words)
  );

  logic column_grown_valid, spectrum_ready, spectrum_valid, spectrum_first, unused_spectrum_left;
  logic [GROWN_WORD-1:0] column_grown;
  logic [WORD-1:0] spectrum;
  logic [SAMPLES*EXPONENT_BITS-1:0] spectrum_growth;
  transform #(.SAMPLES(SAMPLES)) column_transform (
      .clk, .rst, .in_valid(flat_valid), .in_words(widened(flat_words)), .out_valid(column_grown_valid),
      .out_words(column_grown)
  );
  normalize #(.SAMPLES(SAMPLES)) column_normalize (
      .clk, .rst, .in_valid(column_grown_valid), .in_words(column_grown), .line_ready(spectrum_ready),
      .line_start(spectrum_ready), .line_left(unused_spectrum_left), .out_valid(spectrum_valid),
      .out_first(spectrum_first), .out_words(spectrum), .out_exponents(spectrum_growth)
  );
  tap #(.STAGE("spectrum"), .BITS(WORD)) spectrum_tap (.clk, .valid(spectrum_valid), .word(spectrum));

  // Exponents go beside the words: the frame's from the launch on, the columns' from the spectrum on.
  logic [EXPONENT_BITS-1:0] launched_exponent;
  logic [SAMPLES*EXPONENT_BITS-1:0] spectrum_exponents, quotient_exponents, column_exponents;
  exponent_queue #(.SAMPLES(1), .BITS(EXPONENT_BITS), .DEPTH(COLUMN_SLOTS)) launched_exponents (
      .clk, .rst, .write(column_launch), .in_exponents(rows_exponent), .read(spectrum_first),
      .out_exponents(launched_exponent)
  );
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_exponents
      assign spectrum_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS] =
          spectrum_growth[lane*EXPONENT_BITS+:EXPONENT_BITS] + launched_exponent;
    end
  endgenerate
  tap #(.STAGE("spectrum_exponent"), .BITS(SAMPLES * EXPONENT_BITS)) exponent_tap (
      .clk, .valid(spectrum_first), .word(spectrum_exponents)
  );

  logic quotient_valid;
  logic [WIDE_WORD-1:0] quotients;
  quotient #(.SAMPLES(SAMPLES)) quotient (
      .clk, .rst, .in_valid(spectrum_valid), .in_words(spectrum), .out_valid(quotient_valid), .out_words(quotients)
  );
  tap #(.STAGE("quotient"), .BITS(WIDE_WORD)) quotient_tap (.clk, .valid(quotient_valid), .word(quotients));

  logic integral_grown_valid, integral_ready, integral_start, integral_valid, integral_first, columns_room;
  logic [GROWN_WORD-1:0] integral_grown;
  logic [WORD-1:0] integral_words;
  logic [SAMPLES*EXPONENT_BITS-1:0] integral_growth;
  transform #(.SAMPLES(SAMPLES), .INVERSE(1)) column_inverse (
      .clk, .rst, .in_valid(quotient_valid), .in_words(quotients), .out_valid(integral_grown_valid),
      .out_words(integral_grown)
  );
  normalize #(.SAMPLES(SAMPLES), .SLOTS(COLUMN_SLOTS)) integral_normalize (
      .clk, .rst, .in_valid(integral_grown_valid), .in_words(integral_grown), .line_ready(integral_ready),
      .line_start(integral_start), .line_left(column_left), .out_valid(integral_valid), .out_first(integral_first),
      .out_words(integral_words), .out_exponents(integral_growth)
  );
  assign integral_start = integral_ready && columns_room;
  exponent_queue #(.SAMPLES(SAMPLES), .BITS(EXPONENT_BITS), .DEPTH(COLUMN_SLOTS)) spectrum_queue (
      .clk, .rst, .write(spectrum_first), .in_exponents(spectrum_exponents), .read(integral_first),
      .out_exponents(quotient_exponents)
  );
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_sums
      assign column_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS] =
          integral_growth[lane*EXPONENT_BITS+:EXPONENT_BITS] + quotient_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS];
    end
  endgenerate

  // ---- Rows out ----

  logic columns_whole, phase_ready, phase_launch, phase_room, offset_ready, back_valid, back_first, unused_back_group;
  logic [EXPONENT_BITS-1:0] columns_exponent;
  logic [WORD-1:0] back_words;
  transpose #(.SAMPLES(SAMPLES)) columns_to_rows (
      .clk, .rst, .room(columns_room), .in_start(integral_start), .in_valid(integral_valid), .in_first(integral_first),
      .in_words(integral_words), .in_exponents(column_exponents), .frame_whole(columns_whole), .ready(phase_ready),
      .launch(phase_launch), .exponent(columns_exponent), .out_valid(back_valid), .out_first(back_first),
      .out_first_group(unused_back_group), .out_words(back_words)
  );
  assign phase_launch = phase_ready && phase_room && offset_ready;

  logic signed [WORD_BITS-1:0] offset;
  logic [$clog2(GROUPS)-1:0] integral_group;
  always_ff @(posedge clk) begin
    if (rst) integral_group <= '0;
    else if (integral_first) integral_group <= integral_group + 1'b1;
  end
  phase_offset phase_offset (
      .clk, .rst, .in_valid(integral_valid), .in_first(integral_first && integral_group == 0),
      .in_im($signed(integral_words[WORD_BITS+:WORD_BITS])), .in_exponent(column_exponents[0+:EXPONENT_BITS]),
      .frame_whole(columns_whole), .exponent(columns_exponent), .ready(offset_ready), .offset
  );

  // The word kx = 0 is the first of every row.
  logic level_valid;
  logic [WIDE_WORD-1:0] level_words;
  always_ff @(posedge clk) begin
    level_valid <= !rst && back_valid;
    level_words <= widened(back_words);
    if (back_first)
      for (int lane = 0; lane < SAMPLES; ++lane)
        level_words[(2*lane+1)*WIDE_BITS+:WIDE_BITS] <=
            $signed(back_words[(2*lane+1)*WORD_BITS+:WORD_BITS]) - WIDE_BITS'(offset);
  end

  logic out_grown_valid, out_ready, out_valid, out_first, unused_out_left;
  logic [GROWN_WORD-1:0] out_grown;
  logic [WORD-1:0] out_words;
  logic [SAMPLES*EXPONENT_BITS-1:0] out_growth;
  transform #(.SAMPLES(SAMPLES), .INVERSE(1)) row_inverse (
      .clk, .rst, .in_valid(level_valid), .in_words(level_words), .out_valid(out_grown_valid), .out_words(out_grown)
  );
  normalize #(.SAMPLES(SAMPLES)) out_normalize (
      .clk, .rst, .in_valid(out_grown_valid), .in_words(out_grown), .line_ready(out_ready), .line_start(out_ready),
      .line_left(unused_out_left), .out_valid, .out_first, .out_words, .out_exponents(out_growth)
  );
  logic [EXPONENT_BITS-1:0] first_exponent, kept_exponent, phase_exponent;
  exponent_queue #(.SAMPLES(1), .BITS(EXPONENT_BITS), .DEPTH(OUT_SLOTS)) phase_exponents (
      .clk, .rst, .write(phase_launch), .in_exponents(columns_exponent), .read(out_first),
      .out_exponents(first_exponent)
  );
  assign phase_exponent = out_first ? first_exponent : kept_exponent;
  always_ff @(posedge clk) kept_exponent <= phase_exponent;

  logic phase_valid, code_valid;
  logic [SAMPLES*PHASE_BITS-1:0] phases;
  logic [SAMPLES*CODE_BITS-1:0] codes;
  pipeline_valid #(.CLOCKS(5)) phase_pipeline (.clk, .rst, .in_valid(out_valid), .out_valid(phase_valid));
  pipeline_valid #(.CLOCKS(8)) code_pipeline (.clk, .rst, .in_valid(out_valid), .out_valid(code_valid));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_phase
      phase_code #(
          .EXPONENT_MAX(contract_pkg::PASSES * (1 + SIZE_LOG2) + TRANSPOSES * contract_pkg::TRANSPOSE_GUARD_BITS)
      ) phase_code (
          .clk, .word($signed(out_words[(2*lane+1)*WORD_BITS+:WORD_BITS])),
          .exponent(phase_exponent + out_growth[lane*EXPONENT_BITS+:EXPONENT_BITS]),
          .phase(phases[lane*PHASE_BITS+:PHASE_BITS]),
          .code(codes[lane*CODE_BITS+:CODE_BITS])
      );
    end
  endgenerate
  generate
    if (REMARKS) begin : g_remarks
      frame_curl #(.SAMPLES(SAMPLES)) frame_curl (
          .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(remark_valid), .curled(remark_curled)
      );
      phase_sign #(.WORDS(SAMPLES)) phase_sign (
          .clk, .rst, .in_valid(phase_valid), .in_words(phases), .done(sign_valid), .negative(sign_negative)
      );
    end else begin : g_no_remarks
      assign {remark_valid, remark_curled, sign_valid, sign_negative} = '0;
    end
  endgenerate
  tap #(.STAGE("phase"), .BITS(SAMPLES * PHASE_BITS)) phase_tap (.clk, .valid(phase_valid), .word(phases));

  logic out_group_left, out_read, beat_valid;
  logic [$clog2(OUT_SLOTS+1)-1:0] out_groups;
  logic [SAMPLES*CODE_BITS-1:0] beat_codes;
  logic [SAMPLES*ANGLES*CODE_BITS-1:0] bright;
  logic [SAMPLES*PIXEL_BITS-1:0] pixels;
  credits #(.COUNT(OUT_SLOTS)) out_places (
      .clk, .rst, .take(phase_launch), .give(out_group_left), .available(phase_room)
  );
  corner_turn #(.SAMPLES(SAMPLES), .BITS(CODE_BITS), .SLOTS(OUT_SLOTS), .TO_LINES(0)) turn_out (
      .clk, .rst, .in_valid(code_valid), .in_word(codes), .groups(out_groups), .read(out_read),
      .group_left(out_group_left), .out_valid(beat_valid), .out_word(beat_codes)
  );
  credits #(.COUNT(BRIGHT_GROUPS)) bright_places (
      .clk, .rst, .take(group_taken), .give(out_group_left), .available(bright_room)
  );
  bright_field #(.SAMPLES(SAMPLES), .DEPTH(BRIGHT_GROUPS * SIZE), .READ_LATENCY(BRIGHT_LATENCY)) bright_field (
      .clk, .rst, .in_valid(binned_valid), .in_pixels(binned), .read(out_read), .out_codes(bright)
  );
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_pixel
      assign pixels[lane*PIXEL_BITS+:PIXEL_BITS] =
          {beat_codes[lane*CODE_BITS+:CODE_BITS], bright[lane*ANGLES*CODE_BITS+:ANGLES*CODE_BITS]};
    end
  endgenerate
  frame_output #(.SAMPLES(SAMPLES), .WAITS(WAITS), .READ_LATENCY(BRIGHT_LATENCY)) frame_output (
      .clk, .rst, .ended(frame_ended), .intact(frame_intact), .now, .beats_ready(out_groups != 0), .read(out_read),
      .in_valid(beat_valid), .in_pixels(pixels), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready,
      .m_axis_tlast, .frame_left, .arrived(frame_arrived)
  );
endmodule
`default_nettype wire
