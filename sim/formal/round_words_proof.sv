// round_words: each word of a beat by the law, in its place, and beats in their order.
module round_words_proof #(
    parameter int WORDS = 2,
    parameter int IN_BITS = 5,
    parameter int OUT_BITS = 3,
    parameter int SHIFT = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [WORDS*IN_BITS-1:0] in_words,
    input logic out_ready,
    input logic mark
);
  localparam int BITS = WORDS * OUT_BITS;
  logic in_ready, out_valid, waits, started = 1'b0;
  logic [BITS-1:0] out_words, wanted, marked;
  logic [1:0] held, ahead;
  round_words #(.WORDS(WORDS), .IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .SHIFT(SHIFT)) dut (.*);
  generate
    for (genvar i = 0; i < WORDS; ++i) begin : g_word
      logic signed [23:0] value;
      assign value = $signed(in_words[i*IN_BITS+:IN_BITS]);
      rounding_law #(.OUT_BITS(OUT_BITS)) law (
          .value, .shift(8'(SHIFT)), .out_word(wanted[i*OUT_BITS+:OUT_BITS])
      );
    end
  endgenerate
  order #(.BITS(BITS), .MOST(2)) order (
      .clk, .rst, .enters(in_valid && in_ready), .in_word(wanted), .leaves(out_valid && out_ready), .mark, .held,
      .waits, .ahead, .marked
  );

  // What lies inside, for induction.
  (* hierconn *) logic [1:0] \dut.queue.level ;
  (* hierconn *) logic \dut.queue.words.read_place ;
  (* hierconn *) logic [BITS-1:0] \dut.queue.words.words[0] , \dut.queue.words.words[1] ;
  logic [2*BITS-1:0] inside;
  logic place;
  assign inside = {\dut.queue.words.words[1] , \dut.queue.words.words[0] };
  assign place  = 1'(\dut.queue.words.read_place + ahead);

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started && !rst) begin
      it_is_counted: assert (\dut.queue.level == held);
      if (waits) it_is_kept: assert (inside[32'(place)*BITS+:BITS] == marked);
      if (waits && ahead == 0) it_is_next: assert (out_valid && out_words == marked);
    end
  end
endmodule
