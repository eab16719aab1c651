// Words of a cell's moments out of its power sums, one instruction after the other: there is a cell's time for it.
//
// The instructions (cytogate.model.engines.moments) divide for the center, move the moments to it, join them to numbers
// that turns leave alone, take logarithms and add those up. Of an instruction the lowest bits are b, then a, shift,
// target, negate and kind; a, b and target are registers, of which the first 23 are the sums.
//   0 ends the cell                       1 target = a + or - (b << shift)
//   2 target = {shift, a, b}, a constant  3 center of x or y (target 0 or 1) = a / b in half steps of a quarter
//   4 target = a - center (shift 0 or 1) * b
//   5 target = log2 |a|                   6 target = log2 (a^2 + b^2), of leading bits
//   7 the next word that leaves = (a << shift) >> 4, limited
`default_nettype none
module mask_words #(
    parameter int SUM_BITS = 44,
    parameter int BITS = 56,            // of a register
    parameter int QUOTIENT_BITS = 9,    // of a center, without sign
    parameter int INSTRUCTIONS = 200,
    parameter int WORDS = 13,
    parameter int OUT_BITS = 10,
    parameter PROGRAM = "program.mem",
    parameter LOGARITHMS = "logarithms.mem"
) (
    input wire logic                      clk,
    input wire logic                      rst,
    input wire logic                      whole,
    output     logic                      taken,
    output     logic [               4:0] number,
    input wire logic [      SUM_BITS-1:0] sum,
    output     logic                      out_valid,
    input wire logic                      out_ready,
    output     logic [WORDS*OUT_BITS-1:0] out_words
);
  localparam int SUMS = 23;
  localparam int INSTRUCTION_BITS = 26;
  localparam int TABLE_BITS = 10, FRACTION_BITS = 10, PART_BITS = 16, WORD_SHIFT = 4, CENTER_BITS = 2;
  localparam int LENGTH_BITS = $clog2(BITS + 1);
  localparam logic [2:0] ENDS = 0, ADD = 1, CONSTANT = 2, CENTER = 3, MOVE = 4, LOG = 5, LOG_OF_SQUARES = 6, WORD = 7;

  // Loading, then working: an instruction is fetched, its registers are read, and it goes on for some clocks.
  logic loading, working, ready;
  logic [$clog2(INSTRUCTIONS+1)-1:0] address;
  logic [INSTRUCTION_BITS-1:0] instruction;
  logic [4:0] clock;
  logic [2:0] kind;
  logic [5:0] target, a_place, b_place;
  logic [3:0] shift;
  logic negate, done;
  weight_rom #(.BITS(INSTRUCTION_BITS), .DEPTH(INSTRUCTIONS), .FILE(PROGRAM)) instructions (
      .clk, .address, .word(instruction)
  );
  assign {kind, negate, target, shift, a_place, b_place} = instruction;

  logic [BITS-1:0] registers[64];
  logic signed [BITS-1:0] a, b, shifted, logarithm, result, product, earlier_product;
  logic writes;
  always_ff @(posedge clk) begin
    a <= registers[a_place];
    b <= registers[b_place];
    if (loading || writes) registers[loading ? 6'(number) : target] <= loading ? BITS'($signed(sum)) : result;
  end

  // Clock 0 waits for the instruction, clock 1 reads; from clock 2 on a and b are there.
  localparam int START = 2;
  logic [4:0] last_clock;
  assign done = working && clock == last_clock;
  always_comb begin
    case (kind)
      ADD, CONSTANT: last_clock = 5'(START);
      CENTER: last_clock = 5'(START + QUOTIENT_BITS + 1);
      MOVE: last_clock = 5'(START + 2);
      LOG, LOG_OF_SQUARES: last_clock = 5'(START + 6);
      default: last_clock = 5'(START);
    endcase
  end
  assign taken = loading && 32'(number) == SUMS - 1;
  assign writes = done && kind != ENDS && kind != CENTER && kind != WORD;
  assign ready = !loading && !working && !out_valid;
  always_ff @(posedge clk) begin
    if (rst) begin
      loading   <= 1'b0;
      working   <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      if (taken) begin
        loading <= 1'b0;
        working <= 1'b1;
      end else if (ready && whole) loading <= 1'b1;
      if (done && kind == ENDS) begin
        working   <= 1'b0;
        out_valid <= 1'b1;
      end else if (out_ready) out_valid <= 1'b0;
    end
    number  <= loading && !taken ? number + 1'b1 : '0;
    clock   <= !working || done ? '0 : clock + 1'b1;
    address <= !working ? '0 : done ? address + 1'b1 : address;
  end

  // Centers: a / b with CENTER_BITS behind the point, halves away from zero, a bit a clock.
  logic signed [QUOTIENT_BITS:0] centers[2];
  logic signed [QUOTIENT_BITS:0] center, distance;
  logic [BITS-1:0] left, divisor, magnitude_a, magnitude_b;
  logic [QUOTIENT_BITS-1:0] quotient;
  logic fits;
  assign magnitude_a = a[BITS-1] ? -a : a;
  assign magnitude_b = b[BITS-1] ? -b : b;
  assign fits = b != 0 && left >= divisor;
  always_ff @(posedge clk) begin
    if (32'(clock) == START) begin
      left     <= (magnitude_a << (CENTER_BITS + 1)) + b;
      divisor  <= b << QUOTIENT_BITS;
      quotient <= '0;
    end else begin
      left     <= fits ? left - divisor : left;
      divisor  <= divisor >> 1;
      quotient <= QUOTIENT_BITS'({quotient, fits});
    end
    if (done && kind == CENTER) centers[target[0]] <= center;
  end
  assign distance = {1'b0, quotient};
  assign center   = a[BITS-1] ? -distance : distance;

  always_ff @(posedge clk) begin
    earlier_product <= BITS'(centers[shift[0]]) * b;
    product         <= earlier_product;
  end

  // Logarithms: magnitudes; of squares, their leading bits and the sum; its length; the table; all together.
  logic [BITS-1:0] value, normal;
  logic [PART_BITS-1:0] part_a, part_b;
  logic [LENGTH_BITS-1:0] exponent, dropped;
  logic [FRACTION_BITS-1:0] fraction;
  logic zero;
  // Bits of a number.
  function automatic logic [LENGTH_BITS-1:0] length(input logic [BITS-1:0] of);
    length = '0;
    for (int bit_place = 0; bit_place < BITS; ++bit_place) if (of[bit_place]) length = LENGTH_BITS'(bit_place + 1);
  endfunction
  logic [LENGTH_BITS-1:0] longest, value_length;
  assign longest = length(magnitude_a | magnitude_b);
  assign value_length = length(value);
  assign normal = value << (LENGTH_BITS'(BITS - 1) - exponent);  // the leading one in the highest bit
  weight_rom #(.BITS(FRACTION_BITS), .DEPTH(1 << TABLE_BITS), .FILE(LOGARITHMS)) logarithms (
      .clk, .address((TABLE_BITS + 1)'(normal[BITS-2-:TABLE_BITS])), .word(fraction)
  );
  always_ff @(posedge clk) begin
    dropped <= kind == LOG_OF_SQUARES && 32'(longest) > PART_BITS ? longest - LENGTH_BITS'(PART_BITS) : '0;
    part_a  <= PART_BITS'(magnitude_a >> dropped);
    part_b  <= PART_BITS'(magnitude_b >> dropped);
    value   <= kind == LOG ? magnitude_a : BITS'(part_a) * BITS'(part_a) + BITS'(part_b) * BITS'(part_b);
    zero     <= value == 0;
    exponent <= value == 0 ? '0 : value_length - 1'b1;
  end

  assign shifted = b << shift;
  assign logarithm =
      (BITS'(exponent) << FRACTION_BITS) + BITS'(fraction) + (BITS'(dropped) << (FRACTION_BITS + 1));
  always_comb begin
    case (kind)
      ADD: result = negate ? a - shifted : a + shifted;
      CONSTANT: result = BITS'($signed({shift, a_place, b_place}));
      MOVE: result = a - product;
      default: result = zero ? '0 : logarithm;
    endcase
  end

  // Words: each is shifted in ahead of those before it.
  logic [OUT_BITS-1:0] word;
  round_word #(
      .IN_BITS(BITS), .SHIFT(WORD_SHIFT), .ROUNDING(0), .OVERFLOW(1), .OUT_BITS(OUT_BITS)
  ) limit (.in_word(a << shift), .out_word(word));
  always_ff @(posedge clk)
    if (done && kind == WORD) out_words <= {word, out_words[WORDS*OUT_BITS-1:OUT_BITS]};

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      one_thing_at_a_time : assert (32'(loading) + 32'(working) + 32'(out_valid) <= 1);
    end
`endif
endmodule
`default_nettype wire
