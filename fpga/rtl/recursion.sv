// state <- a state + drive 2^FRACTION of SLOTS columns that take turns, zero before the first: one real part.
//
// Rounded convergently, once. A column may come again 6 clocks later; its state, before the step, leaves a clock after
// its slot came, beside which its drive and a are due.
module recursion #(
    parameter int SLOTS = 32,  // a power of two
    parameter int BITS = contract_pkg::STATE_BITS,
    parameter int DRIVE_BITS = contract_pkg::ROW_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS,
    parameter int FACTOR_FRACTION = contract_pkg::CONSTANT_FRACTION,
    parameter int FRACTION = contract_pkg::STATE_FRACTION
) (
    input  logic                          clk,
    input  logic                          rst,
    input  logic                          in_valid,
    input  logic                          in_first,
    input  logic        [$clog2(SLOTS)-1:0] in_slot,
    // A clock later.
    input  logic signed [FACTOR_BITS-1:0] a,
    input  logic signed [ DRIVE_BITS-1:0] drive,
    output logic signed [       BITS-1:0] state
);
  localparam int PRODUCT_BITS = BITS + FACTOR_BITS;
  logic signed [BITS-1:0] states[SLOTS];
  logic signed [BITS-1:0] decayed, next;
  logic signed [PRODUCT_BITS-1:0] product;
  logic signed [DRIVE_BITS-1:0] waiting;
  logic write;
  logic [$clog2(SLOTS)-1:0] slot;
  pipeline_valid #(.CLOCKS(5)) write_pipeline (.clk, .rst, .in_valid, .out_valid(write));
  delay #(.BITS($clog2(SLOTS)), .CLOCKS(5)) beside_state (.clk, .in_word(in_slot), .out_word(slot));
  delay #(.BITS(DRIVE_BITS), .CLOCKS(3)) beside_product (.clk, .in_word(drive), .out_word(waiting));
  shift_round #(.IN_BITS(PRODUCT_BITS), .OUT_BITS(BITS), .FIXED(FACTOR_FRACTION), .SATURATE(0)) divide (
      .clk, .value(product), .shift('0), .rounded(decayed)
  );
  always_ff @(posedge clk) begin
    state   <= in_first ? '0 : states[in_slot];
    product <= state * a;
    next    <= decayed + (BITS'(waiting) <<< FRACTION);
    if (write) states[slot] <= next;
  end
endmodule
