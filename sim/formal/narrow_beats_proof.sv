// narrow_beats: pixel after pixel of a beat, the lowest first; the next beat comes behind the last one.
module narrow_beats_proof #(
    parameter int BITS = 2,
    parameter int PIXELS = 3
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [PIXELS*BITS-1:0] in_words,
    input logic out_ready
);
  logic in_ready, out_valid, started = 1'b0;
  logic [BITS-1:0] out_words;
  narrow_beats #(.BITS(BITS), .PIXELS(PIXELS)) dut (.*);
  stream_given #(.BITS(PIXELS * BITS)) given (.clk, .rst, .valid(in_valid), .ready(in_ready), .words(in_words));
  (* hierconn *) logic [$clog2(PIXELS)-1:0] \dut.pixel ;

  logic [3:0] left;  // pixels of the beat that have left
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst || (in_valid && in_ready)) left <= '0;
    else if (out_valid && out_ready) left <= left + 1'b1;
    if (started && !rst) begin
      it_is_known: assert (32'(\dut.pixel ) == 32'(left));
      in_its_turn: assert (out_valid == in_valid && out_words == in_words[32'(left)*BITS+:BITS]);
      a_beat_goes_with_its_last_pixel: assert (in_ready == (out_ready && 32'(left) == PIXELS - 1));
    end
  end
endmodule
