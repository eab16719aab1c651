// Words of a row transform, as they leave it, to pairs G[k] and G[-k] of columns k = 0 ... N/2 - 1 in lanes and slots.
//
// Lane p of the transform has k = (p's bits reversed) N / SAMPLES + (the clock's bits reversed); half of the lanes, or
// half of the clocks of the only one, have k < N / 2. Their words wait until the line is in; the others go through a
// memory of two lines. What is beside k = 0 has no meaning. Lines are N / SAMPLES clocks, without a gap.
module row_pairs #(
    parameter int SAMPLES = 1,                // 1, 2 or 4
    parameter int SIZE = contract_pkg::SIZE,  // N
    parameter int BITS = 26,                  // of a component
    parameter int LANES = SAMPLES > 1 ? SAMPLES / 2 : 1,
    parameter int SLOTS = SIZE / 2 / LANES
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      in_valid,
    input  logic [SAMPLES*2*BITS-1:0] in_words,
    output logic                      out_valid,
    output logic [ $clog2(SLOTS)-1:0] out_slot,
    output logic [  LANES*2*BITS-1:0] plus,
    output logic [  LANES*2*BITS-1:0] minus
);
  localparam int BEATS = SIZE / SAMPLES;
  localparam int BEAT_BITS = $clog2(BEATS);

  function automatic logic [BEAT_BITS-1:0] reversed(input logic [BEAT_BITS-1:0] value);
    for (int i = 0; i < BEAT_BITS; ++i) reversed[i] = value[BEAT_BITS-1-i];
  endfunction

  logic [BEAT_BITS-1:0] in_beat, out_beat, opposite, last_beat;
  logic in_line, out_line, reading;
  always_ff @(posedge clk) begin
    if (rst) begin
      {in_beat, in_line}   <= '0;
      {out_beat, out_line} <= '0;
    end else begin
      if (in_valid) in_beat <= in_beat + 1'b1;
      if (in_valid && &in_beat) in_line <= !in_line;
      if (reading) out_beat <= out_beat + 1'b1;
      if (reading && &out_beat) out_line <= !out_line;
    end
  end
  pipeline_valid #(.CLOCKS(BEATS)) line_pipeline (.clk, .rst, .in_valid, .out_valid(reading));
  assign opposite = reversed(-reversed(out_beat));

  // Where a line's clock has no column that is told, in the only lane, nothing leaves.
  logic told;
  assign told = SAMPLES > 1 || !out_beat[0];
  pipeline_valid #(.CLOCKS(3)) valid_pipeline (.clk, .rst, .in_valid(reading && told), .out_valid);
  delay #(.BITS(BEAT_BITS), .CLOCKS(3)) beside_words (.clk, .in_word(out_beat), .out_word(last_beat));
  assign out_slot = ($clog2(SLOTS))'(SAMPLES > 1 ? last_beat : last_beat >> 1);

  logic [LANES*2*BITS-1:0] far;  // of the negative frequencies that follow the lane's first column downward
  logic edge_;
  delay #(.BITS(1), .CLOCKS(2)) beside_memory (.clk, .in_word(out_beat == 0), .out_word(edge_));
  generate
    for (genvar lane = 0; lane < LANES; ++lane) begin : g_lane
      localparam int NEAR = 2 * lane;                                // k < N / 2
      localparam int FAR = SAMPLES == 1 ? 0 : SAMPLES - 1 - 2 * lane;  // -k, but for the lane's first column
      delay #(.BITS(2 * BITS), .CLOCKS(BEATS + 3)) until_the_line_is_in (
          .clk, .in_word(in_words[NEAR*2*BITS+:2*BITS]), .out_word(plus[lane*2*BITS+:2*BITS])
      );
      ram #(.BITS(2 * BITS), .DEPTH(2 * BEATS)) lines (
          .clk, .write(in_valid), .write_address({in_line, in_beat}), .write_word(in_words[FAR*2*BITS+:2*BITS]),
          .read_address({out_line, opposite}), .read_word(far[lane*2*BITS+:2*BITS])
      );
      // -k of the first column is in the block before.
      always_ff @(posedge clk)
        minus[lane*2*BITS+:2*BITS] <= far[(edge_ && lane > 0 ? lane - 1 : lane)*2*BITS+:2*BITS];
    end
  endgenerate
endmodule
