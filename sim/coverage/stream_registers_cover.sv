// Every register read, also within a reset, and counts that come at once.
`default_nettype none
module stream_registers_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic [7:0] s_axil_araddr,
    input wire logic s_axil_arvalid,
    input wire logic s_axil_arready,
    input wire logic s_axil_awvalid,
    input wire logic s_axil_wvalid,
    input wire logic resets,
    input wire logic resetting,
    input wire logic stream_rst,
    input wire logic batch_ended,
    input wire logic frame_ended,
    input wire logic cell_left,
    input wire logic stalled
);
  logic read;
  assign read = !rst && s_axil_arvalid && s_axil_arready;
  identity_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_IDENTITY_OFFSET));
  version_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_VERSION_OFFSET));
  design_hash_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_DESIGN_HASH_OFFSET));
  control_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_CONTROL_OFFSET));
  weights_hash_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_WEIGHTS_HASH_OFFSET));
  batches_in_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_BATCHES_IN_OFFSET));
  batches_out_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_BATCHES_OUT_OFFSET));
  frames_in_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_FRAMES_IN_OFFSET));
  cells_out_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_CELLS_OUT_OFFSET));
  stalled_cycles_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::STREAM_STALLED_CYCLES_OFFSET));
  reset_is_written : cover property (@(posedge clk) !rst && resets);
  read_within_a_reset : cover property (@(posedge clk) read && resetting);
  write_waits_for_a_reset : cover property (@(posedge clk) !rst && resetting && s_axil_awvalid && s_axil_wvalid);
  batch_ends_with_a_frame : cover property (@(posedge clk) !stream_rst && batch_ended && frame_ended);
  batch_ends_within_a_frame : cover property (@(posedge clk) !stream_rst && batch_ended && !frame_ended);
  cell_leaves_while_a_frame_ends : cover property (@(posedge clk) !stream_rst && cell_left && frame_ended);
  output_is_stalled : cover property (@(posedge clk) !stream_rst && stalled);
endmodule
bind stream_registers stream_registers_cover points (.*);
`default_nettype wire
