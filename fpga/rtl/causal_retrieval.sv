// Phase retrieval by the law "causal" from a stream of raw four-angle frames to a stream of the network's pixels, SAMPLES
// samples a clock: rows leave while later ones arrive.
//
//   rows in:  crop, binning, gradient, sharpening | row queue
//   launched: row transform, columns on their way down, two rows to a line, inverse row transform, phase | codes of rows
// A bar is where words wait. What is launched never stalls: a pair of rows sets out only when it has a place at the end,
// and a frame's first row only when the background, its lines and the phase's zero are known. Meanwhile the border of the
// frame that arrives is fitted, and the background follows it before the next frame's rows are launched.
//
// Formats and rounding are the contract's law (model/contract/recursion.py); stages' words go past a `tap`.
`default_nettype none
module causal_retrieval #(
    parameter int SAMPLES = 1,
    parameter bit REMARKS = 0,  // whether frames are remarked on
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int PIXEL_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                          clk,
    input wire logic                          rst,
    input wire logic                          rst_registers,  // of the background
    input wire logic [                  31:0] now,            // clock count
    input wire logic [         BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                          s_axis_tvalid,
    output     logic                          s_axis_tready,
    input wire logic                          s_axis_tlast,
    output     logic [SAMPLES*PIXEL_BITS-1:0] m_axis_tdata,
    output     logic                          m_axis_tuser,
    output     logic                          m_axis_tvalid,
    input wire logic                          m_axis_tready,
    output     logic                          m_axis_tlast,
    // Pulses.
    output     logic                          frame_ended,
    output     logic                          frame_intact,
    output     logic                          too_short,
    output     logic                          too_long,
    output     logic                          frame_left,
    output     logic [                  31:0] frame_arrived,
    output     logic                          remark_valid,   // once a frame, when all of it has come
    output     logic                          remark_unsettled,
    output     logic                          remark_clipped,
    output     logic                          remark_curled,
    output     logic [                   1:0] remark_half,
    output     logic                          sign_valid,     // once a frame, when its phase has passed
    output     logic                          sign_negative,
    // The background's registers.
    input wire logic                          register_write,
    input wire logic [                   7:0] register_write_address,
    input wire logic [                  31:0] register_write_data,
    input wire logic [                   7:0] register_read_address,
    output     logic [                  31:0] register_read_data
);
  localparam int SIZE = contract_pkg::SIZE;
  localparam int SIZE_LOG2 = contract_pkg::SIZE_LOG2;
  localparam int BINNED_BITS = contract_pkg::BINNED_BITS;
  localparam int GRADIENT_BITS = contract_pkg::GRADIENT_BITS;
  localparam int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS;
  localparam int ROW_BITS = contract_pkg::ROW_BITS;
  localparam int STATE_BITS = contract_pkg::STATE_BITS;
  localparam int LINE_BITS = contract_pkg::LINE_BITS;
  localparam int PHASE_BITS = contract_pkg::PHASE_BITS;
  localparam int CODE_BITS = contract_pkg::PIXEL_BITS;
  localparam int ANGLES = contract_pkg::FRAME_CHANNELS;
  localparam int BEATS = SIZE / SAMPLES;  // of a row
  localparam int BEAT_COUNT = $clog2(BEATS);
  localparam int SHARP_BITS = GRADIENT_BITS + 1;
  localparam int GROWN_BITS = SHARP_BITS + SIZE_LOG2;
  localparam int SHARP_WORD = SAMPLES * 2 * SHARP_BITS;
  localparam int BINNED_WORD = SAMPLES * ANGLES * BINNED_BITS;
  // Half of the columns have a recursion, and two rows are one line: half as many lanes as samples do.
  localparam int LANES = SAMPLES > 1 ? SAMPLES / 2 : 1;
  localparam int SLOTS = SIZE / 2 / LANES;
  localparam int SLOT_BITS = $clog2(SLOTS);
  // Rows that wait: the zero needs nine, and at full rate the others arrive while the background follows the frame before.
  localparam int ROWS = BEATS > 16 ? 16 : 32;
  // Pairs of rows between their launch and the stream, for full rate.
  localparam int PAIRS = BEATS > 16 ? 8 : 16;
  localparam int BRIGHT_LATENCY = 4;

  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (SIZE % ROWS != 0 || BEATS < 16 || contract_pkg::NETWORK_CHANNELS != ANGLES + 1) begin : g_check
      rows_are_shorter_than_the_recursions_loop stop ();
    end
  endgenerate

  // ---- Rows in ----

  logic row_taken, launch, queue_idle, line_valid, fitted;
  logic binned_valid, gradient_valid, sharp_valid, sharp_last, sharp_ends;
  logic [$clog2(ROWS):0] rows;
  logic [BINNED_WORD-1:0] binned;
  logic [SAMPLES*SHARP_BITS-1:0] sharp_y, last_y;
  logic [SHARP_WORD-1:0] line_words;
  logic [SAMPLES*2*GRADIENT_BITS-1:0] gradients;
  logic [12*COEFFICIENT_BITS-1:0] fit, surface;
  sharp_rows #(.SAMPLES(SAMPLES), .ROWS(ROWS)) sharp_rows (
      .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .s_axis_tlast, .room(1'b1), .row_taken, .frame_ended,
      .frame_intact, .too_short, .too_long, .binned_valid, .binned, .gradient_valid, .gradients, .sharp_valid, .sharp_last,
      .sharp_ends, .sharp_y, .last_y, .fitted, .fit, .rows, .launch, .queue_idle, .line_valid, .line_words
  );

  // ---- The background ----

  logic followed, background_busy, settled;
  background background (
      .clk, .rst(rst_registers), .fitted, .fit, .busy(background_busy), .followed, .surface, .settled,
      .write(register_write), .write_address(register_write_address), .write_data(register_write_data),
      .read_address(register_read_address), .read_data(register_read_data)
  );

  // A frame knows the background once it has begun, and the border of the one before it was followed.
  logic [SIZE_LOG2+BEAT_COUNT-1:0] gradient_beat;
  logic waiting, following, known, lines_busy, lines_done, lines_ready, lines_odd;
  assign known = waiting && !following && !background_busy && !lines_busy;
  always_ff @(posedge clk) begin
    if (rst) begin
      gradient_beat <= '0;
      {waiting, following, lines_ready, lines_odd} <= '0;
    end else begin
      if (gradient_valid) gradient_beat <= gradient_beat + 1'b1;
      if (gradient_valid && gradient_beat == 0) waiting <= 1'b1;
      else if (known) waiting <= 1'b0;
      if (gradient_valid && &gradient_beat) following <= 1'b1;
      else if (followed) following <= 1'b0;
      if (lines_done) begin
        lines_ready <= 1'b1;
        lines_odd   <= !lines_odd;
      end else if (launch && y == 0) lines_ready <= 1'b0;
    end
  end

  tap #(.STAGE("background"), .BITS(12 * COEFFICIENT_BITS)) background_tap (.clk, .valid(known), .word(surface));

  logic line_write;
  logic [LANES-1:0] line_lane;
  logic [SLOT_BITS-1:0] line_slot;
  logic [4*LINE_BITS-1:0] surface_line, unused_line;
  surface_lines #(.LANES(LANES)) surface_lines (
      .clk, .rst, .start(known), .surface, .busy(lines_busy), .done(lines_done), .write(line_write),
      .write_lane(line_lane), .write_slot(line_slot), .line(surface_line), .conjugate(unused_line)
  );

  // kx = 0, and the phase's zero.
  logic zero_ready, mean_valid, mean_read, mean_waits;
  logic signed [STATE_BITS-1:0] mean, next_mean;
  logic [5:0] unused_means;
  mean_column #(.SAMPLES(SAMPLES), .WAITING(ROWS)) mean_column (
      .clk, .rst, .in_valid(sharp_valid), .in_last(sharp_last), .in_ends(sharp_ends), .in_words(sharp_y),
      .last_words(last_y), .known, .one($signed(surface[6*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .t($signed(surface[8*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .ss($signed(surface[9*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .tt($signed(surface[10*COEFFICIENT_BITS+:COEFFICIENT_BITS])), .rows_wait(rows >= 1 << contract_pkg::OFFSET_ROWS_LOG2),
      .ready(zero_ready), .take(launch), .out_valid(mean_valid), .mean
  );
  fifo #(.BITS(STATE_BITS), .DEPTH(32)) means (
      .clk, .rst, .write(mean_valid), .in_word(mean), .read(mean_read), .out_valid(mean_waits), .out_word(next_mean),
      .level(unused_means)
  );

  // ---- Launched rows ----

  logic [SIZE_LOG2-1:0] y;
  logic pair_room, pair_left;
  assign launch = rows != 0 && queue_idle && (y != 0 || (lines_ready && zero_ready)) && (y[0] || pair_room);
  always_ff @(posedge clk) begin
    if (rst) y <= '0;
    else if (launch) y <= y + 1'b1;
  end
  credits #(.COUNT(PAIRS)) pair_places (
      .clk, .rst, .take(launch && !y[0]), .give(pair_left), .available(pair_room)
  );

  logic grown_valid;
  logic [SAMPLES*2*GROWN_BITS-1:0] grown;
  transform #(.SAMPLES(SAMPLES), .IN_BITS(SHARP_BITS), .NEIGHBORS(SAMPLES)) row_transform (
      .clk, .rst, .in_valid(line_valid), .in_words(line_words), .out_valid(grown_valid), .out_words(grown)
  );

  // Columns k < N / 2 are in every other lane, or in every other word of the only one.
  logic [BEAT_COUNT-1:0] grown_beat;
  logic [SIZE_LOG2-1:0] grown_row;
  logic grown_odd, column_arrives;
  logic [SLOT_BITS-1:0] arriving_slot;
  assign column_arrives = grown_valid && (SAMPLES > 1 || !grown_beat[0]);
  assign arriving_slot  = SLOT_BITS'(SAMPLES > 1 ? grown_beat : grown_beat >> 1);
  always_ff @(posedge clk) begin
    if (rst) begin
      grown_beat <= '0;
      grown_row  <= '0;
      grown_odd  <= 1'b0;
    end else if (grown_valid) begin
      grown_beat <= grown_beat + 1'b1;
      if (&grown_beat) grown_row <= grown_row + 1'b1;
      if (&grown_beat && &grown_row) grown_odd <= !grown_odd;
    end
  end

  logic [LANES-1:0] row_valid, lane_valid;
  logic [LANES*SLOT_BITS-1:0] lane_slots;
  logic [LANES*2*ROW_BITS-1:0] row_words;
  logic [LANES*2*STATE_BITS-1:0] lane_words, columns;
  generate
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
      causal_lane #(.SLOTS(SLOTS), .FIRST(lane * SLOTS)) causal_lane (
          .clk, .rst, .line_write(line_write && line_lane[lane]), .line_odd(lines_odd), .line_slot,
          .line(surface_line), .in_valid(column_arrives), .in_first(grown_row == 0), .in_odd(grown_odd),
          .in_slot(arriving_slot), .in_word(grown[2*lane*2*GROWN_BITS+:2*GROWN_BITS]), .row_valid(row_valid[lane]),
          .row_word(row_words[lane*2*ROW_BITS+:2*ROW_BITS]), .out_valid(lane_valid[lane]),
          .out_slot(lane_slots[lane*SLOT_BITS+:SLOT_BITS]), .out_word(lane_words[lane*2*STATE_BITS+:2*STATE_BITS])
      );
    end
  endgenerate
  tap #(.STAGE("rows"), .BITS(LANES * 2 * ROW_BITS)) rows_tap (.clk, .valid(row_valid[0]), .word(row_words));

  logic column_valid;
  logic [SLOT_BITS-1:0] column_slot;
  assign column_valid = lane_valid[0];
  assign column_slot  = lane_slots[0+:SLOT_BITS];
  assign mean_read    = column_valid && column_slot == 0;
  always_comb begin
    columns = lane_words;
    if (column_slot == 0) columns[0+:2*STATE_BITS] = {next_mean, STATE_BITS'(0)};
  end
  tap #(.STAGE("columns"), .BITS(LANES * 2 * STATE_BITS)) columns_tap (.clk, .valid(column_valid), .word(columns));

  logic pair_valid, phase_word_valid;
  logic [LANES*2*STATE_BITS-1:0] pair_words, phase_words;
  phase_lines #(.LANES(LANES)) phase_lines (
      .clk, .rst, .in_valid(column_valid), .in_slot(column_slot), .in_words(columns), .out_valid(pair_valid),
      .out_words(pair_words)
  );
  transform #(.SAMPLES(LANES), .IN_BITS(STATE_BITS), .INVERSE(1), .NEIGHBORS(LANES), .SATURATE(1)) row_inverse (
      .clk, .rst, .in_valid(pair_valid), .in_words(pair_words), .out_valid(phase_word_valid), .out_words(phase_words)
  );

  // The imaginary part is the row above.
  logic phase_valid, code_valid;
  logic [LANES*2*PHASE_BITS-1:0] phases;
  logic [LANES*2*CODE_BITS-1:0] codes;
  pipeline_valid #(.CLOCKS(5)) phase_pipeline (.clk, .rst, .in_valid(phase_word_valid), .out_valid(phase_valid));
  pipeline_valid #(.CLOCKS(8)) code_pipeline (.clk, .rst, .in_valid(phase_word_valid), .out_valid(code_valid));
  generate
    for (genvar row = 0; row < 2 * LANES; ++row) begin : g_phase
      phase_code #(.IN_BITS(STATE_BITS)) phase_code (
          .clk, .word($signed(phase_words[(row^1)*STATE_BITS+:STATE_BITS])), .exponent('0),
          .phase(phases[row*PHASE_BITS+:PHASE_BITS]), .code(codes[row*CODE_BITS+:CODE_BITS])
      );
    end
  endgenerate
  tap #(.STAGE("phase"), .BITS(LANES * 2 * PHASE_BITS)) phase_tap (.clk, .valid(phase_valid), .word(phases));

  // ---- Remarks ----

  // The curl is known last. What was known of the background when the frame began is known before its end: fewer rows wait
  // than it has.
  generate
    if (REMARKS) begin : g_remarks
      always_ff @(posedge clk) if (known) remark_unsettled <= !settled;
      cleaner_edge #(.SAMPLES(SAMPLES)) cleaner_edge (
          .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(), .half(remark_half)
      );
      frame_curl #(.SAMPLES(SAMPLES)) frame_curl (
          .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(remark_valid), .curled(remark_curled)
      );
      phase_sign #(.WORDS(2 * LANES)) phase_sign (
          .clk, .rst, .in_valid(phase_valid), .in_words(phases), .done(sign_valid), .negative(sign_negative)
      );
    end else begin : g_no_remarks
      assign {remark_valid, remark_unsettled, remark_curled, remark_half, sign_valid, sign_negative} = '0;
    end
  endgenerate
  assign remark_clipped = remark_half == 2'(contract_pkg::HALF_UP);

  // ---- Rows out ----

  logic out_read, unused_row_left;
  logic [$clog2(PAIRS+1)-1:0] pairs;
  logic [SAMPLES*CODE_BITS-1:0] beat_codes;
  logic [SAMPLES*ANGLES*CODE_BITS-1:0] bright;
  logic [SAMPLES*PIXEL_BITS-1:0] pixels;
  row_codes #(.SAMPLES(SAMPLES), .LANES(LANES), .BITS(CODE_BITS), .PAIRS(PAIRS)) row_codes (
      .clk, .rst, .in_valid(code_valid), .in_codes(codes), .pairs, .read(out_read), .row_left(unused_row_left),
      .pair_left, .out_codes(beat_codes)
  );
  // What is inside has a place in the queue or behind its launch.
  bright_field #(
      .SAMPLES(SAMPLES), .DEPTH((ROWS + 2 * PAIRS) * BEATS), .READ_LATENCY(BRIGHT_LATENCY)
  ) bright_field (.clk, .rst, .in_valid(binned_valid), .in_pixels(binned), .read(out_read), .out_codes(bright));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_pixel
      assign pixels[lane*PIXEL_BITS+:PIXEL_BITS] =
          {beat_codes[lane*CODE_BITS+:CODE_BITS], bright[lane*ANGLES*CODE_BITS+:ANGLES*CODE_BITS]};
    end
  endgenerate
  row_output #(.SAMPLES(SAMPLES), .READ_LATENCY(BRIGHT_LATENCY)) row_output (
      .clk, .rst, .ended(frame_ended), .intact(frame_intact), .now, .beats_ready(pairs != 0), .read(out_read),
      .in_pixels(pixels), .m_axis_tdata, .m_axis_tuser, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast, .frame_left,
      .arrived(frame_arrived)
  );
endmodule
`default_nettype wire
