// Places that are reserved, results on their way, results that wait.
`default_nettype none
module reserved_queue_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic reserve,
    input wire logic available,
    input wire logic in_valid,
    input wire logic out_valid,
    input wire logic out_ready
);
  no_place_is_left : cover property (@(posedge clk) !rst && !available);
  no_place_is_left_while_nothing_waits : cover property (@(posedge clk) !rst && !available && !out_valid);
  result_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  result_comes_while_one_leaves : cover property (@(posedge clk) !rst && in_valid && out_valid && out_ready);
  place_is_reserved_while_one_is_given_back : cover property (@(posedge clk) !rst && reserve && out_valid && out_ready);
  receiver_waits : cover property (@(posedge clk) !rst && !out_valid && out_ready);
endmodule
bind reserved_queue reserved_queue_cover points (.*);
`default_nettype wire
