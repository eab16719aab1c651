// ring: words leave in their order, each once, two clocks after they were asked for.
module ring_proof #(
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
  logic waits, marked_waits, started = 1'b0;
  logic [BITS-1:0] out_word, marked, asked_1, asked_2;
  logic [$clog2(DEPTH+1)-1:0] held, ahead;
  logic due_1 = 1'b0, due_2 = 1'b0;
  ring #(.BITS(BITS), .DEPTH(DEPTH)) dut (.clk, .rst, .write, .in_word, .waits, .read, .out_word);
  order #(.BITS(BITS), .MOST(DEPTH)) order (
      .clk, .rst, .enters(write), .in_word, .leaves(read), .mark, .held, .waits(marked_waits), .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [$clog2(DEPTH)-1:0] \dut.read_address ;
  (* hierconn *) logic [$clog2(DEPTH+1)-1:0] \dut.level ;
  (* hierconn *) logic [BITS-1:0] \dut.memory.fetched ;
  (* hierconn *) logic [BITS-1:0] \dut.memory.words[0] , \dut.memory.words[1] , \dut.memory.words[2] ,
      \dut.memory.words[3] ;
  logic [4*BITS-1:0] inside;
  logic [31:0] place;
  assign inside = {\dut.memory.words[3] , \dut.memory.words[2] , \dut.memory.words[1] , \dut.memory.words[0] };
  assign place  = (32'(\dut.read_address ) + 32'(ahead)) % DEPTH;

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!write || read || held < DEPTH);
    assume (!read || held != 0);
    // Two clocks behind the read of the marked word.
    due_1 <= !rst && read && marked_waits && ahead == 0;
    due_2 <= due_1;
    asked_1 <= marked;
    asked_2 <= asked_1;
    if (started && !rst) begin
      it_is_counted: assert (\dut.level == held && waits == (held != 0));
      if (marked_waits) it_is_kept: assert (32'(\dut.read_address ) < DEPTH && inside[place*BITS+:BITS] == marked);
    end
    if (due_1) it_is_fetched: assert (\dut.memory.fetched == asked_1);
    if (due_2) it_comes: assert (out_word == asked_2);
  end
endmodule
