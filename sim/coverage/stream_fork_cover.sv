// Readers that come at once and one after the other.
`default_nettype none
module stream_fork_cover #(
    parameter int READERS = 2
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic [READERS-1:0] out_valid,
    input wire logic [READERS-1:0] out_ready,
    input wire logic [READERS-1:0] taken
);
  logic cut;
  cut_off record (.clk, .rst, .begun(taken != 0), .ended(1'b1), .cut);
  all_take_at_once : cover property (@(posedge clk) !rst && in_valid && taken == 0 && &out_ready);
  first_one_is_early : cover property (@(posedge clk) !rst && in_valid && out_valid[0] && out_ready[0] && !in_ready);
  last_one_is_early : cover property (@(posedge clk) !rst && in_valid && out_valid[READERS-1] && out_ready[READERS-1] && !in_ready);
  last_one_takes_late : cover property (@(posedge clk) !rst && in_valid && in_ready && !taken[READERS-1] && taken != 0);
  first_one_takes_late : cover property (@(posedge clk) !rst && in_valid && in_ready && !taken[0] && taken != 0);
  none_is_ready : cover property (@(posedge clk) !rst && in_valid && out_ready == 0);
  reset_while_one_has_taken : cover property (@(posedge clk) !rst && cut);
endmodule
bind stream_fork stream_fork_cover #(.READERS(READERS)) points (.*);
`default_nettype wire
