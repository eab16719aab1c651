// Words that come out CLOCKS clocks after they went in; time never stops.
//
// A ring of memory where it is long, registers where it is short. Not reset: what comes out before the first word that
// went in has no meaning, and the valid bit beside it, if there is one, has to be reset elsewhere.
`default_nettype none
module delay #(
    parameter int BITS = 1,
    parameter int CLOCKS = 1
) (
    input wire logic            clk,
    input wire logic [BITS-1:0] in_word,
    output     logic [BITS-1:0] out_word
);
  generate
    if (CLOCKS == 0) begin : g_wire
      assign out_word = in_word;
    end else if (CLOCKS < 8) begin : g_registers
      logic [CLOCKS*BITS-1:0] line;
      if (CLOCKS == 1) begin : g_one
        always_ff @(posedge clk) line <= in_word;
      end else begin : g_more
        always_ff @(posedge clk) line <= {line[(CLOCKS-1)*BITS-1:0], in_word};
      end
      assign out_word = line[(CLOCKS-1)*BITS+:BITS];
    end else begin : g_ring
      localparam int PLACE_BITS = $clog2(CLOCKS);
      logic [BITS-1:0] ring[CLOCKS];
      logic [PLACE_BITS-1:0] place, next;
      initial place = '0;
      assign next = place == PLACE_BITS'(CLOCKS - 1) ? '0 : place + 1'b1;
      always_ff @(posedge clk) begin
        place       <= next;
        ring[place] <= in_word;
        out_word    <= ring[next];
      end
`ifndef SYNTHESIS
      always_ff @(posedge clk) the_place_is_in_the_ring : assert (32'(place) < CLOCKS);
`endif
    end
  endgenerate
endmodule
`default_nettype wire
