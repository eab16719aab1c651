// Whether the phase of a frame is negative: whether its largest and its smallest word together are below zero.
`default_nettype none
module phase_sign #(
    parameter int WORDS = 1,  // a clock
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int BITS = contract_pkg::PHASE_BITS
) (
    input wire logic                  clk,
    input wire logic                  rst,
    input wire logic                  in_valid,
    input wire logic [WORDS*BITS-1:0] in_words,
    output     logic                  done,     // pulse: so much for a frame
    output     logic                  negative  // it, until the next pulse
);
  localparam int COUNT_BITS = $clog2(SIZE * SIZE / WORDS);

  // Of a clock's words.
  logic found_valid;
  logic signed [BITS-1:0] lowest, highest, found_lowest, found_highest;
  always_comb begin
    lowest  = $signed(in_words[0+:BITS]);
    highest = $signed(in_words[0+:BITS]);
    for (int word = 1; word < WORDS; ++word) begin
      if ($signed(in_words[word*BITS+:BITS]) < lowest) lowest = $signed(in_words[word*BITS+:BITS]);
      if ($signed(in_words[word*BITS+:BITS]) > highest) highest = $signed(in_words[word*BITS+:BITS]);
    end
  end
  always_ff @(posedge clk) begin
    found_valid <= !rst && in_valid;
    {found_lowest, found_highest} <= {lowest, highest};
  end

  // Of the frame.
  logic [COUNT_BITS-1:0] count;
  logic signed [BITS-1:0] least, most;
  logic signed [BITS:0] both;
  logic found_all;
  assign both = (BITS + 1)'(least) + (BITS + 1)'(most);
  always_ff @(posedge clk) begin
    if (rst) count <= '0;
    else if (found_valid) count <= count + 1'b1;
    if (found_valid) begin
      if (count == 0 || found_lowest < least) least <= found_lowest;
      if (count == 0 || found_highest > most) most <= found_highest;
    end
    found_all <= !rst && found_valid && &count;
    done      <= found_all && !rst;
    if (found_all) negative <= both < 0;
  end
endmodule
`default_nettype wire
