// A frame turned between passes: line groups go in, line groups across come out, at one exponent with a guard bit.
//
// There is one buffer of N x N words: a frame is written where the one before it is read, in the same order of places,
// so rows and columns change their meaning from frame to frame. A group may start to come in (`room`) once the group of
// the frame before in whose places it goes was launched.
//
// Element (a, b) lies in bank (a + b) mod SAMPLES at a * N / SAMPLES + b / SAMPLES; (a, b) is (line, word) in even frames and
// (word, line) in odd ones. Words are shifted on leaving by largest exponent + GUARD - the line's own; convergently.
`default_nettype none
module transpose #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,             // N
    parameter int BITS = contract_pkg::WORD_BITS,        // of a component
    parameter int EXPONENT_BITS = 6,
    parameter int GUARD = contract_pkg::TRANSPOSE_GUARD_BITS
) (
    input wire logic                           clk,
    input wire logic                           rst,
    // Line groups in.
    output     logic                           room,
    input wire logic                           in_start,      // a group sets out for here; only while there is room
    input wire logic                           in_valid,
    input wire logic                           in_first,
    input wire logic [      SAMPLES*2*BITS-1:0]  in_words,
    input wire logic [SAMPLES*EXPONENT_BITS-1:0] in_exponents,
    // Line groups across.
    output     logic                           frame_whole,   // pulse: a frame is in
    output     logic                           ready,         // a group can be launched
    input wire logic                           launch,        // only while ready
    output     logic [      EXPONENT_BITS-1:0] exponent,      // of the frame's words
    output     logic                           out_valid,
    output     logic                           out_first,     // first word of a group
    output     logic                           out_first_group,
    output     logic [       SAMPLES*2*BITS-1:0] out_words
);
  localparam int GROUPS = SIZE / SAMPLES;
  localparam int PLACE_BITS = $clog2(SIZE);
  localparam int GROUP_BITS = $clog2(GROUPS);
  localparam int ADDRESS_BITS = PLACE_BITS + GROUP_BITS;

  function automatic [31:0] address(input [31:0] word, input [31:0] group, input [31:0] bank, input across);
    address = across ? word * GROUPS + group
                     : (group * SAMPLES + (bank + SAMPLES - word % SAMPLES) % SAMPLES) * GROUPS + word / SAMPLES;
  endfunction

  // In.
  logic [PLACE_BITS-1:0] in_word_;
  logic [GROUP_BITS-1:0] in_group;
  logic in_odd, in_last;
  assign in_last = in_valid && &in_word_ && &in_group;
  always_ff @(posedge clk) begin
    if (rst) begin
      in_word_ <= '0;
      in_group <= '0;
      in_odd   <= 1'b0;
    end else if (in_valid) begin
      in_word_ <= in_word_ + 1'b1;
      if (&in_word_) in_group <= in_group + 1'b1;
      if (in_last) in_odd <= !in_odd;
    end
  end
  credits #(.COUNT(GROUPS)) places (.clk, .rst, .take(in_start), .give(launch), .available(room));

  // The largest exponent, a clock after each group's first word.
  logic [EXPONENT_BITS-1:0] group_largest, largest;
  logic [SAMPLES*EXPONENT_BITS-1:0] line_exponents[2*GROUPS];
  always_comb begin
    group_largest = '0;
    for (int lane = 0; lane < SAMPLES; ++lane)
      if (in_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS] > group_largest)
        group_largest = in_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS];
  end
  always_ff @(posedge clk) begin
    if (in_first) begin
      line_exponents[{in_odd, in_group}] <= in_exponents;
      if (in_group == 0 || group_largest > largest) largest <= group_largest;
    end
    if (frame_whole) exponent <= largest + EXPONENT_BITS'(GUARD);
  end
  // The last word is in its memory two clocks after it came.
  pipeline_valid #(.CLOCKS(2)) whole_pipeline (.clk, .rst, .in_valid(in_last), .out_valid(frame_whole));

  // Across.
  logic idle, active, last, whole, out_odd;
  logic [PLACE_BITS-1:0] out_word;
  logic [GROUP_BITS-1:0] out_group, launched;
  line_timer #(.SIZE(SIZE)) timer (.clk, .rst, .start(launch), .idle, .active, .place(out_word), .last);
  assign ready = whole && idle;
  always_ff @(posedge clk) begin
    if (rst) begin
      whole     <= 1'b0;
      launched  <= '0;
      out_group <= '0;
      out_odd   <= 1'b0;
    end else begin
      if (launch) launched <= launched + 1'b1;
      if (frame_whole) whole <= 1'b1;
      else if (launch && &launched) whole <= 1'b0;
      if (last) out_group <= out_group + 1'b1;
      if (last && &out_group) out_odd <= !out_odd;
    end
  end

  logic write;
  logic [SAMPLES*2*BITS-1:0] write_words, read_words, straight;
  logic [PLACE_BITS-1:0] write_place, read_place, word_place;
  logic [GROUP_BITS-1:0] write_group, read_group;
  logic write_odd, read_odd;
  logic [EXPONENT_BITS-1:0] shift, own_exponent, straight_shift;
  always_ff @(posedge clk) begin
    write       <= !rst && in_valid;
    write_place <= in_word_;
    write_group <= in_group;
    write_odd   <= in_odd;
    read_place  <= out_word;
    read_group  <= out_group;
    read_odd    <= out_odd;
    for (int bank = 0; bank < SAMPLES; ++bank)
      write_words[bank*2*BITS+:2*BITS] <=
          in_words[((bank+SAMPLES-32'(in_word_)%SAMPLES)%SAMPLES)*2*BITS+:2*BITS];
    // Every lane of this clock's word comes from the same line.
    own_exponent <= line_exponents[{out_odd, GROUP_BITS'(32'(out_word) / SAMPLES)}]
                                  [(32'(out_word)%SAMPLES)*EXPONENT_BITS+:EXPONENT_BITS];
    shift <= exponent - own_exponent;
    for (int lane = 0; lane < SAMPLES; ++lane)
      straight[lane*2*BITS+:2*BITS] <= read_words[((lane+32'(word_place)%SAMPLES)%SAMPLES)*2*BITS+:2*BITS];
  end
  delay #(.BITS(PLACE_BITS), .CLOCKS(2)) beside_memory (.clk, .in_word(read_place), .out_word(word_place));
  delay #(.BITS(EXPONENT_BITS), .CLOCKS(2)) beside_shift (.clk, .in_word(shift), .out_word(straight_shift));

  generate
    for (genvar bank = 0; bank < SAMPLES; ++bank) begin : g_bank
      ram #(.BITS(2 * BITS), .DEPTH(SIZE * GROUPS)) memory (
          .clk,
          .write,
          .write_address(ADDRESS_BITS'(address(32'(write_place), 32'(write_group), bank, write_odd))),
          .write_word(write_words[bank*2*BITS+:2*BITS]),
          .read_address(ADDRESS_BITS'(address(32'(read_place), 32'(read_group), bank, !read_odd))),
          .read_word(read_words[bank*2*BITS+:2*BITS])
      );
    end
    for (genvar part = 0; part < 2 * SAMPLES; ++part) begin : g_part
      shift_round #(.IN_BITS(BITS), .OUT_BITS(BITS), .SHIFT_BITS(EXPONENT_BITS)) align (
          .clk,
          .value($signed(straight[part*BITS+:BITS])),
          .shift(straight_shift),
          .rounded(out_words[part*BITS+:BITS])
      );
    end
  endgenerate

  // Address 1, memory 2, lanes 1, alignment 4.
  pipeline_valid #(.CLOCKS(8)) valid_pipeline (.clk, .rst, .in_valid(active), .out_valid);
  pipeline_valid #(.CLOCKS(8)) first_pipeline (.clk, .rst, .in_valid(active && out_word == 0), .out_valid(out_first));
  pipeline_valid #(.CLOCKS(8)) group_pipeline (
      .clk, .rst, .in_valid(active && out_group == 0), .out_valid(out_first_group)
  );
endmodule
`default_nettype wire
