// argmax: the first of the largest logits, and how far the next one is, for all logits, CLASSES clocks later.
module argmax_proof #(
    parameter int CLASSES = 3,
    parameter int BITS = 3,
    parameter bit IS_SIGNED = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [CLASSES*BITS-1:0] in_words,
    input logic out_ready
);
  localparam int CLASS_BITS = $clog2(CLASSES + 1);
  logic in_ready, out_valid, started = 1'b0;
  logic [CLASS_BITS-1:0] out_class;
  logic [BITS:0] out_margin;
  logic [CLASSES*BITS-1:0] out_logits, taken;
  argmax #(.CLASSES(CLASSES), .BITS(BITS), .IS_SIGNED(IS_SIGNED)) dut (.*);
  (* hierconn *) logic \dut.busy ;
  (* hierconn *) logic [CLASS_BITS-1:0] \dut.place ;

  function automatic logic signed [BITS:0] logit(input logic [CLASSES*BITS-1:0] words, input int place);
    logit = {IS_SIGNED && words[place*BITS+BITS-1], words[place*BITS+:BITS]};
  endfunction

  logic first, next;  // law: no earlier one is as large and no later one larger; one of the others is `out_margin` away
  always_comb begin
    first = 32'(out_class) < CLASSES;
    next = CLASSES == 1 && out_margin == 0;
    for (int i = 0; i < CLASSES; ++i) begin
      if (i < 32'(out_class) && logit(taken, i) >= logit(taken, 32'(out_class))) first = 1'b0;
      if (logit(taken, i) > logit(taken, 32'(out_class))) first = 1'b0;
      if (i != 32'(out_class) && (BITS + 1)'(logit(taken, 32'(out_class)) - logit(taken, i)) == out_margin) next = 1'b1;
    end
    for (int i = 0; i < CLASSES; ++i)
      if (i != 32'(out_class) && (BITS + 1)'(logit(taken, 32'(out_class)) - logit(taken, i)) < out_margin) next = 1'b0;
  end

  logic inside;
  logic [3:0] clocks;  // since the logits came
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst) inside <= 1'b0;
    else if (in_valid && in_ready) inside <= 1'b1;
    else if (out_valid && out_ready) inside <= 1'b0;
    if (in_valid && in_ready) taken <= in_words;
    clocks <= rst || !inside ? '0 : out_valid ? clocks : clocks + 1'b1;
    if (started && !rst) begin
      one_at_a_time: assert (in_ready == !inside && \dut.busy == inside);
      if (inside) the_place_counts: assert (32'(clocks) == 32'(\dut.place ) && 32'(clocks) <= CLASSES);
      an_answer_a_cell: assert (out_valid == (inside && 32'(clocks) == CLASSES));
      if (inside) logits_stay: assert (out_logits == taken);
      if (out_valid) the_class_is_the_first: assert (first);
      if (out_valid) the_margin_is_to_the_next: assert (next);
    end
  end
endmodule
