// a, q and u of a lane's column, two clocks after its slot: slot s has k = FIRST + s, its bits reversed.
module column_factors #(
    parameter int SLOTS = 32,  // a power of two
    parameter int FIRST = 0,
    parameter int SIZE = contract_pkg::SIZE,
    parameter int BITS = contract_pkg::CONSTANT_BITS
) (
    input  logic                            clk,
    input  logic        [$clog2(SLOTS)-1:0] slot,
    output logic signed [         BITS-1:0] a,
    output logic signed [         BITS-1:0] q,
    output logic signed [         BITS-1:0] u
);
  localparam int SLOT_BITS = $clog2(SLOTS);
  logic [$clog2(SIZE / 2)-1:0] k;
  logic [3*BITS-1:0] unused_factors;
  always_comb begin
    k = ($clog2(SIZE / 2))'(FIRST);
    for (int i = 0; i < SLOT_BITS; ++i) k[i] = slot[SLOT_BITS-1-i];
  end
  rom #(.BITS(3 * BITS), .DEPTH(SIZE / 2 - 1), .FILE("recursion.mem")) columns (
      .clk, .address_a(k == 0 ? '0 : k - 1'b1), .word_a({u, q, a}), .address_b('0), .word_b(unused_factors)
  );
endmodule
