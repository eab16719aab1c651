// frame_input: each frame goes on with as many beats as it has, whatever comes; only one whose TLAST is where it
// belongs is intact, and the next one begins behind a TLAST.
module frame_input_proof #(
    parameter int ROWS = 3,
    parameter int BEATS = 2,
    parameter int TOP = 0,
    parameter int BINNING = 1,
    parameter int WINDOW_ROWS = 2,
    parameter int GROUP = 1
) (
    input logic clk,
    input logic rst,
    input logic [3:0] s_axis_tdata,
    input logic s_axis_tvalid,
    input logic s_axis_tlast,
    input logic room
);
  localparam int FRAME = ROWS * BEATS;
  logic s_axis_tready, group_taken, out_valid, out_row_starts, out_first_row, out_last_row;
  logic ended, intact, too_short, too_long, started = 1'b0;
  logic [3:0] out_beat;
  frame_input #(
      .ROWS(ROWS), .COLUMNS(BEATS), .BEAT_BITS(4), .TOP(TOP), .BINNING(BINNING), .WINDOW_ROWS(WINDOW_ROWS),
      .GROUP(GROUP)
  ) dut (.*);
  stream_given #(.BITS(5)) given (
      .clk, .rst, .valid(s_axis_tvalid), .ready(s_axis_tready), .words({s_axis_tlast, s_axis_tdata})
  );
  (* hierconn *) logic [$clog2(ROWS+1)-1:0] \dut.row ;
  (* hierconn *) logic [$clog2(BEATS+1)-1:0] \dut.beat ;
  (* hierconn *) logic [1:0] \dut.state ;
  (* hierconn *) logic [$clog2(GROUP*BINNING+1)-1:0] \dut.group_row ;
  (* hierconn *) logic [2:0] \dut.bin_row ;

  logic [7:0] beat, row;  // of the frame that goes on, taken or filled up
  logic fills, swallows, taken, goes_on, in_window, starts;
  logic due, wanted_starts, wanted_first, wanted_last;
  logic [3:0] wanted;
  assign row = beat / BEATS;
  assign in_window = row >= TOP && row < TOP + WINDOW_ROWS * BINNING;
  assign starts = in_window && beat % BEATS == 0 && (row - TOP) % (GROUP * BINNING) == 0;
  assign taken = s_axis_tvalid && s_axis_tready;
  assign goes_on = (fills || (taken && !swallows)) && !(starts && !room);
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst) {beat, fills, swallows} <= '0;
    else begin
      if (goes_on) beat <= beat == FRAME - 1 ? 0 : beat + 1;
      if (fills && goes_on && beat == FRAME - 1) fills <= 1'b0;
      if (!fills && !swallows && goes_on && s_axis_tlast && beat != FRAME - 1) fills <= 1'b1;
      if (!fills && !swallows && goes_on && !s_axis_tlast && beat == FRAME - 1) swallows <= 1'b1;
      if (swallows && taken && s_axis_tlast) swallows <= 1'b0;
    end
    due           <= !rst && goes_on && in_window;
    wanted        <= fills ? '0 : s_axis_tdata;
    wanted_starts <= beat % BEATS == 0;
    wanted_first  <= (row - TOP) % BINNING == 0;
    wanted_last   <= (row - TOP) % BINNING == BINNING - 1;
    if (started && !rst) begin
      it_is_known: assert (32'(\dut.row ) == row && 32'(\dut.beat ) == beat % BEATS && beat < FRAME);
      states_are_known: assert (!(fills && swallows) && \dut.state == (swallows ? 2'd2 : fills ? 2'd1 : 2'd0));
      if (in_window)
        rows_are_known:
        assert (32'(\dut.group_row ) == (row - TOP) % (GROUP * BINNING) && 32'(\dut.bin_row ) == (row - TOP) % BINNING);
      else rows_begin_anew: assert (\dut.group_row == 0 && \dut.bin_row == 0);
      ready_while_it_may: assert (s_axis_tready == (swallows || (!fills && !(starts && !room))));
      each_frame_ends_once: assert (ended == (goes_on && beat == FRAME - 1));
      intact_where_tlast_belongs: assert (!ended || intact == (!fills && s_axis_tlast));
      too_short_is_told: assert (too_short == (goes_on && !fills && s_axis_tlast && beat != FRAME - 1));
      too_long_is_told: assert (too_long == (goes_on && !fills && !s_axis_tlast && beat == FRAME - 1));
      a_group_has_room: assert (group_taken == (goes_on && starts) && (!group_taken || room));
      beats_of_the_window_go_on: assert (out_valid == due);
      if (due) as_they_came: assert (out_beat == wanted && out_row_starts == wanted_starts);
      if (due) rows_are_binned: assert (out_first_row == wanted_first && out_last_row == wanted_last);
    end
  end
endmodule
