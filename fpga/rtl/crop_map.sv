// A map without some of its border: beats outside are taken and dropped.
`default_nettype none
module crop_map #(
    parameter int ROWS = 8,     // of the map that enters
    parameter int BEATS = 8,    // of a row that enters
    parameter int BITS = 8,     // of a beat
    parameter int TOP = 1,      // rows that are dropped
    parameter int LEFT = 1,     // beats of each row that are dropped
    parameter int OUT_ROWS = 6,
    parameter int OUT_BEATS = 6
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic            in_valid,
    output     logic            in_ready,
    input wire logic [BITS-1:0] in_words,
    output     logic            out_valid,
    input wire logic            out_ready,
    output     logic [BITS-1:0] out_words
);
  logic [$clog2(ROWS+1)-1:0] row;
  logic [$clog2(BEATS+1)-1:0] beat;
  logic within_map;

  assign within_map = 32'(row) >= TOP && 32'(row) < TOP + OUT_ROWS && 32'(beat) >= LEFT && 32'(beat) < LEFT + OUT_BEATS;
  assign out_valid = in_valid && within_map;
  assign out_words = in_words;
  assign in_ready = out_ready || !within_map;

  always_ff @(posedge clk) begin
    if (rst) begin
      row  <= '0;
      beat <= '0;
    end else if (in_valid && in_ready) begin
      beat <= 32'(beat) == BEATS - 1 ? '0 : beat + 1'b1;
      if (32'(beat) == BEATS - 1) row <= 32'(row) == ROWS - 1 ? '0 : row + 1'b1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      the_place_is_in_the_map : assert (32'(row) < ROWS && 32'(beat) < BEATS);
    end
`endif

  stream_rules #(.BITS(BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
