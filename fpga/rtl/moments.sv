// Moments of a frame's gradients over its border: sums of g, g u, g v, g u^2, g v^2 and g u v for each axis of g.
//
// u = 2 x - (N - 1) and v = 2 y - (N - 1), odd integers. Every lane sums its row, or its part of a row that NEIGHBORS
// lanes have together; then the lanes' sums are taken into the frame's one after the other, by multipliers that all
// lanes share. Exact; moments stand until the next `done`.
`default_nettype none
module moments #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS,
    parameter int BORDER = contract_pkg::BORDER,
    parameter int NEIGHBORS = 1,  // lanes of a row, 1 or SAMPLES: pixel x is in lane x mod NEIGHBORS
    parameter int OUT_BITS = IN_BITS + 4 * $clog2(SIZE)
) (
    input wire logic                       clk,
    input wire logic                       rst,
    input wire logic                       in_valid,  // rows: lane l of group j is the row j ROWS + l / NEIGHBORS
    input wire logic [SAMPLES*2*IN_BITS-1:0] in_words,
    output     logic                       done,
    output     logic [     12*OUT_BITS-1:0] moments    // per axis: 1, u, v, u^2, v^2, u v
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int ROWS = SAMPLES / NEIGHBORS;  // side by side
  localparam int GROUPS = SIZE / ROWS;
  localparam int BEATS = SIZE / NEIGHBORS;
  localparam int V_BITS = LOG2 + 1;
  localparam int SQUARE_BITS = 2 * LOG2 + 1;
  localparam int ONE_BITS = IN_BITS + LOG2;
  localparam int U_BITS = IN_BITS + 2 * LOG2;
  localparam int UU_BITS = IN_BITS + 3 * LOG2;

  // Rows: place in the row, mask, products, sums; a clock each.
  logic [$clog2(BEATS)-1:0] beat;
  logic [$clog2(GROUPS)-1:0] group;
  logic [2:0] valid, first, last;
  always_ff @(posedge clk) begin
    valid <= rst ? '0 : {valid[1:0], in_valid};
    first <= {first[1:0], beat == 0};
    last  <= {last[1:0], &beat};
    if (rst) begin
      beat  <= '0;
      group <= '0;
    end else if (in_valid) begin
      beat <= beat + 1'b1;
      if (&beat) group <= group + 1'b1;
    end
  end

  // A row's sums wait here for their turn, 2 lane + axis.
  logic [2*SAMPLES*ONE_BITS-1:0] row_one;
  logic [2*SAMPLES*U_BITS-1:0] row_u;
  logic [2*SAMPLES*UU_BITS-1:0] row_uu;
  generate
    for (genvar part = 0; part < 2 * SAMPLES; ++part) begin : g_part
      logic [LOG2-1:0] x, y;
      logic signed [V_BITS-1:0] u, masked_u;
      logic signed [SQUARE_BITS-1:0] masked_uu;
      logic signed [IN_BITS-1:0] masked, waiting;
      logic signed [IN_BITS+V_BITS-1:0] times_u;
      logic signed [IN_BITS+SQUARE_BITS-1:0] times_uu;
      logic signed [ONE_BITS-1:0] sum;
      logic signed [U_BITS-1:0] sum_u;
      logic signed [UU_BITS-1:0] sum_uu;
      logic beside, above;
      assign x = LOG2'(32'(beat) * NEIGHBORS + part / 2 % NEIGHBORS);
      assign y = LOG2'(32'(group) * ROWS + part / 2 / NEIGHBORS);
      assign u = V_BITS'(2 * 32'(x) - (SIZE - 1));
      assign beside = 32'(x) < BORDER || 32'(x) >= SIZE - BORDER;
      assign above = 32'(y) < BORDER || 32'(y) >= SIZE - BORDER;
      always_ff @(posedge clk) begin
        masked_u  <= u;
        masked_uu <= u * u;
        masked   <= beside || above ? $signed(in_words[part*IN_BITS+:IN_BITS]) : '0;
        waiting  <= masked;
        times_u  <= masked * masked_u;
        times_uu <= masked * masked_uu;
        if (valid[1]) begin
          sum    <= first[1] ? ONE_BITS'(waiting) : sum + ONE_BITS'(waiting);
          sum_u  <= first[1] ? U_BITS'(times_u) : sum_u + U_BITS'(times_u);
          sum_uu <= first[1] ? UU_BITS'(times_uu) : sum_uu + UU_BITS'(times_uu);
        end
        if (valid[2] && last[2]) begin
          row_one[part*ONE_BITS+:ONE_BITS] <= sum;
          row_u[part*U_BITS+:U_BITS]       <= sum_u;
          row_uu[part*UU_BITS+:UU_BITS]    <= sum_uu;
        end
      end
    end
  endgenerate

  // The frame: a row and axis a clock. Selection; products and a register for synthesis to move into them; sums.
  localparam int PARTS = 2 * SAMPLES;
  localparam int PART_BITS = $clog2(PARTS);
  logic taking, taken_valid, taken_first, taken_last;
  logic [PART_BITS-1:0] part;
  logic taken_axis;
  logic [$clog2(GROUPS)-1:0] row_group;
  logic [LOG2-1:0] row;
  logic signed [V_BITS-1:0] v, selected_v;
  logic signed [SQUARE_BITS-1:0] selected_vv;
  logic signed [ONE_BITS-1:0] selected_one, taken_one;
  logic signed [U_BITS-1:0] selected_u, taken_u;
  logic signed [UU_BITS-1:0] selected_uu, taken_uu;
  logic signed [ONE_BITS+V_BITS-1:0] product_v, taken_v;
  logic signed [ONE_BITS+SQUARE_BITS-1:0] product_vv, taken_vv;
  logic signed [U_BITS+V_BITS-1:0] product_uv, taken_uv;
  assign row = LOG2'(32'(row_group) * ROWS + 32'(part) / 2 / NEIGHBORS);
  assign v   = V_BITS'(2 * 32'(row) - (SIZE - 1));
  always_ff @(posedge clk) begin
    if (rst) begin
      taking    <= 1'b0;
      part      <= '0;
      row_group <= '0;
    end else begin
      if (valid[2] && last[2]) taking <= 1'b1;
      else if (&part) taking <= 1'b0;
      if (taking) part <= part + 1'b1;
      if (taking && &part) row_group <= row_group + 1'b1;
    end
    selected_v   <= v;
    selected_vv  <= v * v;
    selected_one <= $signed(row_one[32'(part)*ONE_BITS+:ONE_BITS]);
    selected_u   <= $signed(row_u[32'(part)*U_BITS+:U_BITS]);
    selected_uu  <= $signed(row_uu[32'(part)*UU_BITS+:UU_BITS]);
    product_v    <= selected_one * selected_v;
    product_vv   <= selected_one * selected_vv;
    product_uv   <= selected_u * selected_v;
    taken_v        <= product_v;
    taken_vv       <= product_vv;
    taken_uv       <= product_uv;
    done         <= !rst && taken_valid && taken_last;
  end
  pipeline_valid #(.CLOCKS(3)) valid_pipeline (.clk, .rst, .in_valid(taking), .out_valid(taken_valid));
  delay #(.BITS(3), .CLOCKS(3)) beside_products (
      .clk,
      .in_word({part[0], row_group == 0 && part < 2, &row_group && &part}),
      .out_word({taken_axis, taken_first, taken_last})
  );
  delay #(.BITS(ONE_BITS + U_BITS + UU_BITS), .CLOCKS(2)) as_they_are (
      .clk, .in_word({selected_one, selected_u, selected_uu}), .out_word({taken_one, taken_u, taken_uu})
  );

  generate
    for (genvar axis = 0; axis < 2; ++axis) begin : g_axis
      logic [6*OUT_BITS-1:0] added;
      assign added = {
        OUT_BITS'(taken_uv), OUT_BITS'(taken_vv), OUT_BITS'(taken_uu), OUT_BITS'(taken_v), OUT_BITS'(taken_u), OUT_BITS'(taken_one)
      };
      for (genvar moment = 0; moment < 6; ++moment) begin : g_moment
        logic [OUT_BITS-1:0] sum;
        always_ff @(posedge clk)
          if (taken_valid && taken_axis == axis)
            sum <= taken_first ? added[moment*OUT_BITS+:OUT_BITS] : sum + added[moment*OUT_BITS+:OUT_BITS];
        assign moments[(6*axis+moment)*OUT_BITS+:OUT_BITS] = sum;
      end
    end
  endgenerate
endmodule
`default_nettype wire
