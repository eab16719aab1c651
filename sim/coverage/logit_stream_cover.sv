// Logits that leave one behind the other, and cells that wait.
`default_nettype none
module logit_stream_cover #(
    parameter int PLACE_BITS = 3
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic in_ready,
    input wire logic m_axis_tvalid,
    input wire logic m_axis_tready,
    input wire logic cell_left,
    input wire logic [PLACE_BITS-1:0] place
);
  logic cut;
  cut_off record (.clk, .rst, .begun(place != 0), .ended(1'b1), .cut);
  logic left_before;
  always_ff @(posedge clk) left_before <= !rst && cell_left;
  cell_follows_at_once : cover property (@(posedge clk) !rst && left_before && m_axis_tvalid && m_axis_tready);
  receiver_pauses_within_a_cell : cover property (@(posedge clk) !rst && m_axis_tvalid && !m_axis_tready && place != 0);
  no_more_cells_may_wait : cover property (@(posedge clk) !rst && !in_ready);
  receiver_waits : cover property (@(posedge clk) !rst && !m_axis_tvalid && m_axis_tready);
  reset_within_a_cell : cover property (@(posedge clk) !rst && cut);
endmodule
bind logit_stream logit_stream_cover #(.PLACE_BITS(PLACE_BITS)) points (.*);
`default_nettype wire
