// Streams that wait for each other, at every operation.
`default_nettype none
module join_words_cover #(
    parameter int OPERATION = 0
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic first_valid,
    input wire logic second_valid,
    input wire logic ready,
    input wire logic out_valid,
    input wire logic out_ready
);
  first_waits_for_second : cover property (@(posedge clk) !rst && first_valid && !second_valid);
  second_waits_for_first : cover property (@(posedge clk) !rst && !first_valid && second_valid);
  both_wait_for_room : cover property (@(posedge clk) !rst && first_valid && second_valid && !ready);
  result_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  if (OPERATION == 0) begin : g_sum
    sum : cover property (@(posedge clk) !rst && first_valid && second_valid && ready);
  end else if (OPERATION == 1) begin : g_difference
    difference : cover property (@(posedge clk) !rst && first_valid && second_valid && ready);
  end else if (OPERATION == 2) begin : g_larger
    larger : cover property (@(posedge clk) !rst && first_valid && second_valid && ready);
  end else if (OPERATION == 3) begin : g_smaller
    smaller : cover property (@(posedge clk) !rst && first_valid && second_valid && ready);
  end else begin : g_side_by_side
    side_by_side : cover property (@(posedge clk) !rst && first_valid && second_valid && ready);
  end
endmodule
bind join_words join_words_cover #(.OPERATION(OPERATION)) points (.*);
`default_nettype wire
