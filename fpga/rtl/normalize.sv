// End of a pass: lines put into natural order and brought to stored words with one exponent a line.
//
// A line's exponent e = max(0, bit length of its largest component + 1 - OUT_BITS) is known when its last word is in;
// then the line leaves, shifted by e, rounded convergently and saturated. SLOTS lines a lane have room: one fills, one
// leaves, the others wait until what is behind is ready for them. Whoever lets lines into the pass counts the slots.
`default_nettype none
module normalize #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int IN_BITS = contract_pkg::WORD_BITS + 1 + $clog2(SIZE),
    parameter int OUT_BITS = contract_pkg::WORD_BITS,
    parameter int SLOTS = 2,                  // a power of two
    parameter int EXPONENT_BITS = 6
) (
    input wire logic                            clk,
    input wire logic                            rst,
    // Grown words in bit-reversed order.
    input wire logic                            in_valid,
    input wire logic [SAMPLES*2*IN_BITS-1:0]      in_words,
    // Lines wait; one leaves when told to.
    output     logic                            line_ready,
    input wire logic                            line_start,  // only while ready
    output     logic                            line_left,   // its slot is free again
    output     logic                            out_valid,
    output     logic                            out_first,   // first word of a line; exponents hold for all of it
    output     logic [SAMPLES*2*OUT_BITS-1:0]     out_words,
    output     logic [SAMPLES*EXPONENT_BITS-1:0]  out_exponents
);
  localparam int PLACE_BITS = $clog2(SIZE);
  localparam int SLOT_BITS = $clog2(SLOTS);

  // Writing: at the bit-reversed place, so that reading goes in natural order.
  logic [PLACE_BITS-1:0] in_place, in_address;
  logic [SLOT_BITS-1:0] in_slot;
  always_comb for (int bit_ = 0; bit_ < PLACE_BITS; ++bit_) in_address[bit_] = in_place[PLACE_BITS-1-bit_];
  always_ff @(posedge clk) begin
    if (rst) begin
      in_place <= '0;
      in_slot  <= '0;
    end else if (in_valid) begin
      in_place <= in_place + 1'b1;
      if (&in_place) in_slot <= in_slot + 1'b1;
    end
  end

  // Exponents: the OR of magnitudes is as long in bits as the largest. Magnitude, OR, length: a clock each.
  logic [2:0] in_first_pipe, in_last_pipe, in_valid_pipe;
  logic [SLOT_BITS-1:0] ready_slot;
  logic complete;
  always_ff @(posedge clk) begin
    in_valid_pipe <= rst ? '0 : {in_valid_pipe[1:0], in_valid};
    in_first_pipe <= {in_first_pipe[1:0], in_place == 0};
    in_last_pipe  <= {in_last_pipe[1:0], &in_place};
    complete      <= !rst && in_valid_pipe[1] && in_last_pipe[1];
    if (rst) ready_slot <= '0;
    else if (complete) ready_slot <= ready_slot + 1'b1;
  end

  // Reading.
  logic idle, active, last;
  logic [PLACE_BITS-1:0] out_place;
  logic [SLOT_BITS-1:0] out_slot;
  logic [$clog2(SLOTS+1)-1:0] waiting;
  line_timer #(.SIZE(SIZE)) timer (.clk, .rst, .start(line_start), .idle, .active, .place(out_place), .last);
  assign line_ready = idle && waiting != 0;
  assign line_left  = last;
  always_ff @(posedge clk) begin
    if (rst) begin
      out_slot <= '0;
      waiting  <= '0;
    end else begin
      if (last) out_slot <= out_slot + 1'b1;
      if (complete != line_start) waiting <= complete ? waiting + 1'b1 : waiting - 1'b1;
    end
  end
  // Memory 2, shift and rounding 4.
  pipeline_valid #(.CLOCKS(6)) valid_pipeline (.clk, .rst, .in_valid(active), .out_valid);
  pipeline_valid #(.CLOCKS(6)) first_pipeline (.clk, .rst, .in_valid(active && out_place == 0), .out_valid(out_first));

  generate
    for (genvar lane = 0; lane < SAMPLES; ++lane) begin : g_lane
      logic signed [IN_BITS-1:0] in_re, in_im;
      logic [IN_BITS-1:0] magnitudes, largest;
      logic [EXPONENT_BITS-1:0] exponents[SLOTS];
      logic [EXPONENT_BITS-1:0] length, settled, exponent;
      assign in_re = $signed(in_words[(2*lane)*IN_BITS+:IN_BITS]);
      assign in_im = $signed(in_words[(2*lane+1)*IN_BITS+:IN_BITS]);
      always_comb begin
        length = '0;
        for (int bit_ = 0; bit_ < IN_BITS; ++bit_) if (largest[bit_]) length = EXPONENT_BITS'(bit_ + 1);
      end
      always_ff @(posedge clk) begin
        magnitudes <= (in_re < 0 ? -in_re : in_re) | (in_im < 0 ? -in_im : in_im);
        if (in_valid_pipe[0]) largest <= in_first_pipe[0] ? magnitudes : largest | magnitudes;
        settled <= length;
        if (complete)
          exponents[ready_slot] <= settled > EXPONENT_BITS'(OUT_BITS - 1) ? settled - EXPONENT_BITS'(OUT_BITS - 1) : '0;
      end

      logic [2*IN_BITS-1:0] grown;
      ram #(.BITS(2 * IN_BITS), .DEPTH(SLOTS * SIZE)) line (
          .clk,
          .write(in_valid),
          .write_address({in_slot, in_address}),
          .write_word(in_words[lane*2*IN_BITS+:2*IN_BITS]),
          .read_address({out_slot, out_place}),
          .read_word(grown)
      );
      delay #(.BITS(EXPONENT_BITS), .CLOCKS(2)) beside_memory (
          .clk, .in_word(exponents[out_slot]), .out_word(exponent)
      );
      delay #(.BITS(EXPONENT_BITS), .CLOCKS(4)) beside_rounding (
          .clk, .in_word(exponent), .out_word(out_exponents[lane*EXPONENT_BITS+:EXPONENT_BITS])
      );
      for (genvar part = 0; part < 2; ++part) begin : g_part
        shift_round #(.IN_BITS(IN_BITS), .OUT_BITS(OUT_BITS), .SHIFT_BITS(4)) round (
            .clk,
            .value($signed(grown[part*IN_BITS+:IN_BITS])),
            .shift(exponent[3:0]),
            .rounded(out_words[(2*lane+part)*OUT_BITS+:OUT_BITS])
        );
      end
    end
  endgenerate

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      starts_while_ready : assert (!line_start || line_ready);
      lines_have_room : assert (32'(waiting) <= SLOTS);
    end
`endif
endmodule
`default_nettype wire
