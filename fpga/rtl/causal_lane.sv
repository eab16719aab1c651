// The downward recursion of SLOTS columns that take turns, one a clock: row words less the surface's line, states, i phi^.
//
//   G = saturate(grown >> UNIT), as far below zero as above     H = saturate(G - ((A << 6) + B y >> 14))
//   i phi^ = e q + H u                                          e <- a e + H, zero at a frame's first row
// Shifts round convergently; a, q, u and all widths are the contract's (model/contract/recursion.py, items 5 to 10). A
// column may come again 6 clocks later. Latency: 3 clocks for G, 10 for i phi^.
module causal_lane #(
    parameter int SLOTS = 32,  // a power of two
    parameter int FIRST = 0,   // k of the lane's lowest column; slot s has k = FIRST + s, its bits reversed
    parameter int SIZE = contract_pkg::SIZE,
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1 + contract_pkg::SIZE_LOG2,
    parameter int ROW_BITS = contract_pkg::ROW_BITS,
    parameter int STATE_BITS = contract_pkg::STATE_BITS,
    parameter int LINE_BITS = contract_pkg::LINE_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS,
    parameter int FACTOR_FRACTION = contract_pkg::CONSTANT_FRACTION,
    parameter int STATE_FRACTION = contract_pkg::STATE_FRACTION
) (
    input  logic                     clk,
    input  logic                     rst,
    // Lines of the surface, of frames in turn.
    input  logic                     line_write,
    input  logic                     line_odd,
    input  logic [$clog2(SLOTS)-1:0] line_slot,
    input  logic [  4*LINE_BITS-1:0] line,        // A real, imaginary, B real, imaginary
    // Words of the row transform.
    input  logic                     in_valid,
    input  logic                     in_first,    // of a frame's first row
    input  logic                     in_odd,      // of every other frame
    input  logic [$clog2(SLOTS)-1:0] in_slot,
    input  logic [    2*IN_BITS-1:0] in_word,
    output logic                     row_valid,
    output logic [   2*ROW_BITS-1:0] row_word,    // G
    output logic                     out_valid,
    output logic [$clog2(SLOTS)-1:0] out_slot,
    output logic [ 2*STATE_BITS-1:0] out_word     // i phi^
);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int K_BITS = $clog2(SIZE / 2);
  localparam int RISE = contract_pkg::LINE_SLOPE_FRACTION - contract_pkg::LINE_CONSTANT_FRACTION;
  localparam int VALUE_BITS = LINE_BITS + (RISE > contract_pkg::SIZE_LOG2 ? RISE : contract_pkg::SIZE_LOG2) + 2;
  localparam int ROUNDED_BITS = VALUE_BITS - contract_pkg::LINE_SLOPE_FRACTION;
  localparam int PRODUCT_BITS = STATE_BITS + FACTOR_BITS;
  localparam int OUT_SHIFT = FACTOR_FRACTION + STATE_FRACTION - contract_pkg::PHI_FRACTION;

  pipeline_valid #(.CLOCKS(3)) row_pipeline (.clk, .rst, .in_valid, .out_valid(row_valid));
  pipeline_valid #(.CLOCKS(10)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  delay #(.BITS(SLOT_BITS), .CLOCKS(10)) beside_words (.clk, .in_word(in_slot), .out_word(out_slot));

  // Slots and marks beside the pipeline, by clocks after the word came.
  logic [SLOT_BITS-1:0] slot_2, slot_5, slot_10;
  logic valid_2, valid_10, first_1, first_5;
  delay #(.BITS(SLOT_BITS), .CLOCKS(2)) slot_pipeline_2 (.clk, .in_word(in_slot), .out_word(slot_2));
  delay #(.BITS(SLOT_BITS), .CLOCKS(3)) slot_pipeline_5 (.clk, .in_word(slot_2), .out_word(slot_5));
  assign slot_10 = out_slot;
  pipeline_valid #(.CLOCKS(2)) valid_pipeline_2 (.clk, .rst, .in_valid, .out_valid(valid_2));
  assign valid_10 = out_valid;
  delay #(.BITS(1), .CLOCKS(1)) first_pipeline_1 (.clk, .in_word(in_first), .out_word(first_1));
  delay #(.BITS(1), .CLOCKS(4)) first_pipeline_5 (.clk, .in_word(first_1), .out_word(first_5));

  // a, q and u at 6 clocks: two are the memory's.
  logic [SLOT_BITS-1:0] slot_4;
  logic [K_BITS-1:0] k;
  logic [3*FACTOR_BITS-1:0] factors, unused_factors;
  logic signed [FACTOR_BITS-1:0] a, q, u;
  delay #(.BITS(SLOT_BITS), .CLOCKS(2)) slot_pipeline_4 (.clk, .in_word(slot_2), .out_word(slot_4));
  always_comb begin
    k = K_BITS'(FIRST);
    for (int i = 0; i < SLOT_BITS; ++i) k[i] = slot_4[SLOT_BITS-1-i];
  end
  rom #(.BITS(3 * FACTOR_BITS), .DEPTH(SIZE / 2 - 1), .FILE("recursion.mem")) columns (
      .clk, .address_a(k == 0 ? '0 : k - 1'b1), .word_a(factors), .address_b('0), .word_b(unused_factors)
  );
  assign {u, q, a} = factors;

  logic [4*LINE_BITS-1:0] lines[2*SLOTS];
  logic [4*LINE_BITS-1:0] line_1;
  always_ff @(posedge clk) begin
    if (line_write) lines[{line_odd, line_slot}] <= line;
    line_1 <= lines[{in_odd, in_slot}];
  end

  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      // Row word.
      logic signed [ROW_BITS-1:0] nearest, stored, row;
      shift_round #(.IN_BITS(IN_BITS), .OUT_BITS(ROW_BITS), .FIXED(contract_pkg::UNIT_LOG2)) to_unit (
          .clk, .value($signed(in_word[part*IN_BITS+:IN_BITS])), .shift('0), .rounded(nearest)
      );
      always_ff @(posedge clk) begin
        stored <= nearest == {1'b1, {(ROW_BITS - 1) {1'b0}}} ? nearest + 1'b1 : nearest;
        row    <= stored;
      end
      assign row_word[part*ROW_BITS+:ROW_BITS] = stored;

      // The line's value at this row, from that at the row above.
      logic signed [VALUE_BITS-1:0] values[SLOTS];
      logic signed [VALUE_BITS-1:0] value_1, value;
      logic signed [LINE_BITS-1:0] constant, slope;
      logic signed [ROUNDED_BITS-1:0] surface;
      assign constant = $signed(line_1[part*LINE_BITS+:LINE_BITS]);
      assign slope    = $signed(line_1[(2+part)*LINE_BITS+:LINE_BITS]);
      always_ff @(posedge clk) begin
        value_1 <= values[in_slot];
        value   <= first_1 ? VALUE_BITS'(constant) <<< RISE : value_1 + VALUE_BITS'(slope);
        if (valid_2) values[slot_2] <= value;
      end
      shift_round #(
          .IN_BITS(VALUE_BITS), .OUT_BITS(ROUNDED_BITS), .FIXED(contract_pkg::LINE_SLOPE_FRACTION), .SATURATE(0)
      ) to_row (.clk, .value, .shift('0), .rounded(surface));

      // Less the surface: H.
      logic signed [ROUNDED_BITS:0] difference;
      logic signed [ROW_BITS-1:0] flat, flat_7, flat_8, flat_9;
      logic fits;
      assign fits = &difference[ROUNDED_BITS:ROW_BITS-1] || ~|difference[ROUNDED_BITS:ROW_BITS-1];
      always_ff @(posedge clk) begin
        difference <= (ROUNDED_BITS + 1)'(row) - (ROUNDED_BITS + 1)'(surface);
        flat <= fits ? difference[ROW_BITS-1:0] : {difference[ROUNDED_BITS], {(ROW_BITS - 1) {~difference[ROUNDED_BITS]}}};
      end

      // States: read, product, rounding 2, sum, written 6 clocks after they were read.
      logic signed [STATE_BITS-1:0] states[SLOTS];
      logic signed [STATE_BITS-1:0] state, decayed, next;
      logic signed [PRODUCT_BITS-1:0] decay, by_state;
      logic signed [ROW_BITS+FACTOR_BITS-1:0] by_row;
      logic signed [PRODUCT_BITS:0] total;
      logic signed [STATE_BITS-1:0] column;
      shift_round #(.IN_BITS(PRODUCT_BITS), .OUT_BITS(STATE_BITS), .FIXED(FACTOR_FRACTION), .SATURATE(0)) to_state (
          .clk, .value(decay), .shift('0), .rounded(decayed)
      );
      shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(STATE_BITS), .FIXED(OUT_SHIFT), .SATURATE(0)) to_column (
          .clk, .value(total), .shift('0), .rounded(column)
      );
      always_ff @(posedge clk) begin
        state    <= first_5 ? '0 : states[slot_5];
        decay    <= state * a;
        by_state <= state * q;
        by_row   <= flat * u;
        total    <= (PRODUCT_BITS + 1)'(by_state) + ((PRODUCT_BITS + 1)'(by_row) <<< STATE_FRACTION);
        flat_7   <= flat;
        flat_8   <= flat_7;
        flat_9   <= flat_8;
        next     <= decayed + (STATE_BITS'(flat_9) <<< STATE_FRACTION);
        if (valid_10) states[slot_10] <= next;
      end
      assign out_word[part*STATE_BITS+:STATE_BITS] = column;
    end
  endgenerate
endmodule
