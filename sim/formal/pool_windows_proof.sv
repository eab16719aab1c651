// pool_windows: of each window the largest word or the mean, in order; whoever is let in finds a place.
module pool_windows_proof #(
    parameter bit MEAN = 0,
    parameter bit IS_SIGNED = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [5:0] in_words,  // three pixels of 2 bits
    input logic out_ready,
    input logic mark
);
  localparam int DEPTH = 4, BITS = MEAN ? 3 : 2;
  logic in_ready, out_valid, waits, started = 1'b0;
  logic [BITS-1:0] out_words, wanted, marked;
  logic [2:0] held, ahead;
  pool_windows #(
      .COUNT(3), .CHANNELS(1), .BITS(2), .IS_SIGNED(IS_SIGNED), .MEAN(MEAN), .OUT_BITS(BITS), .DEPTH(DEPTH)
  ) dut (.*);

  // The law.
  logic signed [5:0] words[3], pooled;
  always_comb begin
    for (int i = 0; i < 3; ++i) words[i] = IS_SIGNED ? 6'($signed(in_words[2*i+:2])) : 6'(in_words[2*i+:2]);
    if (MEAN) pooled = (words[0] + words[1] + words[2]) / 3;
    else begin
      pooled = words[0];
      for (int i = 1; i < 3; ++i) if (words[i] > pooled) pooled = words[i];
    end
    wanted = pooled[BITS-1:0];
  end
  order #(.BITS(BITS), .MOST(DEPTH)) order (
      .clk, .rst, .enters(in_valid && in_ready), .in_word(wanted), .leaves(out_valid && out_ready), .mark, .held,
      .waits, .ahead, .marked
  );

  // What lies in the queue and, behind it, in the pipeline, for induction.
  (* hierconn *) logic [2:0] \dut.queue.level , \dut.queue.places.left ;
  (* hierconn *) logic [1:0] \dut.queue.words.read_place , \dut.valid_pipeline.valid ;
  (* hierconn *) logic [BITS-1:0] \dut.queue.words.words[0] , \dut.queue.words.words[1] , \dut.queue.words.words[2] ,
      \dut.queue.words.words[3] , \dut.result , \dut.means ;
  logic [4*BITS-1:0] inside;
  logic [1:0] place;
  logic second, in_queue;
  logic [2:0] counted;
  logic [BITS-1:0] found;
  assign inside = {
    \dut.queue.words.words[3] , \dut.queue.words.words[2] , \dut.queue.words.words[1] , \dut.queue.words.words[0]
  };
  assign place = 2'(\dut.queue.words.read_place + ahead);
  assign counted = \dut.queue.level + 3'(\dut.valid_pipeline.valid [0]) + 3'(\dut.valid_pipeline.valid [1]);
  assign in_queue = ahead < \dut.queue.level ;
  assign second = ahead == \dut.queue.level && \dut.valid_pipeline.valid [1];
  assign found = in_queue ? inside[32'(place)*BITS+:BITS] : second ? \dut.result : \dut.means ;

  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started && !rst) begin
      each_place_is_counted: assert (32'(held) + 32'(\dut.queue.places.left ) == DEPTH);
      it_is_counted: assert (held == counted);
      ready_while_there_is_room: assert (in_ready == (held < DEPTH));
      if (waits) it_is_kept: assert (found == marked);
      if (waits && ahead == 0 && out_valid) it_is_next: assert (out_words == marked);
    end
  end
endmodule
