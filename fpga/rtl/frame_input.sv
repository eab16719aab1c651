// Raw frames off the stream: framing by TLAST, and where in the frame each beat is.
//
// TLAST belongs on a frame's last beat and nowhere else. A packet that ends early is filled up with zeros, so that all
// behind stays in step, and one that goes on is swallowed up to its TLAST; either is reported as not intact, for the
// last stage to drop. Before the first beat of GROUP binned rows there has to be a place for them (`room`).
`default_nettype none
module frame_input #(
    parameter int SAMPLES = 1,                            // samples per clock
    parameter int ROWS = contract_pkg::FRAME_ROWS,
    parameter int COLUMNS = contract_pkg::FRAME_COLUMNS,
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int TOP = contract_pkg::CROP_TOP,
    parameter int BINNING = contract_pkg::BINNING,
    parameter int WINDOW_ROWS = contract_pkg::WINDOW_ROWS,  // binned ones
    parameter int GROUP = SAMPLES                             // binned rows that share a place; they divide the window's
) (
    input wire logic                         clk,
    input wire logic                         rst,
    input wire logic [BEAT_BITS-1:0] s_axis_tdata,
    input wire logic                         s_axis_tvalid,
    output     logic                         s_axis_tready,
    input wire logic                         s_axis_tlast,
    // Groups of rows.
    input wire logic                         room,
    output     logic                         group_taken,
    // Beats of rows within the window.
    output     logic                         out_valid,
    output     logic [BEAT_BITS-1:0] out_beat,
    output     logic                         out_row_starts,  // first beat of a row
    output     logic                         out_first_row,   // of those binned together
    output     logic                         out_last_row,
    // Once a frame.
    output     logic                         ended,
    output     logic                         intact,
    output     logic                         too_short,
    output     logic                         too_long
);
  localparam int BEATS = (COLUMNS + SAMPLES - 1) / SAMPLES;
  localparam int GROUP_ROWS = GROUP * BINNING;
  localparam int WINDOW = WINDOW_ROWS * BINNING;

  typedef enum logic [1:0] {
    RECEIVE,
    FILL,
    SWALLOW
  } state_t;
  state_t state;

  logic [$clog2(ROWS+1)-1:0] row;
  logic [$clog2(BEATS+1)-1:0] beat;
  logic [$clog2(GROUP_ROWS+1)-1:0] group_row;
  logic [2:0] bin_row;
  logic in_window, group_starts, blocked, step, last_beat, last_row;
  assign in_window    = row >= TOP && row < TOP + WINDOW;
  assign group_starts = in_window && group_row == 0 && beat == 0;
  assign blocked      = group_starts && !room;
  assign last_beat    = beat == BEATS - 1;
  assign last_row     = row == ROWS - 1;

  assign s_axis_tready = state == SWALLOW || (state == RECEIVE && !blocked);
  assign step          = state == FILL ? !blocked : state == RECEIVE && s_axis_tvalid && s_axis_tready;
  assign group_taken   = step && group_starts;

  assign ended     = step && last_beat && last_row;
  assign intact    = state == RECEIVE && s_axis_tlast;
  assign too_short = step && state == RECEIVE && s_axis_tlast && !ended;
  assign too_long  = ended && state == RECEIVE && !s_axis_tlast;

  always_ff @(posedge clk) begin
    if (rst) begin
      state     <= RECEIVE;
      row       <= '0;
      beat      <= '0;
      group_row <= '0;
      bin_row   <= '0;
    end else begin
      if (too_short) state <= FILL;
      else if (too_long) state <= SWALLOW;
      else if (state == FILL && ended) state <= RECEIVE;
      else if (state == SWALLOW && s_axis_tvalid && s_axis_tlast) state <= RECEIVE;

      if (step) begin
        beat <= last_beat ? '0 : beat + 1'b1;
        if (last_beat) begin
          row <= last_row ? '0 : row + 1'b1;
          if (in_window) begin
            group_row <= group_row == GROUP_ROWS - 1 ? '0 : group_row + 1'b1;
            bin_row   <= bin_row == BINNING - 1 ? '0 : bin_row + 1'b1;
          end
        end
      end
    end
  end

  always_ff @(posedge clk) begin
    out_valid      <= !rst && step && in_window;
    out_beat       <= state == FILL ? '0 : s_axis_tdata;
    out_row_starts <= beat == 0;
    out_first_row  <= bin_row == 0;
    out_last_row   <= bin_row == BINNING - 1;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_state_is_one : assert (state == RECEIVE || state == FILL || state == SWALLOW);
      the_place_is_in_the_frame : assert (row < ROWS && beat < BEATS);
      groups_count_rows : assert (group_row < GROUP_ROWS && bin_row < BINNING);
    end
`endif
endmodule
`default_nettype wire
