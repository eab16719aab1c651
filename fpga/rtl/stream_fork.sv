// One stream for several readers: a word goes when each of them has taken it, at its own pace.
module stream_fork #(
    parameter int BITS = 8,
    parameter int READERS = 2
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    in_valid,
    output logic                    in_ready,
    input  logic [        BITS-1:0] in_words,
    output logic [     READERS-1:0] out_valid,
    input  logic [     READERS-1:0] out_ready,
    output logic [READERS*BITS-1:0] out_words
);
  logic [READERS-1:0] taken;

  assign out_valid = {READERS{in_valid}} & ~taken;
  assign out_words = {READERS{in_words}};
  assign in_ready  = &(taken | out_ready);

  always_ff @(posedge clk) begin
    if (rst) taken <= '0;
    else if (in_valid) taken <= in_ready ? '0 : taken | out_ready;
  end
endmodule
