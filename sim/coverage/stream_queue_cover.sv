// Both sides wait for each other in turn.
`default_nettype none
module stream_queue_cover #(
    parameter int DEPTH = 2
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_valid,
    input wire logic in_ready,
    input wire logic out_valid,
    input wire logic out_ready
);
  sender_waits : cover property (@(posedge clk) !rst && in_valid && !in_ready);
  sender_waits_while_a_word_leaves : cover property (@(posedge clk) !rst && in_valid && !in_ready && out_ready);
  receiver_waits : cover property (@(posedge clk) !rst && out_ready && !out_valid);
  word_waits : cover property (@(posedge clk) !rst && out_valid && !out_ready);
  both_sides_at_once : cover property (@(posedge clk) !rst && in_valid && in_ready && out_valid && out_ready);
  both_sides_pause : cover property (@(posedge clk) !rst && !in_valid && in_ready && !out_valid && !out_ready);
endmodule
bind stream_queue stream_queue_cover #(.DEPTH(DEPTH)) points (.*);
`default_nettype wire
