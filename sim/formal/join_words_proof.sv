// join_words: of each pair of words the sum, difference, larger or smaller one, or both side by side.
module join_words_proof #(
    parameter int OPERATION = 0,
    parameter bit SECOND_SIGNED = 1
) (
    input logic clk,
    input logic rst,
    input logic first_valid,
    input logic [7:0] first_words,
    input logic second_valid,
    input logic [5:0] second_words,
    input logic out_ready
);
  // Two channels of 4 bits, and two of 3 bits whose step is twice as large.
  localparam int CHANNELS = OPERATION == 4 ? 4 : 2, BITS = 6;
  logic first_ready, second_ready, out_valid, started = 1'b0;
  logic [CHANNELS*BITS-1:0] out_words;
  join_words #(
      .OPERATION(OPERATION), .FIRST_CHANNELS(2), .FIRST_BITS(4), .SECOND_CHANNELS(2), .SECOND_BITS(3),
      .SECOND_SIGNED(SECOND_SIGNED), .SECOND_APPENDED(1), .OUT_CHANNELS(CHANNELS), .OUT_BITS(BITS)
  ) dut (.*);
  (* hierconn *) logic [CHANNELS*BITS-1:0] \dut.joined ;
  logic signed [BITS-1:0] first[2], second[2];
  always_comb
    for (int c = 0; c < 2; ++c) begin
      first[c]  = BITS'($signed(first_words[4*c+:4]));
      second[c] = (SECOND_SIGNED ? BITS'($signed(second_words[3*c+:3])) : BITS'(second_words[3*c+:3])) * 2;
    end
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started && !rst) begin
      pairs_go_together: assert ((first_valid && first_ready) == (second_valid && second_ready));
      if (first_valid && second_valid && !out_valid) nothing_else_is_waited_for: assert (first_ready);
    end
  end
  logic [CHANNELS-1:0] same;
  generate
    for (genvar c = 0; c < CHANNELS; ++c) begin : g_channel
      logic signed [BITS-1:0] word;
      always_comb
        case (OPERATION)
          0: word = first[c%2] + second[c%2];
          1: word = first[c%2] - second[c%2];
          2: word = first[c%2] > second[c%2] ? first[c%2] : second[c%2];
          3: word = first[c%2] < second[c%2] ? first[c%2] : second[c%2];
          default: word = c < 2 ? first[c%2] : second[c%2];
        endcase
      assign same[c] = \dut.joined [c*BITS+:BITS] == word;
    end
  endgenerate
  always_ff @(posedge clk) all_are_the_law: assert (&same);
endmodule
