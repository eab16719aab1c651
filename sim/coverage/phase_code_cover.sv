// Phases and codes at their limits, and the shifts of small and large frames.
`default_nettype none
module phase_code_cover #(
    parameter int PHASE_BITS = 18,
    parameter int CODE_BITS = 8
) (
    input wire logic clk,
    input wire logic signed [PHASE_BITS-1:0] phase,
    input wire logic [CODE_BITS-1:0] code,
    input wire logic signed [CODE_BITS:0] shade
);
  phase_at_the_top : cover property (@(posedge clk) phase == {1'b0, {(PHASE_BITS - 1) {1'b1}}});
  phase_at_the_bottom : cover property (@(posedge clk) phase == {1'b1, {(PHASE_BITS - 1) {1'b0}}});
  phase_of_zero : cover property (@(posedge clk) phase == 0);
  code_at_the_top : cover property (@(posedge clk) &code);
  code_of_zero : cover property (@(posedge clk) shade == 0);
  code_below_zero : cover property (@(posedge clk) shade < 0);
endmodule
bind phase_code phase_code_cover #(.PHASE_BITS(PHASE_BITS), .CODE_BITS(CODE_BITS)) points (.*);
`default_nettype wire
