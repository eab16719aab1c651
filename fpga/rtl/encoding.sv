// Bright-field frames to the network's codes: from a stream of raw frames to a stream of pixels, SAMPLES samples a clock.
//
// A row of pixels starts on a beat of its own, and lanes behind its last column are zero.
`default_nettype none
module encoding #(
    parameter int SAMPLES = 1,
    parameter bit WAITS = 1,  // for the verdict on a frame, and malformed ones do not leave; 0: pixels leave as they come
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int OUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input wire logic                 clk,
    input wire logic                 rst,
    input wire logic [         31:0] now,  // clock count
    input wire logic [BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                 s_axis_tvalid,
    output     logic                 s_axis_tready,
    input wire logic                 s_axis_tlast,
    output     logic [ OUT_BITS-1:0] m_axis_tdata,
    output     logic                 m_axis_tvalid,
    input wire logic                 m_axis_tready,
    output     logic                 m_axis_tlast,
    // Pulses.
    output     logic                 frame_ended,
    output     logic                 frame_intact,
    output     logic                 too_short,
    output     logic                 too_long,
    output     logic                 frame_left,
    output     logic [         31:0] frame_arrived
);
  // A binned row sets out only when it has a place in the ring in which codes wait for the verdict on their frame, if
  // they do: room for one frame, and for what is on its way while that leaves.
  localparam int ROWS = WAITS ? contract_pkg::WINDOW_ROWS : 2;
  localparam int ROW_BEATS = (contract_pkg::WINDOW_COLUMNS + SAMPLES - 1) / SAMPLES;
  localparam int PLACES = ROWS + 2 + 32 / ROW_BEATS;
  localparam int READ_LATENCY = 2;  // of the ring
  localparam int BINNED_WORD = SAMPLES * contract_pkg::FRAME_CHANNELS * contract_pkg::BINNED_BITS;

  logic room, row_taken, row_left;
  credits #(.COUNT(PLACES)) places (.clk, .rst, .take(row_taken), .give(row_left), .available(room));

  logic raw_valid, raw_row_starts, raw_first_row, raw_last_row;
  logic [BEAT_BITS-1:0] raw_beat;
  frame_input #(.SAMPLES(SAMPLES), .GROUP(1)) frame_input (
      .clk, .rst, .s_axis_tdata, .s_axis_tvalid, .s_axis_tready, .s_axis_tlast, .room, .group_taken(row_taken),
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

  logic codes_valid;
  logic [OUT_BITS-1:0] codes;
  channel_codes #(.SAMPLES(SAMPLES)) channel_codes (
      .clk, .rst, .in_valid(binned_valid), .in_pixels(binned), .out_valid(codes_valid), .out_codes(codes)
  );

  logic read, waits, pixels_valid;
  logic [OUT_BITS-1:0] pixels, in_row;
  ring #(.BITS(OUT_BITS), .DEPTH(PLACES * ROW_BEATS)) ring (
      .clk, .rst, .write(codes_valid), .in_word(codes), .waits, .read, .out_word(pixels)
  );
  pipeline_valid #(.CLOCKS(READ_LATENCY)) read_pipeline (.clk, .rst, .in_valid(read), .out_valid(pixels_valid));

  localparam int PLACE_BITS = ROW_BEATS > 1 ? $clog2(ROW_BEATS) : 1;
  logic [PLACE_BITS-1:0] place;  // in the row that leaves the ring
  assign row_left = read && place == PLACE_BITS'(ROW_BEATS - 1);
  always_ff @(posedge clk) begin
    if (rst) place <= '0;
    else if (read) place <= row_left ? '0 : place + 1'b1;
  end

  // Lanes behind a row's last column are zero.
  localparam int LANE_OUT = OUT_BITS / SAMPLES;
  localparam int USED = contract_pkg::WINDOW_COLUMNS - (ROW_BEATS - 1) * SAMPLES;  // of a row's last beat
  logic row_ends;
  pipeline_valid #(.CLOCKS(READ_LATENCY)) end_pipeline (.clk, .rst, .in_valid(row_left), .out_valid(row_ends));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      assign in_row[lane*LANE_OUT+:LANE_OUT] = row_ends && lane >= USED ? '0 : pixels[lane*LANE_OUT+:LANE_OUT];
    end
  endgenerate

  frame_output #(.SAMPLES(SAMPLES), .WAITS(WAITS), .READ_LATENCY(READ_LATENCY)) frame_output (
      .clk, .rst, .ended(frame_ended), .intact(frame_intact), .now, .beats_ready(waits), .read,
      .in_valid(pixels_valid), .in_pixels(in_row), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast,
      .frame_left, .arrived(frame_arrived)
  );
endmodule
`default_nettype wire
