// Phase retrieval by the law "two-sided" from a stream of raw four-angle frames to a stream of the network's pixels, SAMPLES
// samples a clock: columns on their way down while rows arrive, and back up behind the last one. Rows leave from the last
// to the first.
//
//   rows in:    crop, binning, gradient, sharpening | row queue
//   down:       row transform, pairs, states | frame
//   back:       less the surface, the other half, two rows to a line, inverse row transform, phase | codes of rows
// A frame's surface is its border's. Where the design has a known one it may be that of empty fields, as registers say; then
// the half that starts at the cleaner edge tells a frame, or both do. A bar is where words wait. A row goes down when it has a place in the frame memory, which has one frame's and some to
// spare: rows of the next frame take what is free. A frame goes back when it is in, its border is fitted and what the
// surface is in its columns is known; a pair of rows, when it has a place at the end.
//
// Formats and rounding are the contract's law (model/contract/recursion.py); stages' words go past a `tap`.
`default_nettype none
module two_sided_retrieval #(
    parameter int SAMPLES = 1,
    parameter bit REMARKS = 0,  // whether frames are remarked on
    parameter bit WAITS = 1,  // for the verdict on a frame, and malformed ones do not leave; 0: all leave
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int PIXEL_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                          clk,
    input wire logic                          rst,
    input wire logic [                  31:0] now,  // clock count
    input wire logic [         BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                          s_axis_tvalid,
    output     logic                          s_axis_tready,
    input wire logic                          s_axis_tlast,
    output     logic [SAMPLES*PIXEL_BITS-1:0] m_axis_tdata,
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
    output     logic                          remark_valid,   // once a frame, before its rows leave
    output     logic                          remark_unsettled,
    output     logic                          remark_clipped,
    output     logic                          remark_curled,
    output     logic [                   1:0] remark_half,
    output     logic                          sign_valid,     // once a frame, when its phase has passed
    output     logic                          sign_negative,
    // The known surface's registers.
    input wire logic                          rst_registers,
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
  localparam int SHARP_BITS = GRADIENT_BITS + 1;
  localparam int GROWN_BITS = SHARP_BITS + SIZE_LOG2;
  localparam int GRADIENT_WORD = SAMPLES * 2 * GRADIENT_BITS;
  localparam int SHARP_WORD = SAMPLES * 2 * SHARP_BITS;
  localparam int BINNED_WORD = SAMPLES * ANGLES * BINNED_BITS;
  // Half of the columns have a recursion, and two rows are one line: half as many lanes as samples do.
  localparam int LANES = SAMPLES > 1 ? SAMPLES / 2 : 1;
  localparam int SLOTS = SIZE / 2 / LANES;
  localparam int SLOT_BITS = $clog2(SLOTS);
  // Rows that wait: at full rate they arrive while the frame before is fitted and its last rows find their places.
  localparam int ROWS = BEATS > 16 ? 16 : 32;
  // Pairs of rows between their launch and the stream, for full rate.
  localparam int PAIRS = BEATS > 16 ? 8 : 16;
  // Places for rows that come while a frame's last rows are on their way to the memory.
  localparam int SPARE = 16;
  localparam int PLACE_BITS = $clog2(SIZE + SPARE);
  localparam int BRIGHT_LATENCY = 4;

  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (SIZE % ROWS != 0 || BEATS < 16 || contract_pkg::NETWORK_CHANNELS != ANGLES + 1) begin : g_check
      rows_are_shorter_than_the_recursions_loop stop ();
    end
  endgenerate

  // ---- Rows in ----

  logic bright_room, row_taken, row_left, launch, queue_idle, line_valid, fitted;
  logic binned_valid, gradient_valid, sharp_valid, sharp_last, sharp_ends;
  logic [$clog2(ROWS):0] rows;
  logic [BINNED_WORD-1:0] binned;
  logic [SAMPLES*SHARP_BITS-1:0] sharp_y, last_y;
  logic [SHARP_WORD-1:0] line_words;
  logic [GRADIENT_WORD-1:0] gradients;
  logic [12*COEFFICIENT_BITS-1:0] fit, surface, known_surface;
  sharp_rows #(.SAMPLES(SAMPLES), .ROWS(ROWS)) sharp_rows (
      .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .s_axis_tlast, .room(bright_room), .row_taken,
      .frame_ended, .frame_intact, .too_short, .too_long, .binned_valid, .binned, .gradient_valid, .gradients, .sharp_valid,
      .sharp_last, .sharp_ends, .sharp_y, .last_y, .fitted, .fit, .rows, .launch, .queue_idle, .line_valid, .line_words
  );
  credits #(.COUNT(2 * SIZE)) bright_places (.clk, .rst, .take(row_taken), .give(row_left), .available(bright_room));

  // ---- Down ----

  logic place_room, row_read;
  assign launch = rows != 0 && queue_idle && place_room;
  credits #(.COUNT(SIZE + SPARE)) frame_places (.clk, .rst, .take(launch), .give(row_read), .available(place_room));

  logic grown_valid, down_valid;
  logic [SAMPLES*2*GROWN_BITS-1:0] grown;
  logic [SLOT_BITS-1:0] down_slot;
  logic [LANES*2*GROWN_BITS-1:0] grown_plus, grown_minus;
  transform #(.SAMPLES(SAMPLES), .IN_BITS(SHARP_BITS), .NEIGHBORS(SAMPLES)) row_transform (
      .clk, .rst, .in_valid(line_valid), .in_words(line_words), .out_valid(grown_valid), .out_words(grown)
  );
  row_pairs #(.SAMPLES(SAMPLES), .BITS(GROWN_BITS)) row_pairs (
      .clk, .rst, .in_valid(grown_valid), .in_words(grown), .out_valid(down_valid), .out_slot(down_slot),
      .plus(grown_plus), .minus(grown_minus)
  );
  logic [SIZE_LOG2-1:0] down_row, write_row;
  logic frame_written;
  logic [1:0] write_frame, back_frame;
  logic [LANES-1:0] write;
  logic [LANES*SLOT_BITS-1:0] write_slots;
  logic [LANES*4*ROW_BITS-1:0] row_words;
  assign frame_written = write[0] && &write_slots[0+:SLOT_BITS] && &write_row;
  always_ff @(posedge clk) begin
    if (rst) begin
      down_row  <= '0;
      write_row <= '0;
      write_frame <= '0;
    end else begin
      if (down_valid && &down_slot) down_row <= down_row + 1'b1;
      if (write[0] && &write_slots[0+:SLOT_BITS]) write_row <= write_row + 1'b1;
      if (frame_written) write_frame <= write_frame + 1'b1;
    end
  end
  tap #(.STAGE("rows"), .BITS(LANES * 4 * ROW_BITS)) rows_tap (.clk, .valid(write[0]), .word(row_words));

  // ---- The surface ----

  logic known, surface_waits, frame_waits, preparing, prepared_odd, first_launch;
  logic unused_busy, lines_done, response_done, lines_ready, line_write, means_done, means_ready;
  logic [LANES-1:0] line_lane;
  logic [SLOT_BITS-1:0] line_slot;
  logic [4*LINE_BITS-1:0] surface_line, conjugate_line;

  // The half of a frame is told before the next one's can be: it is kept beside what is prepared.
  logic is_known, stands, edges_done;
  logic [1:0] half, next_half, told_half;
  logic [1:0] halves[2];  // of every other frame
  generate
    if (contract_pkg::KNOWN_SURFACE != 0) begin : g_known
      surface_registers surface_registers (
          .clk, .rst(rst_registers), .is_known, .surface(known_surface), .half(told_half), .write(register_write),
          .write_address(register_write_address), .write_data(register_write_data),
          .read_address(register_read_address), .read_data(register_read_data)
      );
      cleaner_edge #(.SAMPLES(SAMPLES)) cleaner_edge (
          .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(edges_done), .half
      );
    end else begin : g_own_border
      assign {is_known, edges_done, known_surface} = '0;
      assign half = 2'(contract_pkg::HALF_BOTH);
      assign register_read_data = '0;
    end
  endgenerate
  assign stands    = is_known ? edges_done : fitted;
  assign surface   = is_known ? known_surface : fit;
  assign next_half = is_known ? half : 2'(contract_pkg::HALF_BOTH);
  always_ff @(posedge clk) if (known) halves[prepared_odd] <= next_half;

  assign known = surface_waits && frame_waits && !preparing;
  assign {remark_valid, remark_unsettled, remark_clipped, remark_half} = {known, 2'b00, next_half};
  always_ff @(posedge clk) begin
    if (rst) {surface_waits, frame_waits, preparing, prepared_odd, lines_ready, means_ready} <= '0;
    else begin
      if (stands) surface_waits <= 1'b1;
      else if (known) surface_waits <= 1'b0;
      if (frame_written) frame_waits <= 1'b1;
      else if (known) frame_waits <= 1'b0;
      if (known) preparing <= 1'b1;
      else if (first_launch) preparing <= 1'b0;
      if (response_done) lines_ready <= 1'b1;
      else if (first_launch) lines_ready <= 1'b0;
      if (means_done) means_ready <= 1'b1;
      else if (first_launch) means_ready <= 1'b0;
      if (first_launch) prepared_odd <= !prepared_odd;
    end
  end
  surface_lines #(.LANES(LANES)) surface_lines (
      .clk, .rst, .start(known), .surface, .busy(unused_busy), .done(lines_done), .write(line_write),
      .write_lane(line_lane), .write_slot(line_slot), .line(surface_line), .conjugate(conjugate_line)
  );
  localparam int RESPONSE_BITS = 2 * (STATE_BITS + LINE_BITS);
  localparam int RESPONSE_CLOCKS = 9;
  logic [RESPONSE_BITS-1:0] response;
  logic response_write;
  logic [LANES-1:0] response_lane;
  logic [SLOT_BITS-1:0] response_slot;
  logic [4*LINE_BITS-1:0] line, conjugate;
  surface_response #(.LANES(LANES)) surface_response (
      .clk, .lane(line_lane), .slot(line_slot), .line(surface_line), .response
  );
  pipeline_valid #(.CLOCKS(RESPONSE_CLOCKS)) write_pipeline (.clk, .rst, .in_valid(line_write), .out_valid(response_write));
  pipeline_valid #(.CLOCKS(RESPONSE_CLOCKS)) done_pipeline (.clk, .rst, .in_valid(lines_done), .out_valid(response_done));
  delay #(.BITS(LANES + SLOT_BITS + 8 * LINE_BITS), .CLOCKS(RESPONSE_CLOCKS)) beside_response (
      .clk, .in_word({line_lane, line_slot, surface_line, conjugate_line}),
      .out_word({response_lane, response_slot, line, conjugate})
  );

  // kx = 0.
  logic signed [STATE_BITS-1:0] mean, next_mean;
  logic mean_valid, mean_read, unused_mean_waits;
  logic [3:0] unused_means;
  mean_rows #(.SAMPLES(SAMPLES)) mean_rows (
      .clk, .rst, .in_valid(sharp_valid), .in_last(sharp_last), .in_ends(sharp_ends), .in_words(sharp_y),
      .last_words(last_y), .known, .one($signed(surface[6*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .t($signed(surface[8*COEFFICIENT_BITS+:COEFFICIENT_BITS])), .ss($signed(surface[9*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .tt($signed(surface[10*COEFFICIENT_BITS+:COEFFICIENT_BITS])),
      .both(halves[prepared_odd] == 2'(contract_pkg::HALF_BOTH)), .upward(halves[prepared_odd] == 2'(contract_pkg::HALF_UP)),
      .done(means_done), .row_odd(back_frame[0]), .row(back_row), .mean
  );
  fifo #(.BITS(STATE_BITS), .DEPTH(8)) means (
      .clk, .rst, .write(mean_valid), .in_word(mean), .read(mean_read), .out_valid(unused_mean_waits),
      .out_word(next_mean), .level(unused_means)
  );

  // ---- Back ----

  logic pair_room, pair_left, back_launch, back_idle, back_active, back_ends;
  logic lane_odd, back_valid, back_last, back_top;
  logic [1:0] back_half, lane_half;
  logic [SIZE_LOG2-1:0] back_row, launched;  // from the last row on; launched, from 0 on
  logic [SLOT_BITS-1:0] back_place, back_slot;
  logic [PLACE_BITS-1:0] write_place, read_place;
  assign back_launch =
      back_idle && (launched != 0 || (lines_ready && means_ready)) && (launched[0] || pair_room);
  assign first_launch = back_launch && launched == 0;
  assign row_read     = back_ends;
  assign back_half    = halves[back_frame[0]];
  line_timer #(.SIZE(SLOTS)) back_timer (
      .clk, .rst, .start(back_launch), .idle(back_idle), .active(back_active), .place(back_place), .last(back_ends)
  );
  credits #(.COUNT(PAIRS)) pair_places (
      .clk, .rst, .take(back_launch && !launched[0]), .give(pair_left), .available(pair_room)
  );
  always_ff @(posedge clk) begin
    if (rst) begin
      launched <= '0;
      back_row <= '1;
      back_frame <= '0;
    end else begin
      if (back_launch) launched <= launched + 1'b1;
      if (back_ends) back_row <= back_row - 1'b1;
      if (back_ends && back_row == 0) back_frame <= back_frame + 1'b1;
    end
    if (rst_registers) told_half <= 2'(contract_pkg::HALF_BOTH);
    else if (back_ends && back_row == 0) told_half <= back_half;
  end
  pipeline_valid #(.CLOCKS(2)) back_pipeline (.clk, .rst, .in_valid(back_active), .out_valid(back_valid));
  delay #(.BITS(5 + SLOT_BITS), .CLOCKS(2)) beside_frame (
      .clk, .in_word({back_half, back_frame[0], &back_row, back_row == 0, back_place}),
      .out_word({lane_half, lane_odd, back_last, back_top, back_slot})
  );
  row_places #(.SPARE(SPARE)) row_places (
      .clk, .rst, .write(write[0] && write_slots[0+:SLOT_BITS] == 0), .write_frame, .write_row, .write_place,
      .read_frame(back_frame), .read_row(back_row), .read_place, .read_last(back_ends)
  );
  pipeline_valid #(.CLOCKS(2)) mean_pipeline (
      .clk, .rst, .in_valid(back_active && back_place == 0), .out_valid(mean_valid)
  );

  logic [LANES-1:0] lane_valid;
  logic [LANES*SLOT_BITS-1:0] lane_slots;
  logic [LANES*2*STATE_BITS-1:0] lane_words, columns;
  generate
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
      logic [2*ROW_BITS-1:0] plus, minus, plus_back, minus_back;
      logic [2*STATE_BITS-1:0] state, state_back;
      logic [SLOT_BITS-1:0] slot;
      assign slot = write_slots[lane*SLOT_BITS+:SLOT_BITS];
      assign row_words[lane*4*ROW_BITS+:4*ROW_BITS] = {minus, plus};
      down_lane #(.SLOTS(SLOTS), .FIRST(lane * SLOTS)) down_lane (
          .clk, .rst, .in_valid(down_valid), .in_first(down_row == 0), .in_slot(down_slot),
          .in_plus(grown_plus[lane*2*GROWN_BITS+:2*GROWN_BITS]),
          .in_minus(grown_minus[lane*2*GROWN_BITS+:2*GROWN_BITS]), .out_valid(write[lane]),
          .out_slot(write_slots[lane*SLOT_BITS+:SLOT_BITS]), .plus, .minus, .state
      );
      ram #(.BITS(4 * ROW_BITS + 2 * STATE_BITS), .DEPTH((SIZE + SPARE) * SLOTS)) frame (
          .clk, .write(write[lane]), .write_address({write_place, slot}), .write_word({state, minus, plus}),
          .read_address({read_place, back_place}),
          .read_word({state_back, minus_back, plus_back})
      );
      back_lane #(.SLOTS(SLOTS), .FIRST(lane * SLOTS)) back_lane (
          .clk, .rst, .line_write(response_write && response_lane[lane]), .line_odd(prepared_odd), .line_slot(response_slot), .line,
          .conjugate, .response, .in_valid(back_valid), .in_odd(lane_odd), .in_last(back_last), .in_top(back_top), .in_half(lane_half),
          .in_slot(back_slot),
          .plus(plus_back), .minus(minus_back), .state(state_back), .out_valid(lane_valid[lane]),
          .out_slot(lane_slots[lane*SLOT_BITS+:SLOT_BITS]), .out_word(lane_words[lane*2*STATE_BITS+:2*STATE_BITS])
      );
    end
  endgenerate

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
  phase_lines #(.LANES(LANES), .UPWARD(1)) phase_lines (
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
  generate
    if (REMARKS) begin : g_remarks
      frame_curl #(.SAMPLES(SAMPLES)) frame_curl (
          .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(), .curled(remark_curled)
      );
      phase_sign #(.WORDS(2 * LANES)) phase_sign (
          .clk, .rst, .in_valid(phase_valid), .in_words(phases), .done(sign_valid), .negative(sign_negative)
      );
    end else begin : g_no_remarks
      assign {remark_curled, sign_valid, sign_negative} = '0;
    end
  endgenerate
  tap #(.STAGE("phase"), .BITS(LANES * 2 * PHASE_BITS)) phase_tap (.clk, .valid(phase_valid), .word(phases));

  // ---- Rows out ----

  logic out_read, beat_valid;
  logic [$clog2(PAIRS+1)-1:0] pairs;
  logic [SAMPLES*CODE_BITS-1:0] beat_codes;
  logic [SAMPLES*ANGLES*CODE_BITS-1:0] bright;
  logic [SAMPLES*PIXEL_BITS-1:0] pixels;
  row_codes #(.SAMPLES(SAMPLES), .LANES(LANES), .BITS(CODE_BITS), .UPWARD(1), .PAIRS(PAIRS)) row_codes (
      .clk, .rst, .in_valid(code_valid), .in_codes(codes), .pairs, .read(out_read), .row_left,
      .pair_left, .out_codes(beat_codes)
  );
  frame_codes #(.SAMPLES(SAMPLES)) frame_codes (
      .clk, .rst, .in_valid(binned_valid), .in_pixels(binned), .read(out_read), .out_codes(bright)
  );
  pipeline_valid #(.CLOCKS(BRIGHT_LATENCY)) beat_pipeline (.clk, .rst, .in_valid(out_read), .out_valid(beat_valid));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_pixel
      assign pixels[lane*PIXEL_BITS+:PIXEL_BITS] =
          {beat_codes[lane*CODE_BITS+:CODE_BITS], bright[lane*ANGLES*CODE_BITS+:ANGLES*CODE_BITS]};
    end
  endgenerate
  frame_output #(.SAMPLES(SAMPLES), .WAITS(WAITS), .READ_LATENCY(BRIGHT_LATENCY)) frame_output (
      .clk, .rst, .ended(frame_ended), .intact(frame_intact), .now, .beats_ready(pairs != 0), .read(out_read),
      .in_valid(beat_valid), .in_pixels(pixels), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast,
      .frame_left, .arrived(frame_arrived)
  );
endmodule
`default_nettype wire
