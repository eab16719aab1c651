// The sum of COUNT signed terms: a register behind every four of them, and so on with what is left.
//
// Latency in clocks: half of $clog2(COUNT), rounded up. Bits above OUT_BITS are lost.
`default_nettype none
module adder_tree #(
    parameter int COUNT = 9,
    parameter int IN_BITS = 16,
    parameter int OUT_BITS = 20
) (
    input wire logic                     clk,
    input wire logic [COUNT*IN_BITS-1:0] terms,
    output     logic [     OUT_BITS-1:0] sum
);
  localparam int PARTS = (COUNT + 3) / 4;
  localparam int PART_BITS = IN_BITS + 2 < OUT_BITS ? IN_BITS + 2 : OUT_BITS;
  generate
    if (COUNT == 1) begin : g_one
      assign sum = OUT_BITS'($signed(terms));
    end else begin : g_more
      logic [PARTS*PART_BITS-1:0] parts;
      for (genvar part = 0; part < PARTS; ++part) begin : g_part
        localparam int TERMS = COUNT - 4 * part < 4 ? COUNT - 4 * part : 4;
        logic [4*IN_BITS-1:0] own;
        assign own = (4 * IN_BITS)'(terms[4*part*IN_BITS+:TERMS*IN_BITS]);
        always_ff @(posedge clk)
          parts[part*PART_BITS+:PART_BITS] <=
              PART_BITS'($signed(own[0+:IN_BITS])) + PART_BITS'($signed(own[IN_BITS+:IN_BITS])) +
              PART_BITS'($signed(own[2*IN_BITS+:IN_BITS])) + PART_BITS'($signed(own[3*IN_BITS+:IN_BITS]));
      end
      adder_tree #(.COUNT(PARTS), .IN_BITS(PART_BITS), .OUT_BITS(OUT_BITS)) rest (.clk, .terms(parts), .sum);
    end
  endgenerate
endmodule
`default_nettype wire
