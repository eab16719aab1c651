// The downward recursion of SLOTS columns that take turns, one a clock: row words less the surface's line, states, i phi^.
//
//   i phi^ = e q + H u,   e <- a e + H, zero at a frame's first row
// Shifts round convergently (model/contract/recursion.py, items 5 to 10). A column may come again 6 clocks later. Latency:
// 3 clocks for row words, 10 for i phi^.
module causal_lane #(
    parameter int SLOTS = 32,  // a power of two
    parameter int FIRST = 0,   // k of the lane's lowest column; slot s has k = FIRST + s, its bits reversed
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS + 1 + contract_pkg::SIZE_LOG2,
    parameter int ROW_BITS = contract_pkg::ROW_BITS,
    parameter int STATE_BITS = contract_pkg::STATE_BITS,
    parameter int LINE_BITS = contract_pkg::LINE_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS,
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
  localparam int PRODUCT_BITS = STATE_BITS + FACTOR_BITS;
  localparam int OUT_SHIFT = contract_pkg::CONSTANT_FRACTION + STATE_FRACTION - contract_pkg::PHI_FRACTION;

  pipeline_valid #(.CLOCKS(3)) row_pipeline (.clk, .rst, .in_valid, .out_valid(row_valid));
  pipeline_valid #(.CLOCKS(10)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  delay #(.BITS(SLOT_BITS), .CLOCKS(10)) beside_words (.clk, .in_word(in_slot), .out_word(out_slot));

  // Beside the pipeline, by clocks after the word came.
  logic [SLOT_BITS-1:0] slot_4, slot_5;
  logic valid_5, first_1, first_5;
  delay #(.BITS(SLOT_BITS), .CLOCKS(4)) slot_pipeline_4 (.clk, .in_word(in_slot), .out_word(slot_4));
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_5 (.clk, .in_word(slot_4), .out_word(slot_5));
  pipeline_valid #(.CLOCKS(5)) valid_pipeline_5 (.clk, .rst, .in_valid, .out_valid(valid_5));
  delay #(.BITS(1), .CLOCKS(1)) first_pipeline_1 (.clk, .in_word(in_first), .out_word(first_1));
  delay #(.BITS(1), .CLOCKS(4)) first_pipeline_5 (.clk, .in_word(first_1), .out_word(first_5));

  logic signed [FACTOR_BITS-1:0] a, q, u;
  column_factors #(.SLOTS(SLOTS), .FIRST(FIRST)) column_factors (.clk, .slot(slot_4), .a, .q, .u);

  logic [4*LINE_BITS-1:0] lines[2*SLOTS];
  logic [4*LINE_BITS-1:0] line_1;
  always_ff @(posedge clk) begin
    if (line_write) lines[{line_odd, line_slot}] <= line;
    line_1 <= lines[{in_odd, in_slot}];
  end

  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      logic signed [ROW_BITS-1:0] row, row_4, flat;
      row_round #(.IN_BITS(IN_BITS)) row_round (.clk, .grown($signed(in_word[part*IN_BITS+:IN_BITS])), .row);
      assign row_word[part*ROW_BITS+:ROW_BITS] = row;
      line_word #(.SLOTS(SLOTS)) line_word (
          .clk, .rst, .in_valid, .in_slot, .first(first_1), .constant($signed(line_1[part*LINE_BITS+:LINE_BITS])),
          .slope($signed(line_1[(2+part)*LINE_BITS+:LINE_BITS])), .row(row_4), .flat
      );

      logic signed [STATE_BITS-1:0] state, column;
      recursion #(.SLOTS(SLOTS)) recursion (
          .clk, .rst, .in_valid(valid_5), .in_first(first_5), .in_slot(slot_5), .a, .drive(flat), .state
      );
      logic signed [PRODUCT_BITS-1:0] by_state;
      logic signed [ROW_BITS+FACTOR_BITS-1:0] by_row;
      logic signed [PRODUCT_BITS:0] total;
      shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(STATE_BITS), .FIXED(OUT_SHIFT), .SATURATE(0)) to_column (
          .clk, .value(total), .shift('0), .rounded(column)
      );
      always_ff @(posedge clk) begin
        row_4    <= row;
        by_state <= state * q;
        by_row   <= flat * u;
        total    <= (PRODUCT_BITS + 1)'(by_state) + ((PRODUCT_BITS + 1)'(by_row) <<< STATE_FRACTION);
      end
      assign out_word[part*STATE_BITS+:STATE_BITS] = column;
    end
  endgenerate
endmodule
