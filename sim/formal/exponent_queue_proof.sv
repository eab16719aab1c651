// exponent_queue: the oldest group's exponents are visible, in order.
module exponent_queue_proof #(
    parameter int SAMPLES = 2,
    parameter int BITS = 2,
    parameter int DEPTH = 4  // at most 4
) (
    input logic clk,
    input logic rst,
    input logic write,
    input logic [SAMPLES*BITS-1:0] in_exponents,
    input logic read,
    input logic mark
);
  localparam int WIDTH = SAMPLES * BITS;
  logic waits, started = 1'b0;
  logic [WIDTH-1:0] out_exponents, marked;
  logic [$clog2(DEPTH+1)-1:0] held, ahead;
  exponent_queue #(.SAMPLES(SAMPLES), .BITS(BITS), .DEPTH(DEPTH)) dut (.*);
  order #(.BITS(WIDTH), .MOST(DEPTH)) order (
      .clk, .rst, .enters(write), .in_word(in_exponents), .leaves(read), .mark, .held, .waits, .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [$clog2(DEPTH):0] \dut.queue.level ;
  (* hierconn *) logic [$clog2(DEPTH)-1:0] \dut.queue.read_place ;
  (* hierconn *) logic [WIDTH-1:0] \dut.queue.words[0] , \dut.queue.words[1] , \dut.queue.words[2] ,
      \dut.queue.words[3] ;
  logic [4*WIDTH-1:0] inside;
  logic [$clog2(DEPTH)-1:0] place;
  assign inside = {\dut.queue.words[3] , \dut.queue.words[2] , \dut.queue.words[1] , \dut.queue.words[0] };
  assign place  = ($clog2(DEPTH))'(\dut.queue.read_place + ahead);

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!write || held < DEPTH);
    assume (!read || held != 0);
    if (started && !rst) begin
      it_is_counted: assert (\dut.queue.level == held);
      if (waits) it_is_kept: assert (inside[32'(place)*WIDTH+:WIDTH] == marked);
      if (waits && ahead == 0) it_is_visible: assert (out_exponents == marked);
    end
  end
endmodule
