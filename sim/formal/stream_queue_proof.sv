// stream_queue: a stream goes through in order; it is ready while there is room, whatever its receiver does, and offers
// what it has.
module stream_queue_proof #(
    parameter int BITS = 3,
    parameter int DEPTH = 2  // at most 4
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [BITS-1:0] in_words,
    input logic out_ready,
    input logic mark
);
  logic in_ready, out_valid, waits, started = 1'b0;
  logic [BITS-1:0] out_words, marked;
  logic [$clog2(DEPTH+1)-1:0] held, ahead;
  stream_queue #(.BITS(BITS), .DEPTH(DEPTH)) dut (.*);
  order #(.BITS(BITS), .MOST(DEPTH)) order (
      .clk, .rst, .enters(in_valid && in_ready), .in_word(in_words), .leaves(out_valid && out_ready), .mark, .held,
      .waits, .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [$clog2(DEPTH):0] \dut.level ;
  (* hierconn *) logic [$clog2(DEPTH)-1:0] \dut.words.read_place ;
  (* hierconn *) logic [BITS-1:0] \dut.words.words[0] , \dut.words.words[1] , \dut.words.words[2] ,
      \dut.words.words[3] ;
  logic [4*BITS-1:0] inside;
  logic [$clog2(DEPTH)-1:0] place;
  assign inside = {\dut.words.words[3] , \dut.words.words[2] , \dut.words.words[1] , \dut.words.words[0] };
  assign place  = ($clog2(DEPTH))'(\dut.words.read_place + ahead);

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started && !rst) begin
      it_is_counted: assert (\dut.level == held);
      ready_while_there_is_room: assert (in_ready == (held < DEPTH));
      what_waits_is_offered: assert (out_valid == (held != 0));
      if (waits) it_is_kept: assert (inside[32'(place)*BITS+:BITS] == marked);
      if (waits && ahead == 0) it_is_next: assert (out_words == marked);
    end
  end
endmodule
