// The way back of SLOTS columns that take turns, from a frame's last row to its first: row words and states less the
// surface, the upward recursion, i phi^.
//
//   e' = saturate(e - (alpha (1 - E[k y]) + beta y)), 0 in the first row     f <- a f + H-, 0 in the last row
//   i phi^ = ((e' + f) / 2) q + (H+ + H-) u / 2
// Shifts round convergently (model/contract/recursion.py, items 8 to 10). A column may come again 6 clocks later.
// Latency: 17 clocks.
`default_nettype none
module back_lane #(
    parameter int SLOTS = 32,  // a power of two
    parameter int FIRST = 0,   // k of the lane's lowest column; slot s has k = FIRST + s, its bits reversed
    parameter int SIZE = contract_pkg::SIZE,
    parameter int ROW_BITS = contract_pkg::ROW_BITS,
    parameter int STATE_BITS = contract_pkg::STATE_BITS,
    parameter int LINE_BITS = contract_pkg::LINE_BITS,
    parameter int FACTOR_BITS = contract_pkg::CONSTANT_BITS,
    parameter int FACTOR_FRACTION = contract_pkg::CONSTANT_FRACTION,
    parameter int STATE_FRACTION = contract_pkg::STATE_FRACTION,
    parameter bit KNOWN = contract_pkg::KNOWN_SURFACE != 0,  // a surface may be; else both halves tell every frame
    parameter int RESPONSE_BITS = 2 * (STATE_BITS + LINE_BITS)
) (
    input wire logic                       clk,
    input wire logic                       rst,
    // What the surface is in each column, once a frame.
    input wire logic                       line_write,
    input wire logic                       line_odd,   // of every other frame
    input wire logic [  $clog2(SLOTS)-1:0] line_slot,
    input wire logic [    4*LINE_BITS-1:0] line,       // of G[k]: A real, imaginary, B real, imaginary
    input wire logic [    4*LINE_BITS-1:0] conjugate,  // of conj G[-k]
    input wire logic [  RESPONSE_BITS-1:0] response,   // alpha real, imaginary, beta real, imaginary
    // Words and states.
    input wire logic                       in_valid,
    input wire logic                       in_odd,     // of every other frame
    input wire logic                       in_last,    // of the last row, which comes first
    input wire logic                       in_top,     // of the first row
    input wire logic [                1:0] in_half,    // which tells the frame
    input wire logic [  $clog2(SLOTS)-1:0] in_slot,
    input wire logic [     2*ROW_BITS-1:0] plus,
    input wire logic [     2*ROW_BITS-1:0] minus,
    input wire logic [   2*STATE_BITS-1:0] state,
    output     logic                       out_valid,
    output     logic [  $clog2(SLOTS)-1:0] out_slot,
    output     logic [   2*STATE_BITS-1:0] out_word    // i phi^
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int K_BITS = LOG2 - 1;
  localparam int PLACE_BITS = 2 * LOG2 - 1;  // of k y
  localparam int LATENCY = 17;
  localparam int RISE = STATE_FRACTION + FACTOR_FRACTION - contract_pkg::RESPONSE_FRACTION;
  localparam int BY_BITS = LINE_BITS + LOG2 + 1;  // of beta y
  localparam int DECAY_BITS = STATE_BITS + FACTOR_BITS;
  localparam int ANSWER_BITS = BY_BITS + RISE + 2 > DECAY_BITS + 2 ? BY_BITS + RISE + 2 : DECAY_BITS + 2;
  localparam int ROUNDED_BITS = ANSWER_BITS - FACTOR_FRACTION;
  localparam int PRODUCT_BITS = STATE_BITS + FACTOR_BITS;
  localparam logic [1:0] BOTH = contract_pkg::HALF_BOTH;
  localparam logic [1:0] DOWN = contract_pkg::HALF_DOWN;
  localparam logic [1:0] UP = contract_pkg::HALF_UP;
  localparam int OUT_SHIFT = FACTOR_FRACTION + STATE_FRACTION - contract_pkg::PHI_FRACTION;

  pipeline_valid #(.CLOCKS(LATENCY)) valid_pipeline (.clk, .rst, .in_valid, .out_valid);
  delay #(.BITS(SLOT_BITS), .CLOCKS(LATENCY)) beside_words (.clk, .in_word(in_slot), .out_word(out_slot));

  // Beside the pipeline, by clocks after the word came.
  logic [SLOT_BITS-1:0] slot_2, slot_4, slot_5;
  logic valid_2, valid_5, last_1, last_5, top_9;
  logic [1:0] half_6, half_10;
  delay #(.BITS(SLOT_BITS), .CLOCKS(2)) slot_pipeline_2 (.clk, .in_word(in_slot), .out_word(slot_2));
  delay #(.BITS(SLOT_BITS), .CLOCKS(2)) slot_pipeline_4 (.clk, .in_word(slot_2), .out_word(slot_4));
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_5 (.clk, .in_word(slot_4), .out_word(slot_5));
  pipeline_valid #(.CLOCKS(2)) valid_pipeline_2 (.clk, .rst, .in_valid, .out_valid(valid_2));
  pipeline_valid #(.CLOCKS(3)) valid_pipeline_5 (.clk, .rst, .in_valid(valid_2), .out_valid(valid_5));
  delay #(.BITS(1), .CLOCKS(1)) last_pipeline_1 (.clk, .in_word(in_last), .out_word(last_1));
  delay #(.BITS(1), .CLOCKS(4)) last_pipeline_5 (.clk, .in_word(last_1), .out_word(last_5));
  delay #(.BITS(1), .CLOCKS(9)) top_pipeline_9 (.clk, .in_word(in_top), .out_word(top_9));
  delay #(.BITS(2), .CLOCKS(6)) half_pipeline_6 (.clk, .in_word(KNOWN ? in_half : BOTH), .out_word(half_6));
  delay #(.BITS(2), .CLOCKS(4)) half_pipeline_10 (.clk, .in_word(half_6), .out_word(half_10));

  logic signed [FACTOR_BITS-1:0] a, q, u, q_13, u_13;
  column_factors #(.SLOTS(SLOTS), .FIRST(FIRST)) column_factors (.clk, .slot(slot_4), .a, .q, .u);
  delay #(.BITS(2 * FACTOR_BITS), .CLOCKS(7)) beside_sum (.clk, .in_word({q, u}), .out_word({q_13, u_13}));

  localparam int WORD = 8 * LINE_BITS + RESPONSE_BITS;
  logic [WORD-1:0] surfaces[2*SLOTS];
  logic [WORD-1:0] surface_1;
  logic [4*LINE_BITS-1:0] line_1, conjugate_1;
  logic [RESPONSE_BITS-1:0] response_1;
  assign {response_1, conjugate_1, line_1} = surface_1;
  always_ff @(posedge clk) begin
    if (line_write) surfaces[{line_odd, line_slot}] <= {response, conjugate, line};
    surface_1 <= surfaces[{in_odd, in_slot}];
  end

  // k y goes down by k; E has a table up to 2 N.
  logic [PLACE_BITS-1:0] places[SLOTS];
  logic [PLACE_BITS-1:0] place_1, place_2;
  logic [SLOT_BITS-1:0] slot_1;
  logic [K_BITS-1:0] k_1;
  logic beyond_4;
  logic signed [FACTOR_BITS-1:0] decay_4;
  logic [FACTOR_BITS-1:0] unused_decay;
  delay #(.BITS(SLOT_BITS), .CLOCKS(1)) slot_pipeline_1 (.clk, .in_word(in_slot), .out_word(slot_1));
  always_comb begin
    k_1 = K_BITS'(FIRST);
    for (int i = 0; i < SLOT_BITS; ++i) k_1[i] = slot_1[SLOT_BITS-1-i];
  end
  always_ff @(posedge clk) begin
    place_1 <= places[in_slot];
    place_2 <= last_1 ? PLACE_BITS'(32'(k_1) * (SIZE - 1)) : place_1 - PLACE_BITS'(k_1);
    if (valid_2) places[slot_2] <= place_2;
  end
  rom #(.BITS(FACTOR_BITS), .DEPTH(2 * SIZE), .FILE("decay.mem")) decays (
      .clk, .address_a(place_2[LOG2:0]), .word_a(decay_4), .address_b('0), .word_b(unused_decay)
  );
  delay #(.BITS(1), .CLOCKS(2)) beside_decay (.clk, .in_word(place_2 >= 2 * SIZE), .out_word(beyond_4));

  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      // Words less the surface, at 6 clocks.
      logic signed [ROW_BITS-1:0] plus_4, minus_4, near, far;
      delay #(.BITS(2 * ROW_BITS), .CLOCKS(4)) beside_lines (
          .clk, .in_word({plus[part*ROW_BITS+:ROW_BITS], minus[part*ROW_BITS+:ROW_BITS]}), .out_word({plus_4, minus_4})
      );
      line_word #(.SLOTS(SLOTS), .UPWARD(1)) line_plus (
          .clk, .rst, .in_valid, .in_slot, .first(last_1), .constant($signed(line_1[part*LINE_BITS+:LINE_BITS])),
          .slope($signed(line_1[(2+part)*LINE_BITS+:LINE_BITS])), .row(plus_4), .flat(near)
      );
      line_word #(.SLOTS(SLOTS), .UPWARD(1)) line_minus (
          .clk, .rst, .in_valid, .in_slot, .first(last_1), .constant($signed(conjugate_1[part*LINE_BITS+:LINE_BITS])),
          .slope($signed(conjugate_1[(2+part)*LINE_BITS+:LINE_BITS])), .row(minus_4), .flat(far)
      );

      // States less the recursion's answer, at 10 clocks.
      logic signed [LINE_BITS-1:0] beta;
      logic signed [STATE_BITS-1:0] alpha_1, alpha_4, alpha_5, state_8, down;
      logic signed [BY_BITS-1:0] bys[SLOTS];
      logic signed [BY_BITS-1:0] by_1, by_2, by_5;
      logic signed [DECAY_BITS-1:0] decayed;
      logic signed [ANSWER_BITS-1:0] answer;
      logic signed [ROUNDED_BITS-1:0] answered;
      logic signed [ROUNDED_BITS:0] difference;
      logic fits;
      assign alpha_1 = $signed(response_1[part*STATE_BITS+:STATE_BITS]);
      assign beta    = $signed(response_1[2*STATE_BITS+part*LINE_BITS+:LINE_BITS]);
      delay #(.BITS(STATE_BITS), .CLOCKS(3)) beside_decays (.clk, .in_word(alpha_1), .out_word(alpha_4));
      delay #(.BITS(BY_BITS), .CLOCKS(3)) beside_product (.clk, .in_word(by_2), .out_word(by_5));
      delay #(.BITS(STATE_BITS), .CLOCKS(8)) beside_answer (
          .clk, .in_word(state[part*STATE_BITS+:STATE_BITS]), .out_word(state_8)
      );
      shift_round #(.IN_BITS(ANSWER_BITS), .OUT_BITS(ROUNDED_BITS), .FIXED(FACTOR_FRACTION), .SATURATE(0)) to_state (
          .clk, .value(answer), .shift('0), .rounded(answered)
      );
      assign fits = &difference[ROUNDED_BITS:STATE_BITS-1] || ~|difference[ROUNDED_BITS:STATE_BITS-1];
      always_ff @(posedge clk) begin
        by_1       <= bys[in_slot];
        by_2       <= last_1 ? (BY_BITS'(beta) <<< LOG2) - BY_BITS'(beta) : by_1 - BY_BITS'(beta);
        if (valid_2) bys[slot_2] <= by_2;
        decayed    <= alpha_4 * decay_4;
        if (beyond_4) decayed <= '0;
        alpha_5    <= alpha_4;
        answer     <= (ANSWER_BITS'(alpha_5) <<< FACTOR_FRACTION) - ANSWER_BITS'(decayed) + (ANSWER_BITS'(by_5) <<< RISE);
        difference <= (ROUNDED_BITS + 1)'(state_8) - (ROUNDED_BITS + 1)'(answered);
        down <= top_9 ? '0 : fits ? difference[STATE_BITS-1:0]
                : {difference[ROUNDED_BITS], {(STATE_BITS - 1) {~difference[ROUNDED_BITS]}}};
      end

      // Up, and both together, or one twice.
      logic signed [STATE_BITS-1:0] up_6, up_10, half, column;
      logic signed [STATE_BITS:0] sum;
      logic signed [ROW_BITS:0] both_7, both_13;
      logic signed [PRODUCT_BITS-1:0] by_state;
      logic signed [ROW_BITS+FACTOR_BITS:0] by_row;
      logic signed [PRODUCT_BITS:0] total;
      recursion #(.SLOTS(SLOTS)) recursion (
          .clk, .rst, .in_valid(valid_5), .in_first(last_5), .in_slot(slot_5), .a, .drive(far), .state(up_6)
      );
      delay #(.BITS(STATE_BITS), .CLOCKS(4)) beside_down (.clk, .in_word(up_6), .out_word(up_10));
      delay #(.BITS(ROW_BITS + 1), .CLOCKS(6)) beside_half (.clk, .in_word(both_7), .out_word(both_13));
      shift_round #(.IN_BITS(STATE_BITS + 1), .OUT_BITS(STATE_BITS), .FIXED(1), .SATURATE(0)) to_half (
          .clk, .value(sum), .shift('0), .rounded(half)
      );
      shift_round #(.IN_BITS(PRODUCT_BITS + 1), .OUT_BITS(STATE_BITS), .FIXED(OUT_SHIFT), .SATURATE(0)) to_column (
          .clk, .value(total), .shift('0), .rounded(column)
      );
      always_ff @(posedge clk) begin
        both_7   <= (ROW_BITS + 1)'(half_6 == UP ? far : near) + (ROW_BITS + 1)'(half_6 == DOWN ? near : far);
        sum      <= (STATE_BITS + 1)'(half_10 == UP ? up_10 : down) + (STATE_BITS + 1)'(half_10 == DOWN ? down : up_10);
        by_state <= half * q_13;
        by_row   <= both_13 * u_13;
        total    <= (PRODUCT_BITS + 1)'(by_state) + ((PRODUCT_BITS + 1)'(by_row) <<< (STATE_FRACTION - 1));
      end
      assign out_word[part*STATE_BITS+:STATE_BITS] = column;
    end
  endgenerate
endmodule
`default_nettype wire
