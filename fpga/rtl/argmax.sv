// The class of a cell: the place of its largest logit, the first one where several are, and how far the next one is.
//
// A logit a clock. The logits leave beside the class.
`default_nettype none
module argmax #(
    parameter int CLASSES = 5,
    parameter int BITS = 20,       // of a logit
    parameter bit IS_SIGNED = 1,
    parameter int CLASS_BITS = $clog2(CLASSES + 1)
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    in_valid,
    output     logic                    in_ready,
    input wire logic [CLASSES*BITS-1:0] in_words,
    output     logic                    out_valid,
    input wire logic                    out_ready,
    output     logic [  CLASS_BITS-1:0] out_class,
    output     logic [          BITS:0] out_margin,  // the largest logit less the next one; 0 of a single class
    output     logic [CLASSES*BITS-1:0] out_logits
);
  logic busy;
  logic [CLASS_BITS-1:0] place;
  logic signed [BITS:0] logit, largest, second;  // a bit more than a logit, with or without sign
  logic [BITS-1:0] word;
  assign word  = out_logits[32'(place)*BITS+:BITS];
  assign logit = {IS_SIGNED && word[BITS-1], word};
  assign in_ready = !busy;
  assign out_valid = busy && 32'(place) == CLASSES;
  assign out_margin = CLASSES == 1 ? '0 : largest - second;

  always_ff @(posedge clk) begin
    if (rst) busy <= 1'b0;
    else if (!busy) busy <= in_valid;
    else if (out_valid && out_ready) busy <= 1'b0;
    if (!busy) begin
      place      <= '0;
      out_logits <= in_words;
    end else if (!out_valid) begin
      place <= place + 1'b1;
      if (place == 0 || logit > largest) begin
        largest   <= logit;
        out_class <= place;
      end
      if (place != 0) begin
        if (logit > largest) second <= largest;
        else if (place == 1 || logit > second) second <= logit;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_place_is_a_class : assert (!busy || 32'(place) <= CLASSES);
    end
`endif

  stream_rules #(.BITS(CLASSES * BITS + BITS + 1 + CLASS_BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words({out_class, out_margin, out_logits})
  );
endmodule
`default_nettype wire
