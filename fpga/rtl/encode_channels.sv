// The kernel for bright-field frames at its pins: raw frames on s_axis, the network's pixels on m_axis, registers on
// s_axil.
//
// A beat of s_axis carries SAMPLES pixels of all channels, each in LANE_BITS (pixel p, channel c at (FRAME_CHANNELS p + c)
// LANE_BITS), and one of m_axis SAMPLES pixels of their codes, 8 bits each; rows start on a beat of their own on both, and
// lanes of m_axis behind a row's last column are zero. TLAST ends a frame on both. A malformed frame is flagged, dropped
// whole, and the next TLAST starts anew.
module encode_channels #(
    parameter int SAMPLES = 1,  // samples per clock: 1, 2, 4 or 8
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int OUT_BITS = SAMPLES * contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS
) (
    input  logic                         aclk,
    input  logic                         aresetn,  // synchronous
    input  logic [        BEAT_BITS-1:0] s_axis_tdata,
    input  logic                         s_axis_tvalid,
    output logic                         s_axis_tready,
    input  logic                         s_axis_tlast,
    output logic [         OUT_BITS-1:0] m_axis_tdata,
    output logic                         m_axis_tvalid,
    input  logic                         m_axis_tready,
    output logic                         m_axis_tlast,
    input  logic [                  7:0] s_axil_awaddr,
    input  logic                         s_axil_awvalid,
    output logic                         s_axil_awready,
    input  logic [                 31:0] s_axil_wdata,
    input  logic [                  3:0] s_axil_wstrb,
    input  logic                         s_axil_wvalid,
    output logic                         s_axil_wready,
    output logic [                  1:0] s_axil_bresp,
    output logic                         s_axil_bvalid,
    input  logic                         s_axil_bready,
    input  logic [                  7:0] s_axil_araddr,
    input  logic                         s_axil_arvalid,
    output logic                         s_axil_arready,
    output logic [                 31:0] s_axil_rdata,
    output logic [                  1:0] s_axil_rresp,
    output logic                         s_axil_rvalid,
    input  logic                         s_axil_rready
);
  logic rst, soft_reset, ready;
  logic frame_ended, frame_intact, too_short, too_long, frame_left;
  logic [31:0] now, frame_arrived;

  // A module that nobody has is an error in every tool; $error is not known to all of them here.
  generate
    if (SAMPLES != 1 && SAMPLES != 2 && SAMPLES != 4 && SAMPLES != 8) begin : g_check
      WIDTH_must_be_1_2_4_or_8 stop ();
    end
  endgenerate

  // Registered, since it goes everywhere; no beat is taken while it is on or on its way.
  always_ff @(posedge aclk) rst <= !aresetn || soft_reset;

  logic unused_own_write;
  status_registers status_registers (
      .clk(aclk), .rst(!aresetn), .own_write(unused_own_write), .own_data('0), .*
  );

  // A binned row sets out only when it has a place in the ring in which codes wait for the verdict on their frame: room
  // for one frame, and for what is on its way while that leaves.
  localparam int ROWS = contract_pkg::WINDOW_ROWS;
  localparam int ROW_BEATS = (contract_pkg::WINDOW_COLUMNS + SAMPLES - 1) / SAMPLES;
  localparam int PLACES = ROWS + 2 + 32 / ROW_BEATS;
  localparam int READ_LATENCY = 2;  // of the ring
  localparam int BINNED_WORD = SAMPLES * contract_pkg::FRAME_CHANNELS * contract_pkg::BINNED_BITS;

  logic room, row_taken, row_left;
  credits #(.COUNT(PLACES)) places (.clk(aclk), .rst, .take(row_taken), .give(row_left), .available(room));

  logic raw_valid, raw_row_starts, raw_first_row, raw_last_row;
  logic [BEAT_BITS-1:0] raw_beat;
  frame_input #(.SAMPLES(SAMPLES), .GROUP(1)) frame_input (
      .clk(aclk), .rst, .s_axis_tdata, .s_axis_tvalid(s_axis_tvalid && s_axis_tready), .s_axis_tready(ready),
      .s_axis_tlast, .room, .group_taken(row_taken), .out_valid(raw_valid), .out_beat(raw_beat),
      .out_row_starts(raw_row_starts), .out_first_row(raw_first_row), .out_last_row(raw_last_row), .ended(frame_ended),
      .intact(frame_intact), .too_short, .too_long
  );

  logic binned_valid;
  logic [BINNED_WORD-1:0] binned;
  binning #(.SAMPLES(SAMPLES)) binning (
      .clk(aclk), .rst, .in_valid(raw_valid), .in_beat(raw_beat), .in_row_starts(raw_row_starts),
      .in_first_row(raw_first_row), .in_last_row(raw_last_row), .out_valid(binned_valid), .out_pixels(binned)
  );
  tap #(.STAGE("binned"), .BITS(BINNED_WORD)) binned_tap (.clk(aclk), .valid(binned_valid), .word(binned));

  logic codes_valid;
  logic [OUT_BITS-1:0] codes;
  channel_codes #(.SAMPLES(SAMPLES)) channel_codes (
      .clk(aclk), .rst, .in_valid(binned_valid), .in_pixels(binned), .out_valid(codes_valid), .out_codes(codes)
  );

  logic read, waits, pixels_valid;
  logic [OUT_BITS-1:0] pixels, in_row;
  ring #(.BITS(OUT_BITS), .DEPTH(PLACES * ROW_BEATS)) ring (
      .clk(aclk), .rst, .write(codes_valid), .in_word(codes), .waits, .read, .out_word(pixels)
  );
  pipeline_valid #(.CLOCKS(READ_LATENCY)) read_pipeline (.clk(aclk), .rst, .in_valid(read), .out_valid(pixels_valid));

  localparam int PLACE_BITS = ROW_BEATS > 1 ? $clog2(ROW_BEATS) : 1;
  logic [PLACE_BITS-1:0] place;  // in the row that leaves the ring
  assign row_left = read && place == PLACE_BITS'(ROW_BEATS - 1);
  always_ff @(posedge aclk) begin
    if (rst) place <= '0;
    else if (read) place <= row_left ? '0 : place + 1'b1;
  end

  // Lanes behind a row's last column are zero.
  localparam int LANE_OUT = OUT_BITS / SAMPLES;
  localparam int USED = contract_pkg::WINDOW_COLUMNS - (ROW_BEATS - 1) * SAMPLES;  // of a row's last beat
  logic row_ends;
  pipeline_valid #(.CLOCKS(READ_LATENCY)) end_pipeline (.clk(aclk), .rst, .in_valid(row_left), .out_valid(row_ends));
  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      assign in_row[lane*LANE_OUT+:LANE_OUT] = row_ends && lane >= USED ? '0 : pixels[lane*LANE_OUT+:LANE_OUT];
    end
  endgenerate

  frame_output #(.SAMPLES(SAMPLES), .READ_LATENCY(READ_LATENCY)) frame_output (
      .clk(aclk), .rst, .ended(frame_ended), .intact(frame_intact), .now, .beats_ready(waits), .read,
      .in_valid(pixels_valid), .in_pixels(in_row), .m_axis_tdata, .m_axis_tvalid, .m_axis_tready, .m_axis_tlast,
      .frame_left, .arrived(frame_arrived)
  );
  assign s_axis_tready = ready && aresetn && !rst && !soft_reset;
endmodule
