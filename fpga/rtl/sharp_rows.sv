// Rows in, for the laws with a recursion: crop, binning, gradient, sharpening, the surface that fits a frame's border, and
// the queue in which rows wait for their launch.
//
// A row is let in when it has a place in the queue, and when `room` says so. Sharpened rows, and how the last one comes
// beside the one above it: sharpen.sv.
`default_nettype none
module sharp_rows #(
    parameter int SAMPLES = 1,
    parameter int ROWS = 16,  // that wait; a power of two
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int BINNED_WORD = SAMPLES * contract_pkg::FRAME_CHANNELS * contract_pkg::BINNED_BITS,
    parameter int GRADIENT_BITS = contract_pkg::GRADIENT_BITS,
    parameter int SHARP_BITS = GRADIENT_BITS + 1,
    parameter int COEFFICIENT_BITS = contract_pkg::COEFFICIENT_BITS
) (
    input wire logic                            clk,
    input wire logic                            rst,
    input wire logic [           BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                            s_axis_tvalid,
    output     logic                            s_axis_tready,
    input wire logic                            s_axis_tlast,
    input wire logic                            room,
    output     logic                            row_taken,
    // Pulses.
    output     logic                            frame_ended,
    output     logic                            frame_intact,
    output     logic                            too_short,
    output     logic                            too_long,
    // As rows arrive: binned pixels, a beat of gradients, sharpened y gradients.
    output     logic                            binned_valid,
    output     logic [         BINNED_WORD-1:0] binned,
    output     logic                            gradient_valid,
    output     logic [SAMPLES*2*GRADIENT_BITS-1:0] gradients,
    output     logic                            sharp_valid,
    output     logic                            sharp_last,
    output     logic                            sharp_ends,
    output     logic [  SAMPLES*SHARP_BITS-1:0] sharp_y,
    output     logic [  SAMPLES*SHARP_BITS-1:0] last_y,
    // The surface of a frame's border.
    output     logic                            fitted,           // pulse
    output     logic [ 12*COEFFICIENT_BITS-1:0] fit,              // per axis: 1, s, t, s^2, t^2, s t
    // Launched rows.
    output     logic [          $clog2(ROWS):0] rows,             // that wait
    input wire logic                            launch,
    output     logic                            queue_idle,
    output     logic                            line_valid,
    output     logic [SAMPLES*2*SHARP_BITS-1:0] line_words
);
  localparam int SIZE_LOG2 = contract_pkg::SIZE_LOG2;
  localparam int BINNED_BITS = contract_pkg::BINNED_BITS;
  localparam int ANGLES = contract_pkg::FRAME_CHANNELS;
  localparam int GRADIENT_WORD = SAMPLES * 2 * GRADIENT_BITS;
  localparam int SHARP_WORD = SAMPLES * 2 * SHARP_BITS;

  logic queue_room, raw_valid, raw_row_starts, raw_first_row, raw_last_row;
  logic [BEAT_BITS-1:0] raw_beat;
  frame_input #(.SAMPLES(SAMPLES), .GROUP(1)) frame_input (
      .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .s_axis_tlast, .room(queue_room && room),
      .group_taken(row_taken), .out_valid(raw_valid), .out_beat(raw_beat), .out_row_starts(raw_row_starts),
      .out_first_row(raw_first_row), .out_last_row(raw_last_row), .ended(frame_ended), .intact(frame_intact),
      .too_short, .too_long
  );
  credits #(.COUNT(ROWS)) queue_places (.clk, .rst, .take(row_taken), .give(launch), .available(queue_room));

  binning #(.SAMPLES(SAMPLES)) binning (
      .clk, .rst, .in_valid(raw_valid), .in_beat(raw_beat), .in_row_starts(raw_row_starts),
      .in_first_row(raw_first_row), .in_last_row(raw_last_row), .out_valid(binned_valid), .out_pixels(binned)
  );
  tap #(.STAGE("binned"), .BITS(BINNED_WORD)) binned_tap (.clk, .valid(binned_valid), .word(binned));

  pipeline_valid #(.CLOCKS(10)) gradient_pipeline (.clk, .rst, .in_valid(binned_valid), .out_valid(gradient_valid));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_gradient
      gradient #(.GAIN(contract_pkg::GRADIENT_GAIN_X)) along_x (
          .clk, .plus(binned[(ANGLES*lane)*BINNED_BITS+:BINNED_BITS]),
          .minus(binned[(ANGLES*lane+1)*BINNED_BITS+:BINNED_BITS]),
          .gradient(gradients[(2*lane)*GRADIENT_BITS+:GRADIENT_BITS])
      );
      gradient #(.GAIN(contract_pkg::GRADIENT_GAIN_Y)) along_y (
          .clk, .plus(binned[(ANGLES*lane+2)*BINNED_BITS+:BINNED_BITS]),
          .minus(binned[(ANGLES*lane+3)*BINNED_BITS+:BINNED_BITS]),
          .gradient(gradients[(2*lane+1)*GRADIENT_BITS+:GRADIENT_BITS])
      );
    end
  endgenerate
  tap #(.STAGE("gradient"), .BITS(GRADIENT_WORD)) gradient_tap (.clk, .valid(gradient_valid), .word(gradients));

  logic moments_done;
  logic [12*(GRADIENT_BITS+4*SIZE_LOG2)-1:0] moments;
  moments #(.SAMPLES(SAMPLES), .NEIGHBORS(SAMPLES)) border_moments (
      .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .done(moments_done), .moments
  );
  surface_fit surface_fit (.clk, .rst, .start(moments_done), .moments, .done(fitted), .coefficients(fit));

  logic [SHARP_WORD-1:0] sharp_words, last_words;
  sharpen #(.SAMPLES(SAMPLES)) sharpen (
      .clk, .rst, .in_valid(gradient_valid), .in_words(gradients), .out_valid(sharp_valid), .out_last(sharp_last),
      .out_ends(sharp_ends), .out_words(sharp_words), .last_words
  );
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_along_y
      assign sharp_y[lane*SHARP_BITS+:SHARP_BITS] = sharp_words[(2*lane+1)*SHARP_BITS+:SHARP_BITS];
      assign last_y[lane*SHARP_BITS+:SHARP_BITS]  = last_words[(2*lane+1)*SHARP_BITS+:SHARP_BITS];
    end
  endgenerate
  row_queue #(.SAMPLES(SAMPLES), .BITS(2 * SHARP_BITS), .ROWS(ROWS)) row_queue (
      .clk, .rst, .in_valid(sharp_valid), .in_last(sharp_last), .in_ends(sharp_ends), .in_words(sharp_words),
      .last_words, .rows, .launch, .idle(queue_idle), .out_valid(line_valid), .out_words(line_words)
  );
endmodule
`default_nettype wire
