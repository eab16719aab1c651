// stream_fork: every reader takes each word once, and the next one comes when all have taken it.
module stream_fork_proof #(
    parameter int BITS = 2,
    parameter int READERS = 3
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [BITS-1:0] in_words,
    input logic [READERS-1:0] out_ready
);
  logic in_ready, started = 1'b0;
  logic [READERS-1:0] out_valid;
  logic [READERS*BITS-1:0] out_words;
  stream_fork #(.BITS(BITS), .READERS(READERS)) dut (.*);
  stream_given #(.BITS(BITS)) given (.clk, .rst, .valid(in_valid), .ready(in_ready), .words(in_words));
  (* hierconn *) logic [READERS-1:0] \dut.taken ;

  logic [3:0] words;  // modulo 16
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    words <= rst ? '0 : words + 4'(in_valid && in_ready);
  end
  logic [READERS-1:0] once, known, offered, has_it;
  generate
    for (genvar r = 0; r < READERS; ++r) begin : g_reader
      logic [3:0] read;  // words that this one took
      logic ahead;       // of the others
      assign ahead = read != words;
      assign once[r] = read == words || (in_valid && read == 4'(words + 1'b1));
      assign known[r] = \dut.taken [r] == ahead;
      assign offered[r] = out_valid[r] == (in_valid && !ahead) && out_words[r*BITS+:BITS] == in_words;
      assign has_it[r] = ahead || out_ready[r];
      always_ff @(posedge clk) read <= rst ? '0 : read + 4'(out_valid[r] && out_ready[r]);
    end
  endgenerate
  always_ff @(posedge clk)
    if (started && !rst) begin
      each_word_once: assert (&once);
      it_is_known: assert (&known);
      it_is_offered: assert (&offered);
      if (in_valid) it_goes_when_all_have_it: assert (in_ready == &has_it);
    end
endmodule
