// frame_output: as many beats of each frame are read as it has, those of intact frames alone are kept, and each finds a
// place, however long the receiver pauses.
module frame_output_proof #(
    parameter int BEATS = 3,
    parameter int READ_LATENCY = 2
) (
    input logic clk,
    input logic rst,
    input logic ended,
    input logic intact,
    input logic [31:0] now,
    input logic beats_ready,
    input logic [3:0] in_pixels,
    input logic m_axis_tready,
    input logic mark
);
  localparam int FRAMES = 8, DEPTH = 16;
  logic read, m_axis_tvalid, m_axis_tlast, frame_left, waits, last, in_valid, started = 1'b0;
  logic [3:0] m_axis_tdata, held, ahead;
  logic [31:0] arrived;
  logic [32:0] marked;
  logic [READ_LATENCY-1:0] reads;  // that are on their way
  frame_output #(.BEATS(BEATS), .PIXEL_BITS(4), .READ_LATENCY(READ_LATENCY)) dut (.*);
  assign in_valid = reads[READ_LATENCY-1];
  order #(.BITS(33), .MOST(FRAMES)) order (
      .clk, .rst, .enters(ended), .in_word({intact, now}), .leaves(read && last), .mark, .held, .waits, .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [3:0] \dut.unused_level ;
  (* hierconn *) logic [2:0] \dut.verdicts.read_place ;
  (* hierconn *) logic [32:0] \dut.verdicts.words[0] , \dut.verdicts.words[1] , \dut.verdicts.words[2] ,
      \dut.verdicts.words[3] , \dut.verdicts.words[4] , \dut.verdicts.words[5] , \dut.verdicts.words[6] ,
      \dut.verdicts.words[7] ;
  (* hierconn *) logic [$clog2(BEATS)-1:0] \dut.place ;
  (* hierconn *) logic [4:0] \dut.level ;
  (* hierconn *) logic [READ_LATENCY-1:0] \dut.kept_pipeline.valid ;
  logic [8*33-1:0] verdicts;
  logic [2:0] place;
  logic [31:0] on_their_way, beat;  // `beat`: of the frame that is read
  assign verdicts = {
    \dut.verdicts.words[7] , \dut.verdicts.words[6] , \dut.verdicts.words[5] , \dut.verdicts.words[4] ,
    \dut.verdicts.words[3] , \dut.verdicts.words[2] , \dut.verdicts.words[1] , \dut.verdicts.words[0]
  };
  assign place = 3'(\dut.verdicts.read_place + ahead);
  assign last  = beat == BEATS - 1;
  always_comb begin
    on_their_way = 0;
    for (int i = 0; i < READ_LATENCY; ++i) on_their_way = on_their_way + 32'(\dut.kept_pipeline.valid [i]);
  end

  logic read_of_marked, was_intact;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!ended || held < FRAMES);
    reads <= rst ? '0 : READ_LATENCY'({reads, read});
    if (rst) beat <= 0;
    else if (read) beat <= last ? 0 : beat + 1;
    read_of_marked <= !rst && read && waits && ahead == 0;
    was_intact <= marked[32];
    if (started && !rst) begin
      beats_are_counted: assert (32'(\dut.place ) == beat && beat < BEATS && \dut.unused_level == held);
      a_frame_is_read_behind_its_verdict: assert (!read || (beats_ready && held != 0));
      if (waits) the_verdict_is_kept: assert (verdicts[32'(place)*33+:33] == marked);
      if (read_of_marked) intact_frames_alone_are_kept: assert (\dut.kept_pipeline.valid [0] == was_intact);
      kept_beats_are_read_ones: assert ((\dut.kept_pipeline.valid & ~reads) == 0);
      each_finds_a_place: assert (32'(\dut.level ) + on_their_way < DEPTH);
      frames_are_told: assert (frame_left == (m_axis_tvalid && m_axis_tready && m_axis_tlast));
    end
  end
endmodule
