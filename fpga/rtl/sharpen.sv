// Gradients less a twelfth of their second difference along y, SAMPLES pixels of a row a beat; the first and the last
// row as they are.
//
// A row leaves while the one below it arrives; the last one leaves at the same time, beside the one above it. The two
// rows before the arriving one wait in memories, even and odd. Latency: 7 clocks.
`default_nettype none
module sharpen #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::GRADIENT_BITS,
    parameter int FACTOR = contract_pkg::SHARPEN,
    parameter int SHIFT = contract_pkg::SHARPEN_SHIFT,
    parameter int OUT_BITS = IN_BITS + 1
) (
    input wire logic                          clk,
    input wire logic                          rst,
    input wire logic                          in_valid,
    input wire logic [ SAMPLES*2*IN_BITS-1:0] in_words,    // a pixel's x gradient, then its y gradient
    output     logic                          out_valid,   // row y - 1, where y arrives
    output     logic                          out_last,    // with y = N - 1: it leaves, too
    output     logic                          out_ends,    // a row's last beat
    output     logic [SAMPLES*2*OUT_BITS-1:0] out_words,
    output     logic [SAMPLES*2*OUT_BITS-1:0] last_words
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int PLACE_BITS = $clog2(BEATS);
  localparam int WORD = SAMPLES * 2 * IN_BITS;
  localparam int BEND_BITS = IN_BITS + 2 + $clog2(FACTOR + 1);

  logic [LOG2-1:0] y;
  logic [PLACE_BITS-1:0] beat;
  always_ff @(posedge clk) begin
    if (rst) begin
      y    <= '0;
      beat <= '0;
    end else if (in_valid) begin
      beat <= beat + 1'b1;
      if (&beat) y <= y + 1'b1;
    end
  end

  // A row takes the place of the one two above it a clock after that was read.
  logic write, write_odd;
  logic [PLACE_BITS-1:0] write_beat;
  logic [WORD-1:0] written;
  always_ff @(posedge clk) begin
    write      <= !rst && in_valid;
    write_odd  <= y[0];
    write_beat <= beat;
    written    <= in_words;
  end

  // The rows above are there two clocks after they were asked for.
  logic [WORD-1:0] even, odd, below, here, above;
  logic odd_below;
  ram #(.BITS(WORD), .DEPTH(BEATS)) even_row (
      .clk, .write(write && !write_odd), .write_address(write_beat), .write_word(written), .read_address(beat),
      .read_word(even)
  );
  ram #(.BITS(WORD), .DEPTH(BEATS)) odd_row (
      .clk, .write(write && write_odd), .write_address(write_beat), .write_word(written), .read_address(beat),
      .read_word(odd)
  );
  delay #(.BITS(WORD + 1), .CLOCKS(2)) beside_memory (.clk, .in_word({y[0], in_words}), .out_word({odd_below, below}));
  assign here  = odd_below ? even : odd;
  assign above = odd_below ? odd : even;

  logic edge_;  // row y - 1 is the first one: it stays as it is
  delay #(.BITS(1), .CLOCKS(6)) beside_bend (.clk, .in_word(y == 1), .out_word(edge_));
  delay #(.BITS(2), .CLOCKS(7)) beside_sum (.clk, .in_word({&y, &beat}), .out_word({out_last, out_ends}));
  pipeline_valid #(.CLOCKS(7)) valid_pipeline (.clk, .rst, .in_valid(in_valid && y != 0), .out_valid);

  // Second difference, product, rounding 2 (it fits), difference.
  generate
    for (genvar part = 0; part < 2 * SAMPLES; ++part) begin : g_part
      logic signed [IN_BITS-1:0] upper, middle, lower, kept, last;
      logic signed [IN_BITS+1:0] second;
      logic signed [BEND_BITS-1:0] bend;
      logic signed [OUT_BITS-1:0] rounded;
      assign upper  = $signed(above[part*IN_BITS+:IN_BITS]);
      assign middle = $signed(here[part*IN_BITS+:IN_BITS]);
      assign lower  = $signed(below[part*IN_BITS+:IN_BITS]);
      delay #(.BITS(2 * IN_BITS), .CLOCKS(4)) unsharpened (.clk, .in_word({lower, middle}), .out_word({last, kept}));
      always_ff @(posedge clk) begin
        second <= (IN_BITS + 2)'(upper) - ((IN_BITS + 2)'(middle) <<< 1) + (IN_BITS + 2)'(lower);
        bend   <= second * BEND_BITS'(FACTOR);
      end
      shift_round #(.IN_BITS(BEND_BITS), .OUT_BITS(OUT_BITS), .FIXED(SHIFT), .SATURATE(0)) divide (
          .clk, .value(bend), .shift('0), .rounded
      );
      always_ff @(posedge clk) begin
        out_words[part*OUT_BITS+:OUT_BITS]  <= edge_ ? OUT_BITS'(kept) : OUT_BITS'(kept) - rounded;
        last_words[part*OUT_BITS+:OUT_BITS] <= OUT_BITS'(last);
      end
    end
  endgenerate
endmodule
`default_nettype wire
