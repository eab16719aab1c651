// A surface's row transform as a line A + B y along each column k = kx = 1 ... N/2 - 1.
//
// Six multipliers take two clocks a column: all that the real coefficients give, then all that the imaginary ones do.
// Columns come in the order of their lanes and slots; what is said of k = 0 has no meaning. `conjugate` is the line of
// conj G[-k], in which the y gradient changes its sign.
module surface_lines #(
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int LANES = 1,
    parameter int IN_BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int TABLE_BITS = contract_pkg::TWIDDLE_BITS,
    parameter int CONSTANT_SHIFT = contract_pkg::SURFACE_FRACTION - contract_pkg::LINE_CONSTANT_FRACTION,
    parameter int SLOPE_SHIFT = contract_pkg::SURFACE_FRACTION - contract_pkg::LINE_SLOPE_FRACTION,
    parameter int OUT_BITS = contract_pkg::LINE_BITS,
    parameter int SLOTS = SIZE / 2 / LANES
) (
    input  logic                             clk,
    input  logic                             rst,
    input  logic                             start,    // only while idle
    input  logic [           12*IN_BITS-1:0] surface,  // per axis: 1, s, t, s^2, t^2, s t; stands until done
    output logic                             busy,
    output logic                             done,     // pulse
    output logic                             write,
    output logic [                LANES-1:0] write_lane,  // one of them
    output logic [        $clog2(SLOTS)-1:0] write_slot,
    output logic [           4*OUT_BITS-1:0] line,     // A real, imaginary, B real, imaginary
    output logic [           4*OUT_BITS-1:0] conjugate
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int PRODUCT_BITS = IN_BITS + TABLE_BITS;
  localparam int SUM_BITS = PRODUCT_BITS + 3 + LOG2;
  localparam int LATENCY = 9;  // table 2, operands, products, their register, sums, line, rounding 2

  logic issuing, half, last;
  logic [LOG2-2:0] k;
  assign last = half && &k;
  always_ff @(posedge clk) begin
    if (rst) begin
      busy    <= 1'b0;
      issuing <= 1'b0;
      half    <= 1'b0;
      k       <= '0;
    end else begin
      if (start) busy <= 1'b1;
      else if (done) busy <= 1'b0;
      if (start) issuing <= 1'b1;
      else if (last) issuing <= 1'b0;
      if (issuing) begin
        half <= !half;
        if (half) k <= k + 1'b1;
      end
    end
  end

  logic [4*TABLE_BITS-1:0] table_word, unused_word;
  rom #(.BITS(4 * TABLE_BITS), .DEPTH(SIZE), .FILE("surface.mem")) spectra (
      .clk, .address_a(LOG2'(k)), .word_a(table_word), .address_b('0), .word_b(unused_word)
  );
  logic signed [TABLE_BITS-1:0] linear_re, linear_im, square_re, square_im;
  assign {square_im, square_re, linear_im, linear_re} = table_word;
  logic signed [IN_BITS-1:0] s_re, ss_re, st_re, s_im, ss_im, st_im;
  logic [3*IN_BITS-1:0] unused_re, unused_im;  // 1, t and t^2 are in kx = 0 alone
  assign {st_im, unused_im[0+:IN_BITS], ss_im, unused_im[IN_BITS+:IN_BITS], s_im, unused_im[2*IN_BITS+:IN_BITS],
          st_re, unused_re[0+:IN_BITS], ss_re, unused_re[IN_BITS+:IN_BITS], s_re, unused_re[2*IN_BITS+:IN_BITS]} = surface;

  logic half_2;
  delay #(.BITS(1), .CLOCKS(2)) beside_table (.clk, .in_word(half), .out_word(half_2));
  generate
    for (genvar part = 0; part < 2; ++part) begin : g_part
      logic signed [IN_BITS-1:0] s, ss, st;
      logic signed [TABLE_BITS-1:0] by_linear, by_square;
      logic signed [PRODUCT_BITS-1:0] s_product, ss_product, st_product, s_held, ss_held, st_held;
      logic signed [SUM_BITS-1:0] along, across, along_1, across_1;
      always_ff @(posedge clk) begin
        // Real times real, then imaginary times imaginary, which is taken away; and the same crosswise.
        {s, ss, st} <= half_2 ? {s_im, ss_im, st_im} : {s_re, ss_re, st_re};
        if (part == 0) begin
          by_linear <= half_2 ? -linear_im : linear_re;
          by_square <= half_2 ? -square_im : square_re;
        end else begin
          by_linear <= half_2 ? linear_re : linear_im;
          by_square <= half_2 ? square_re : square_im;
        end
        s_product  <= s * by_linear;
        ss_product <= ss * by_square;
        st_product <= st * by_linear;
        s_held     <= s_product;
        ss_held    <= ss_product;
        st_held    <= st_product;
        along      <= SUM_BITS'(s_held) + SUM_BITS'(ss_held);
        across     <= SUM_BITS'(st_held);
        along_1    <= along;
        across_1   <= across;
      end
      for (genvar side = 0; side < 2; ++side) begin : g_side
        logic signed [SUM_BITS-1:0] p, q, constant, slope;
        logic signed [OUT_BITS-1:0] rounded_constant, rounded_slope;
        assign p = side == 0 ? along_1 + along : along_1 - along;
        assign q = side == 0 ? across_1 + across : across_1 - across;
        always_ff @(posedge clk) begin
          constant <= (p <<< LOG2) - (q <<< LOG2) + q;
          slope    <= q <<< 1;
        end
        shift_round #(.IN_BITS(SUM_BITS), .OUT_BITS(OUT_BITS), .FIXED(CONSTANT_SHIFT)) round_constant (
            .clk, .value(constant), .shift('0), .rounded(rounded_constant)
        );
        shift_round #(.IN_BITS(SUM_BITS), .OUT_BITS(OUT_BITS), .FIXED(SLOPE_SHIFT)) round_slope (
            .clk, .value(slope), .shift('0), .rounded(rounded_slope)
        );
        if (side == 0) begin : g_line
          assign line[part*OUT_BITS+:OUT_BITS]     = rounded_constant;
          assign line[(2+part)*OUT_BITS+:OUT_BITS] = rounded_slope;
        end else begin : g_conjugate
          assign conjugate[part*OUT_BITS+:OUT_BITS]     = rounded_constant;
          assign conjugate[(2+part)*OUT_BITS+:OUT_BITS] = rounded_slope;
        end
      end
    end
  endgenerate

  logic [LOG2-2:0] written;
  pipeline_valid #(.CLOCKS(LATENCY)) valid_pipeline (.clk, .rst, .in_valid(issuing && half), .out_valid(write));
  delay #(.BITS(LOG2 - 1), .CLOCKS(LATENCY)) beside_line (.clk, .in_word(k), .out_word(written));
  always_ff @(posedge clk) done <= !rst && write && &written;
  always_comb begin
    for (int lane = 0; lane < LANES; ++lane) write_lane[lane] = 32'(written) / SLOTS == lane;
    for (int i = 0; i < SLOT_BITS; ++i) write_slot[i] = written[SLOT_BITS-1-i];
  end
endmodule
