// Packets of every kind one behind the other, pauses of both sides, and resets in every state.
`default_nettype none
module frame_input_cover #(
    parameter int SAMPLES = 1,
    parameter int BINNING = 1,
    parameter int ROWS = 1,
    parameter int BEATS = 1
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic s_axis_tvalid,
    input wire logic s_axis_tready,
    input wire logic s_axis_tlast,
    input wire logic [1:0] state,
    input wire logic [$clog2(ROWS+1)-1:0] row,
    input wire logic [$clog2(BEATS+1)-1:0] beat,
    input wire logic blocked,
    input wire logic step,
    input wire logic last_beat,
    input wire logic last_row,
    input wire logic ended,
    input wire logic intact,
    input wire logic too_short,
    input wire logic too_long
);
  localparam logic [1:0] RECEIVE = 0, FILL = 1, SWALLOW = 2;
  typedef enum logic [1:0] {NONE, INTACT, SHORT, LONG} packet_t;
  packet_t previous;
  logic ended_before, starts, cut_within_a_row, cut_between_rows, cut_while_filling, cut_while_swallowing;
  logic [31:0] surplus;
  assign starts = row == 0 && beat == 0;
  always_ff @(posedge clk) begin
    ended_before <= !rst && ended;
    surplus      <= state == SWALLOW ? surplus + 32'(s_axis_tvalid) : '0;
    if (rst) previous <= NONE;
    else if (ended) previous <= state == FILL ? SHORT : too_long ? LONG : INTACT;
  end
  cut_off within_a_row (
      .clk, .rst, .begun(state == RECEIVE && beat != 0), .ended, .cut(cut_within_a_row)
  );
  cut_off between_rows (
      .clk, .rst, .begun(state == RECEIVE && beat == 0 && row != 0), .ended, .cut(cut_between_rows)
  );
  cut_off while_filling (.clk, .rst, .begun(state == FILL), .ended, .cut(cut_while_filling));
  cut_off while_swallowing (.clk, .rst, .begun(state == SWALLOW), .ended, .cut(cut_while_swallowing));

  for (genvar samples = 1; samples <= 8; samples *= 2) if (SAMPLES == samples) begin : at_samples
    for (genvar binning = 1; binning <= 4; binning *= 2) if (BINNING == binning) begin : at_binning
      intact_frame : cover property (@(posedge clk) !rst && ended && intact);
      frame_follows_at_once : cover property (@(posedge clk) !rst && ended_before && step && state == RECEIVE);
      sender_pauses_within_a_frame : cover property (@(posedge clk) !rst && state == RECEIVE && !starts && !s_axis_tvalid);
      frame_waits_for_room : cover property (@(posedge clk) !rst && state == RECEIVE && blocked && s_axis_tvalid);
      both_sides_pause : cover property (@(posedge clk) !rst && state == RECEIVE && blocked && !s_axis_tvalid);
      short_packet_of_one_beat : cover property (@(posedge clk) !rst && too_short && starts);
      short_packet_that_ends_with_a_row : cover property (@(posedge clk) !rst && too_short && last_beat);
      short_packet_that_lacks_one_beat : cover property (@(posedge clk) !rst && too_short && last_row && 32'(beat) == BEATS - 2);
      filling_waits_for_room : cover property (@(posedge clk) !rst && state == FILL && blocked);
      long_packet_by_one_beat : cover property (@(posedge clk) !rst && state == SWALLOW && s_axis_tvalid && s_axis_tlast && surplus == 0);
      long_packet_by_more_than_a_frame : cover property (@(posedge clk) !rst && state == SWALLOW && s_axis_tvalid && s_axis_tlast && surplus > ROWS * BEATS);
      sender_pauses_within_a_surplus : cover property (@(posedge clk) !rst && state == SWALLOW && !s_axis_tvalid);
      intact_after_short : cover property (@(posedge clk) !rst && previous == SHORT && ended && intact);
      intact_after_long : cover property (@(posedge clk) !rst && previous == LONG && ended && intact);
      short_after_intact : cover property (@(posedge clk) !rst && previous == INTACT && too_short);
      short_after_short : cover property (@(posedge clk) !rst && previous == SHORT && too_short);
      short_after_long : cover property (@(posedge clk) !rst && previous == LONG && too_short);
      long_after_intact : cover property (@(posedge clk) !rst && previous == INTACT && too_long);
      long_after_short : cover property (@(posedge clk) !rst && previous == SHORT && too_long);
      long_after_long : cover property (@(posedge clk) !rst && previous == LONG && too_long);
      intact_after_a_reset_within_a_row : cover property (@(posedge clk) !rst && cut_within_a_row && ended && intact);
      intact_after_a_reset_between_rows : cover property (@(posedge clk) !rst && cut_between_rows && ended && intact);
      intact_after_a_reset_while_filling : cover property (@(posedge clk) !rst && cut_while_filling && ended && intact);
      intact_after_a_reset_while_swallowing : cover property (@(posedge clk) !rst && cut_while_swallowing && ended && intact);
    end
  end
endmodule
bind frame_input frame_input_cover #(.SAMPLES(SAMPLES), .BINNING(BINNING), .ROWS(ROWS), .BEATS(BEATS)) points (.*);
`default_nettype wire
