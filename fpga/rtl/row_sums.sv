// Sums of the rows that go into the row queue: one at a row's end, and with it the last row's. A clock after that.
`default_nettype none
module row_sums #(
    parameter int SAMPLES = 1,
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1,
    parameter int OUT_BITS = IN_BITS + contract_pkg::SIZE_LOG2
) (
    input wire logic                              clk,
    input wire logic                              rst,
    input wire logic                              in_valid,
    input wire logic                              in_last,     // with the last row's words beside them
    input wire logic                              in_ends,     // a row's last beat
    input wire logic        [SAMPLES*IN_BITS-1:0] in_words,
    input wire logic        [SAMPLES*IN_BITS-1:0] last_words,
    output     logic                              out_valid,
    output     logic                              out_last,
    output     logic signed [       OUT_BITS-1:0] sum,
    output     logic signed [       OUT_BITS-1:0] last_sum
);
  logic signed [OUT_BITS-1:0] beat, last_beat, added, last_added, above, last_above;
  logic valid, ends;
  always_comb begin
    beat = '0;
    last_beat = '0;
    for (int lane = 0; lane < SAMPLES; ++lane) begin
      beat = beat + OUT_BITS'($signed(in_words[lane*IN_BITS+:IN_BITS]));
      last_beat = last_beat + OUT_BITS'($signed(last_words[lane*IN_BITS+:IN_BITS]));
    end
  end
  assign sum       = above + added;
  assign last_sum  = last_above + last_added;
  assign out_valid = valid && ends;
  always_ff @(posedge clk) begin
    valid      <= !rst && in_valid;
    out_last   <= in_last;
    ends       <= in_ends;
    added      <= beat;
    last_added <= last_beat;
    if (rst) begin
      above      <= '0;
      last_above <= '0;
    end else if (valid) begin
      above      <= ends ? '0 : sum;
      last_above <= ends || !out_last ? '0 : last_sum;
    end
  end
endmodule
`default_nettype wire
