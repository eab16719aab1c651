// crop_map: of each map, in its order, the beats of the window and no other.
module crop_map_proof #(
    parameter int ROWS = 4,
    parameter int BEATS = 3,
    parameter int BITS = 2,
    parameter int TOP = 1,
    parameter int LEFT = 1,
    parameter int OUT_ROWS = 2,
    parameter int OUT_BEATS = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [BITS-1:0] in_words,
    input logic out_ready
);
  logic in_ready, out_valid, within, started = 1'b0;
  logic [BITS-1:0] out_words;
  crop_map #(
      .ROWS(ROWS), .BEATS(BEATS), .BITS(BITS), .TOP(TOP), .LEFT(LEFT), .OUT_ROWS(OUT_ROWS), .OUT_BEATS(OUT_BEATS)
  ) dut (.*);
  stream_given #(.BITS(BITS)) given (.clk, .rst, .valid(in_valid), .ready(in_ready), .words(in_words));
  (* hierconn *) logic [$clog2(ROWS+1)-1:0] \dut.row ;
  (* hierconn *) logic [$clog2(BEATS+1)-1:0] \dut.beat ;

  logic [7:0] beat;  // of the map
  assign within = beat / BEATS >= TOP && beat / BEATS < TOP + OUT_ROWS && beat % BEATS >= LEFT &&
      beat % BEATS < LEFT + OUT_BEATS;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst) beat <= '0;
    else if (in_valid && in_ready) beat <= 32'(beat) == ROWS * BEATS - 1 ? '0 : beat + 1'b1;
    if (started && !rst) begin
      it_is_known: assert (32'(\dut.row ) == 32'(beat) / BEATS && 32'(\dut.beat ) == 32'(beat) % BEATS);
      it_is_in_the_map: assert (32'(beat) < ROWS * BEATS);
      the_window_leaves: assert (out_valid == (in_valid && within) && out_words == in_words);
      the_rest_goes: assert (in_ready == (out_ready || !within));
    end
  end
endmodule
