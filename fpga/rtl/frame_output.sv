// Pixels for the network off to the stream, frame by frame.
//
// A frame leaves only after it was found intact, and a malformed one not at all: it is read at full speed and
// forgotten. Without WAITS all leave as they come, for a receiver that knows the verdicts itself.
`default_nettype none
module frame_output #(
    parameter int SAMPLES = 1,                 // samples per clock
    parameter bit WAITS = 1,
    parameter int BEATS = contract_pkg::WINDOW_ROWS * ((contract_pkg::WINDOW_COLUMNS + SAMPLES - 1) / SAMPLES),
    parameter int PIXEL_BITS = contract_pkg::NETWORK_CHANNELS * contract_pkg::PIXEL_BITS,
    parameter int READ_LATENCY = 4           // clocks from `read` to its word
) (
    input wire logic                         clk,
    input wire logic                         rst,
    // Verdicts, once a frame, and the clock of its last input beat.
    input wire logic                         ended,
    input wire logic                         intact,
    input wire logic [                 31:0] now,
    // Beats that wait.
    input wire logic                         beats_ready,
    output     logic                         read,
    input wire logic                         in_valid,
    input wire logic [ SAMPLES*PIXEL_BITS-1:0] in_pixels,
    // Pixels.
    output     logic [ SAMPLES*PIXEL_BITS-1:0] m_axis_tdata,
    output     logic                         m_axis_tvalid,
    input wire logic                         m_axis_tready,
    output     logic                         m_axis_tlast,
    // Of the latest frame.
    output     logic                         frame_left,   // pulse
    output     logic [                 31:0] arrived       // clock of its last input beat
);
  localparam int DEPTH = 16;
  localparam int PLACE_BITS = $clog2(BEATS);
  localparam int FRAMES = 8;  // more than can be inside

  logic verdict_valid, intact_frame, whole, last;
  logic [31:0] stamp;
  logic [$clog2(FRAMES):0] unused_level;
  fifo #(.BITS(33), .DEPTH(FRAMES)) verdicts (
      .clk, .rst, .write(WAITS && ended), .in_word({intact, now}), .read(WAITS && read && last), .out_valid(verdict_valid),
      .out_word({intact_frame, stamp}), .level(unused_level)
  );
  assign whole = !WAITS || intact_frame;

  logic [PLACE_BITS-1:0] place;
  logic [$clog2(DEPTH):0] level;
  logic kept, kept_last;
  assign last = place == PLACE_BITS'(BEATS - 1);
  assign read = beats_ready && (!WAITS || verdict_valid) && (!whole || level < DEPTH - READ_LATENCY - 2);
  always_ff @(posedge clk) begin
    if (rst) place <= '0;
    else if (read) place <= last ? '0 : place + 1'b1;
    if (read && last && whole) arrived <= stamp;
  end
  pipeline_valid #(.CLOCKS(READ_LATENCY)) kept_pipeline (.clk, .rst, .in_valid(read && whole), .out_valid(kept));
  pipeline_valid #(.CLOCKS(READ_LATENCY)) last_pipeline (.clk, .rst, .in_valid(read && last), .out_valid(kept_last));

  fifo #(.BITS(SAMPLES * PIXEL_BITS + 1), .DEPTH(DEPTH)) leaving (
      .clk, .rst, .write(in_valid && kept), .in_word({kept_last, in_pixels}), .read(m_axis_tvalid && m_axis_tready),
      .out_valid(m_axis_tvalid), .out_word({m_axis_tlast, m_axis_tdata}), .level
  );
  assign frame_left = m_axis_tvalid && m_axis_tready && m_axis_tlast;

  stream_rules #(.BITS(SAMPLES * PIXEL_BITS + 1)) out_rules (
      .clk, .rst, .valid(m_axis_tvalid), .ready(m_axis_tready), .words({m_axis_tlast, m_axis_tdata})
  );
endmodule
`default_nettype wire
