// pad_map: the map's pixels in their order with zeros around them; only zeros ahead of the first pixel wait for one.
module pad_map_proof #(
    parameter int ROWS = 2,
    parameter int COLUMNS = 2,
    parameter int BITS = 2,
    parameter int TOP = 1,
    parameter int BOTTOM = 1,
    parameter int LEFT = 1,
    parameter int RIGHT = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [BITS-1:0] in_words,
    input logic out_ready
);
  localparam int OUT_ROWS = TOP + ROWS + BOTTOM, OUT_COLUMNS = LEFT + COLUMNS + RIGHT;
  logic in_ready, out_valid, within, ahead, started = 1'b0;
  logic [BITS-1:0] out_words;
  pad_map #(
      .ROWS(ROWS), .COLUMNS(COLUMNS), .BITS(BITS), .TOP(TOP), .BOTTOM(BOTTOM), .LEFT(LEFT), .RIGHT(RIGHT)
  ) dut (.*);
  stream_given #(.BITS(BITS)) given (.clk, .rst, .valid(in_valid), .ready(in_ready), .words(in_words));
  (* hierconn *) logic [$clog2(OUT_ROWS+1)-1:0] \dut.row ;
  (* hierconn *) logic [$clog2(OUT_COLUMNS+1)-1:0] \dut.column ;

  logic [7:0] pixel;  // of the map that leaves
  assign within = pixel / OUT_COLUMNS >= TOP && pixel / OUT_COLUMNS < TOP + ROWS && pixel % OUT_COLUMNS >= LEFT &&
      pixel % OUT_COLUMNS < LEFT + COLUMNS;
  assign ahead = pixel < TOP * OUT_COLUMNS + LEFT;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (rst) pixel <= '0;
    else if (out_valid && out_ready) pixel <= 32'(pixel) == OUT_ROWS * OUT_COLUMNS - 1 ? '0 : pixel + 1'b1;
    if (started && !rst) begin
      it_is_known:
      assert (32'(\dut.row ) == 32'(pixel) / OUT_COLUMNS && 32'(\dut.column ) == 32'(pixel) % OUT_COLUMNS);
      it_is_in_the_map: assert (32'(pixel) < OUT_ROWS * OUT_COLUMNS);
      the_map_is_within_zeros: assert (out_words == (within ? in_words : '0));
      pixels_are_waited_for: assert (out_valid == (in_valid || !(within || ahead)));
      a_pixel_goes_in_its_place: assert (in_ready == (out_ready && within));
    end
  end
endmodule
