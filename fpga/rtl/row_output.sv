// Pixels for the network off to the stream, row by row as they come; only a frame's last beat waits for its verdict.
//
// A malformed frame leaves too, filled up, and its last beat says so: nothing may come of it.
`default_nettype none
module row_output #(
    parameter int SAMPLES = 1,               // samples per clock
    parameter int BEATS = contract_pkg::WINDOW_ROWS * (contract_pkg::WINDOW_COLUMNS / SAMPLES),
    parameter int PIXEL_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS,
    parameter int READ_LATENCY = 4           // clocks from `read` to its word
) (
    input wire logic                          clk,
    input wire logic                          rst,
    // Verdicts, once a frame, and the clock of its last input beat.
    input wire logic                          ended,
    input wire logic                          intact,
    input wire logic [                  31:0] now,
    // Beats that wait.
    input wire logic                          beats_ready,
    output     logic                          read,
    input wire logic [SAMPLES*PIXEL_BITS-1:0] in_pixels,
    // Pixels.
    output     logic [SAMPLES*PIXEL_BITS-1:0] m_axis_tdata,
    output     logic                          m_axis_tuser,  // with TLAST: the frame was malformed
    output     logic                          m_axis_tvalid,
    input wire logic                          m_axis_tready,
    output     logic                          m_axis_tlast,
    // Of the latest intact frame.
    output     logic                          frame_left,    // pulse
    output     logic [                  31:0] arrived        // clock of its last input beat
);
  localparam int DEPTH = 16;
  localparam int PLACE_BITS = $clog2(BEATS);
  localparam int FRAMES = 4;  // more than can be inside

  logic verdict_valid, whole, last;
  logic [31:0] stamp;
  logic [$clog2(FRAMES):0] unused_level;
  fifo #(.BITS(33), .DEPTH(FRAMES)) verdicts (
      .clk, .rst, .write(ended), .in_word({intact, now}), .read(read && last), .out_valid(verdict_valid),
      .out_word({whole, stamp}), .level(unused_level)
  );

  logic [PLACE_BITS-1:0] place;
  logic [$clog2(DEPTH):0] level;
  logic came, came_last, came_malformed;
  assign last = place == PLACE_BITS'(BEATS - 1);
  assign read = beats_ready && (!last || verdict_valid) && level < DEPTH - READ_LATENCY - 2;
  always_ff @(posedge clk) begin
    if (rst) place <= '0;
    else if (read) place <= last ? '0 : place + 1'b1;
    if (read && last && whole) arrived <= stamp;
  end
  pipeline_valid #(.CLOCKS(READ_LATENCY)) came_pipeline (.clk, .rst, .in_valid(read), .out_valid(came));
  delay #(.BITS(2), .CLOCKS(READ_LATENCY)) beside_codes (
      .clk, .in_word({last, last && !whole}), .out_word({came_last, came_malformed})
  );

  fifo #(.BITS(SAMPLES * PIXEL_BITS + 2), .DEPTH(DEPTH)) leaving (
      .clk, .rst, .write(came), .in_word({came_malformed, came_last, in_pixels}), .read(m_axis_tvalid && m_axis_tready),
      .out_valid(m_axis_tvalid), .out_word({m_axis_tuser, m_axis_tlast, m_axis_tdata}), .level
  );
  assign frame_left = m_axis_tvalid && m_axis_tready && m_axis_tlast && !m_axis_tuser;
endmodule
`default_nettype wire
