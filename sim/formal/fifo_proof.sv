// fifo: words leave in their order, each once, none is lost.
module fifo_proof #(
    parameter int BITS = 3,
    parameter int DEPTH = 4  // at most 4
) (
    input logic clk,
    input logic rst,
    input logic write,
    input logic [BITS-1:0] in_word,
    input logic read,
    input logic mark
);
  logic out_valid, waits, started = 1'b0;
  logic [BITS-1:0] out_word, marked;
  logic [$clog2(DEPTH):0] level;
  logic [$clog2(DEPTH+1)-1:0] held, ahead;
  fifo #(.BITS(BITS), .DEPTH(DEPTH)) dut (.clk, .rst, .write, .in_word, .read, .out_valid, .out_word, .level);
  order #(.BITS(BITS), .MOST(DEPTH)) order (
      .clk, .rst, .enters(write), .in_word, .leaves(read), .mark, .held, .waits, .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [$clog2(DEPTH)-1:0] \dut.read_place ;
  (* hierconn *) logic [BITS-1:0] \dut.words[0] , \dut.words[1] , \dut.words[2] , \dut.words[3] ;
  logic [4*BITS-1:0] inside;
  logic [$clog2(DEPTH)-1:0] place;
  assign inside = {\dut.words[3] , \dut.words[2] , \dut.words[1] , \dut.words[0] };
  assign place  = ($clog2(DEPTH))'(\dut.read_place + ahead);

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!write || read || held < DEPTH);
    assume (!read || held != 0);
    if (started && !rst) begin
      it_is_counted: assert (level == held && out_valid == (held != 0));
      if (waits) it_is_kept: assert (inside[32'(place)*BITS+:BITS] == marked);
      if (waits && ahead == 0) it_is_next: assert (out_word == marked);
    end
  end
endmodule
