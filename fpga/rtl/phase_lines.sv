// Columns i phi^ to lines of the inverse row transform: rows y - 1 and y, y odd, are phi^[y] + i phi^[y-1], Hermitian.
//
// Columns come in LANES lanes, slot by slot, column k = lane SLOTS + (the slot's bits reversed); a line leaves in natural
// order, LANES words a clock, without a gap, word i in lane i mod LANES. One pair of rows is read while the next is
// written. Two words of one line may be in one memory, so that every lane that reads has memories of its own.
module phase_lines #(
    parameter int LANES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int BITS = contract_pkg::STATE_BITS,
    parameter bit UPWARD = 0,                 // rows come from the last to the first: row y, then row y - 1
    parameter int SLOTS = SIZE / 2 / LANES
) (
    input  logic                     clk,
    input  logic                     rst,
    input  logic                     in_valid,
    input  logic [$clog2(SLOTS)-1:0] in_slot,
    input  logic [ LANES*2*BITS-1:0] in_words,
    output logic                     out_valid,
    output logic [ LANES*2*BITS-1:0] out_words
);
  localparam int LOG2 = $clog2(SIZE);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int BEATS = SIZE / LANES;

  logic in_second, in_odd, in_pair, complete;
  assign in_odd   = in_second != UPWARD;
  assign complete = in_valid && &in_slot && in_second;
  always_ff @(posedge clk) begin
    if (rst) {in_second, in_pair} <= '0;
    else if (in_valid && &in_slot) begin
      in_second <= !in_second;
      if (in_second) in_pair <= !in_pair;
    end
  end

  // A pair is read in no more clocks than it takes to come.
  logic unused_idle, active, last, out_pair;
  logic [$clog2(BEATS)-1:0] beat;
  line_timer #(.SIZE(BEATS)) timer (
      .clk, .rst, .start(complete), .idle(unused_idle), .active, .place(beat), .last
  );
  always_ff @(posedge clk) begin
    if (rst) out_pair <= 1'b0;
    else if (last) out_pair <= !out_pair;
  end
  pipeline_valid #(.CLOCKS(4)) valid_pipeline (.clk, .rst, .in_valid(active), .out_valid);

  function automatic logic signed [BITS-1:0] limited(input logic signed [BITS:0] value);
    limited = value[BITS] == value[BITS-1] ? value[BITS-1:0] : {value[BITS], {(BITS - 1) {!value[BITS]}}};
  endfunction

  generate
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
      // The column of word i: k, or N - k for negative frequencies; zero at N / 2.
      logic [LOG2-1:0] place, k;
      logic [SLOT_BITS-1:0] slot, address;
      logic negative, nyquist;
      logic [$clog2(LANES+1)-1:0] from, from_3;
      logic negative_3, nyquist_3, read_pair;
      assign place = LOG2'(32'(beat) * LANES + lane);
      assign k     = place[LOG2-1] ? -place : place;
      for (genvar i = 0; i < SLOT_BITS; ++i) begin : g_reversed
        assign slot[i] = k[SLOT_BITS-1-i];
      end
      always_ff @(posedge clk) begin
        address   <= slot;
        read_pair <= out_pair;
        negative  <= place[LOG2-1];
        nyquist   <= place == LOG2'(SIZE / 2);
        from      <= ($clog2(LANES + 1))'(32'(k[LOG2-2:0]) / SLOTS);
      end
      delay #(.BITS(2 + $clog2(LANES + 1)), .CLOCKS(2)) beside_memory (
          .clk, .in_word({negative, nyquist, from}), .out_word({negative_3, nyquist_3, from_3})
      );

      logic [LANES*2*BITS-1:0] even_words, odd_words;
      for (genvar bank = 0; bank < LANES; ++bank) begin : g_bank
        ram #(.BITS(2 * BITS), .DEPTH(2 * SLOTS)) even_rows (
            .clk, .write(in_valid && !in_odd), .write_address({in_pair, in_slot}),
            .write_word(in_words[bank*2*BITS+:2*BITS]), .read_address({read_pair, address}),
            .read_word(even_words[bank*2*BITS+:2*BITS])
        );
        ram #(.BITS(2 * BITS), .DEPTH(2 * SLOTS)) odd_rows (
            .clk, .write(in_valid && in_odd), .write_address({in_pair, in_slot}),
            .write_word(in_words[bank*2*BITS+:2*BITS]), .read_address({read_pair, address}),
            .read_word(odd_words[bank*2*BITS+:2*BITS])
        );
      end

      // phi^ = -i (i phi^): its parts are the second and the first one with its sign changed.
      logic signed [BITS:0] even_re, even_im, odd_re, odd_im;
      assign even_re = (BITS + 1)'($signed(even_words[(2*from_3)*BITS+:BITS]));
      assign even_im = (BITS + 1)'($signed(even_words[(2*from_3+1)*BITS+:BITS]));
      assign odd_re  = (BITS + 1)'($signed(odd_words[(2*from_3)*BITS+:BITS]));
      assign odd_im  = (BITS + 1)'($signed(odd_words[(2*from_3+1)*BITS+:BITS]));
      always_ff @(posedge clk) begin
        out_words[(2*lane)*BITS+:BITS]   <= limited(negative_3 ? odd_im - even_re : odd_im + even_re);
        out_words[(2*lane+1)*BITS+:BITS] <= limited(negative_3 ? even_im + odd_re : even_im - odd_re);
        if (nyquist_3) out_words[(2*lane)*BITS+:2*BITS] <= '0;
      end
    end
  endgenerate
endmodule
