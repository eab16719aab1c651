// Power sums of the phase mask over a cell: of x^i y^j up to order 4, of the phase within it up to order 2.
//
// x and y are 2 place - (extent - 1). Each beat's pixels are summed into their row, whose ten sums go on in a queue:
// a row's are taken into the cell's one a clock, by one multiplier. Sums of a cell stand until they are `taken`; they
// are read by their number: all j of i = 0 first, the mask's, then the phase's, then the sum of its squares and the
// largest one. MASK_CODE and what else is counted: cytogate.model.contract.mask_moments.
`default_nettype none
module mask_sums #(
    parameter int ROWS = 96,
    parameter int COLUMNS = 96,
    parameter int CHANNELS = 5,      // of a pixel, the phase the last one
    parameter int BITS = 8,          // of a word
    parameter int PIXELS = 1,        // of a beat
    parameter int MASK_CODE = 42,
    parameter int EMPTY_CODE = 32,
    parameter int POWER_BITS = 28,   // of powers of a coordinate
    parameter int ROW_BITS = 36,     // of a row's sums
    parameter int SUM_BITS = 44,     // of a cell's sums
    parameter COLUMN_POWERS = "columns.mem",
    parameter ROW_POWERS = "rows.mem"
) (
    input wire logic                            clk,
    input wire logic                            rst,
    input wire logic                            in_valid,
    output     logic                            in_ready,
    input wire logic [PIXELS*CHANNELS*BITS-1:0] in_words,
    output     logic                            whole,
    input wire logic                            taken,
    input wire logic [                     4:0] number,
    output     logic [            SUM_BITS-1:0] sum       // no clock later
);
  localparam int BEATS = COLUMNS / PIXELS;
  localparam int POWERS = 5;           // 0 to 4
  localparam int ROW_SUMS = 10;        // mask by powers 0 to 4, phase by powers 0 to 2, its squares, its largest
  localparam int SQUARES = 8, MOST = 9;
  localparam int MASK_ORDER = 4, PHASE_ORDER = 2;
  localparam int SUMS = 23, FIRST_PHASE = 15, SUM_OF_SQUARES = 21, LARGEST = 22;

  // Beats in, their columns' powers a clock later.
  logic [$clog2(BEATS+1)-1:0] beat;
  logic go, row_ends, available;
  assign row_ends = 32'(beat) == BEATS - 1;
  assign in_ready = available || !row_ends;
  assign go = in_valid && in_ready;
  always_ff @(posedge clk) begin
    if (rst) beat <= '0;
    else if (go) beat <= row_ends ? '0 : beat + 1'b1;
  end
  logic [PIXELS*4*POWER_BITS-1:0] powers;
  weight_rom #(.BITS(PIXELS * 4 * POWER_BITS), .DEPTH(BEATS), .FILE(COLUMN_POWERS)) column_powers (
      .clk, .address(beat), .word(powers)
  );

  // Of each pixel its ten terms; of a beat their sums (the largest for MOST); of a row theirs.
  logic [PIXELS*ROW_SUMS*ROW_BITS-1:0] terms;
  logic [ROW_SUMS*ROW_BITS-1:0] beat_sums, row_sums, row_so_far;
  logic [2:0] valid, first, last;
  always_ff @(posedge clk) begin
    valid <= rst ? '0 : {valid[1:0], go};
    first <= {first[1:0], beat == 0};
    last  <= {last[1:0], row_ends};
  end
  generate
    for (genvar pixel = 0; pixel < PIXELS; ++pixel) begin : g_pixel
      logic [BITS-1:0] code;
      logic signed [BITS:0] above;
      logic masked;
      always_ff @(posedge clk) begin
        code <= in_words[(pixel*CHANNELS+CHANNELS-1)*BITS+:BITS];
      end
      assign masked = 32'(code) >= MASK_CODE;
      assign above  = masked ? (BITS + 1)'(code) - (BITS + 1)'(EMPTY_CODE) : '0;
      for (genvar k = 0; k < POWERS; ++k) begin : g_power
        logic signed [ROW_BITS-1:0] power;
        if (k == 0) begin : g_one
          assign power = ROW_BITS'(1);
        end else begin : g_more
          assign power = ROW_BITS'($signed(powers[(pixel*4+k-1)*POWER_BITS+:POWER_BITS]));
        end
        always_ff @(posedge clk) begin
          terms[(pixel*ROW_SUMS+k)*ROW_BITS+:ROW_BITS] <= masked ? power : '0;
          if (k <= PHASE_ORDER) terms[(pixel*ROW_SUMS+POWERS+k)*ROW_BITS+:ROW_BITS] <= ROW_BITS'(above) * power;
        end
      end
      always_ff @(posedge clk) begin
        terms[(pixel*ROW_SUMS+SQUARES)*ROW_BITS+:ROW_BITS] <= ROW_BITS'(above) * ROW_BITS'(above);
        terms[(pixel*ROW_SUMS+MOST)*ROW_BITS+:ROW_BITS] <= ROW_BITS'(above);
      end
    end
    for (genvar k = 0; k < ROW_SUMS; ++k) begin : g_sum
      logic [PIXELS*ROW_BITS-1:0] so_far;
      for (genvar pixel = 0; pixel < PIXELS; ++pixel) begin : g_pixel
        logic [ROW_BITS-1:0] term, earlier;
        assign term = terms[(pixel*ROW_SUMS+k)*ROW_BITS+:ROW_BITS];
        if (pixel == 0) begin : g_first
          assign earlier = '0;
        end else begin : g_next
          assign earlier = so_far[(pixel-1)*ROW_BITS+:ROW_BITS];
        end
        pool_word #(.MEAN(k != MOST), .BITS(ROW_BITS)) pool (
            .first(earlier), .second(term), .pooled(so_far[pixel*ROW_BITS+:ROW_BITS])
        );
      end
      logic [ROW_BITS-1:0] own, both;
      assign own = beat_sums[k*ROW_BITS+:ROW_BITS];
      pool_word #(.MEAN(k != MOST), .BITS(ROW_BITS)) pool (
          .first(row_so_far[k*ROW_BITS+:ROW_BITS]), .second(own), .pooled(both)
      );
      assign row_sums[k*ROW_BITS+:ROW_BITS] = first[2] ? own : both;
      always_ff @(posedge clk) begin
        beat_sums[k*ROW_BITS+:ROW_BITS] <= so_far[(PIXELS-1)*ROW_BITS+:ROW_BITS];
        if (valid[2]) row_so_far[k*ROW_BITS+:ROW_BITS] <= row_sums[k*ROW_BITS+:ROW_BITS];
      end
    end
  endgenerate

  logic row_valid, row_taken;
  logic [ROW_SUMS*ROW_BITS-1:0] row;
  reserved_queue #(.BITS(ROW_SUMS * ROW_BITS), .DEPTH(2)) rows (
      .clk, .rst, .reserve(go && row_ends), .available, .in_valid(valid[2] && last[2]), .in_words(row_sums),
      .out_valid(row_valid), .out_ready(row_taken), .out_words(row)
  );

  // Rows into the cell, a sum a clock: sum (i, j) of the cell is sum i of the row by y^j.
  logic [$clog2(ROWS+1)-1:0] y;
  logic [4:0] step;
  logic [2:0] i, j, order;
  logic works, last_step, in_phase;
  logic started, stands;  // the row's powers are there; the cell's last row has been taken in
  logic [4*POWER_BITS-1:0] y_powers;
  assign works = row_valid && !stands && started;
  assign in_phase = step >= 5'(FIRST_PHASE);
  assign order = in_phase ? 3'(PHASE_ORDER) : 3'(MASK_ORDER);
  assign last_step = step == 5'(SUMS - 1);
  assign row_taken = works && last_step;
  weight_rom #(.BITS(4 * POWER_BITS), .DEPTH(ROWS), .FILE(ROW_POWERS)) row_powers (
      .clk, .address(y), .word(y_powers)
  );
  logic ends_cell;
  logic [1:0] step_valid;
  always_ff @(posedge clk) begin
    started <= !rst && row_valid && !row_taken;
    if (rst || row_taken) begin
      step <= '0;
      i    <= '0;
      j    <= '0;
    end else if (works) begin
      step <= step + 1'b1;
      if (i + j == order) begin
        i <= step == 5'(FIRST_PHASE - 1) ? '0 : i + 1'b1;
        j <= '0;
      end else j <= j + 1'b1;
    end
    if (rst) y <= '0;
    else if (row_taken) y <= 32'(y) == ROWS - 1 ? '0 : y + 1'b1;
    step_valid <= rst ? '0 : {step_valid[0], works};
    if (rst || taken) stands <= 1'b0;
    else if (row_taken && 32'(y) == ROWS - 1) stands <= 1'b1;
    if (rst || taken) whole <= 1'b0;
    else if (step_valid[1] && ends_cell) whole <= 1'b1;
  end

  // Which of the row's sums, and which power of y; chosen case by case, without a product that tells the place.
  logic [3:0] place;
  logic [ROW_BITS-1:0] row_sum;
  logic [POWER_BITS-1:0] y_power;
  assign place = step >= 5'(SUM_OF_SQUARES) ? 4'(step - 5'(SUM_OF_SQUARES - SQUARES)) :
      in_phase ? 4'(POWERS) + 4'(i) : 4'(i);
  always_comb begin
    row_sum = '0;
    for (int k = 0; k < ROW_SUMS; ++k) if (32'(place) == k) row_sum = row[k*ROW_BITS+:ROW_BITS];
    y_power = '0;
    for (int k = 1; k < POWERS; ++k) if (32'(j) == k) y_power = y_powers[(k-1)*POWER_BITS+:POWER_BITS];
  end

  // A factor of the row's and one of y; their product; the cell's sum.
  logic [SUM_BITS-1:0] sums[SUMS];
  logic signed [SUM_BITS-1:0] factor, power, product, kept;
  logic [4:0] factor_step, product_step;
  logic factor_starts, product_starts, factor_ends;
  assign kept = product_starts ? '0 : sums[product_step];
  always_ff @(posedge clk) begin
    factor <= SUM_BITS'($signed(row_sum));
    power  <= j == 0 || step >= 5'(SUM_OF_SQUARES) ? SUM_BITS'(1) : SUM_BITS'($signed(y_power));
    factor_step    <= step;
    factor_starts  <= y == 0;
    factor_ends    <= 32'(y) == ROWS - 1 && last_step;
    product        <= factor * power;
    product_step   <= factor_step;
    product_starts <= factor_starts;
    ends_cell      <= factor_ends;
    if (step_valid[1])
      sums[product_step] <= product_step == 5'(LARGEST) ? (product > kept ? product : kept) : kept + product;
  end
  assign sum = sums[number];
endmodule
`default_nettype wire
