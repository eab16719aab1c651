// The downward recursion of SLOTS columns that take turns, of row words as they are: states to be met on the way back.
//
// G[k] and conj G[-k] are in units; a state is that before its row. A column may come again 6 clocks later. Latency: 3.
module down_lane #(
    parameter int SLOTS = 32,  // a power of two
    parameter int FIRST = 0,   // k of the lane's lowest column
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1 + contract_pkg::SIZE_LOG2,
    parameter int ROW_BITS = contract_pkg::ROW_BITS,
    parameter int STATE_BITS = contract_pkg::STATE_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS
) (
    input  logic                     clk,
    input  logic                     rst,
    input  logic                     in_valid,
    input  logic                     in_first,   // of a frame's first row
    input  logic [$clog2(SLOTS)-1:0] in_slot,
    input  logic [    2*IN_BITS-1:0] in_plus,    // of k
    input  logic [    2*IN_BITS-1:0] in_minus,   // of -k
    output logic                     out_valid,
    output logic [$clog2(SLOTS)-1:0] out_slot,
    output logic [   2*ROW_BITS-1:0] plus,       // G[k]
    output logic [   2*ROW_BITS-1:0] minus,      // conj G[-k]
    output logic [ 2*STATE_BITS-1:0] state
);
  localparam int SLOT_BITS = $clog2(SLOTS);
  logic [SLOT_BITS-1:0] slot_1, slot_2;
  logic valid_2, first_2;
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_1 (.clk, .in_word(in_slot), .out_word(slot_1));
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_2 (.clk, .in_word(slot_1), .out_word(slot_2));
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_3 (.clk, .in_word(slot_2), .out_word(out_slot));
  delay #(.BITS(1), .CLOCKS(2)) first_pipeline (.clk, .in_word(in_first), .out_word(first_2));
  pipeline_valid #(.CLOCKS(2)) valid_pipeline_2 (.clk, .rst, .in_valid, .out_valid(valid_2));
  pipeline_valid #(.CLOCKS(1)) valid_pipeline_3 (.clk, .rst, .in_valid(valid_2), .out_valid);

  logic signed [FACTOR_BITS-1:0] a, unused_q, unused_u;
  column_factors #(.SLOTS(SLOTS), .FIRST(FIRST)) column_factors (
      .clk, .slot(slot_1), .a, .q(unused_q), .u(unused_u)
  );
  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      logic signed [ROW_BITS-1:0] near, far;
      row_round #(.IN_BITS(IN_BITS)) round_plus (
          .clk, .grown($signed(in_plus[part*IN_BITS+:IN_BITS])), .row(near)
      );
      row_round #(.IN_BITS(IN_BITS)) round_minus (
          .clk, .grown($signed(in_minus[part*IN_BITS+:IN_BITS])), .row(far)
      );
      assign plus[part*ROW_BITS+:ROW_BITS]  = near;
      assign minus[part*ROW_BITS+:ROW_BITS] = part == 0 ? far : -far;
      recursion #(.SLOTS(SLOTS)) recursion (
          .clk, .rst, .in_valid(valid_2), .in_first(first_2), .in_slot(slot_2), .a, .drive(near),
          .state(state[part*STATE_BITS+:STATE_BITS])
      );
    end
  endgenerate
endmodule
