// One stream for several readers: a word goes when each of them has taken it, at its own pace.
`default_nettype none
module stream_fork #(
    parameter int BITS = 8,
    parameter int READERS = 2
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    in_valid,
    output     logic                    in_ready,
    input wire logic [        BITS-1:0] in_words,
    output     logic [     READERS-1:0] out_valid,
    input wire logic [     READERS-1:0] out_ready,
    output     logic [READERS*BITS-1:0] out_words
);
  logic [READERS-1:0] taken;

  assign out_valid = {READERS{in_valid}} & ~taken;
  assign out_words = {READERS{in_words}};
  assign in_ready  = &(taken | out_ready);

  always_ff @(posedge clk) begin
    if (rst) taken <= '0;
    else if (in_valid) taken <= in_ready ? '0 : taken | out_ready;
  end

  generate
    for (genvar reader = 0; reader < READERS; ++reader) begin : g_rules
      stream_rules #(.BITS(BITS)) out_rules (
          .clk, .rst, .valid(out_valid[reader]), .ready(out_ready[reader]), .words(in_words)
      );
    end
  endgenerate
endmodule
`default_nettype wire
