// Every register read; flags that come while they are cleared; the soft reset.
`default_nettype none
module status_registers_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic [7:0] s_axil_awaddr,
    input wire logic [3:0] s_axil_wstrb,
    input wire logic [7:0] s_axil_araddr,
    input wire logic s_axil_arvalid,
    input wire logic s_axil_arready,
    input wire logic write,
    input wire logic soft_reset,
    input wire logic frame_ended,
    input wire logic frame_left,
    input wire logic too_short,
    input wire logic too_long,
    input wire logic some_left,
    input wire logic [1:0] cleared_flags,
    input wire logic [1:0] error_flags
);
  logic read;
  assign read = !rst && s_axil_arvalid && s_axil_arready;
  identity_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::IDENTITY_OFFSET));
  version_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::VERSION_OFFSET));
  design_hash_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::DESIGN_HASH_OFFSET));
  control_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::CONTROL_OFFSET));
  frames_accepted_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::FRAMES_ACCEPTED_OFFSET));
  frames_dropped_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::FRAMES_DROPPED_OFFSET));
  error_flags_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::ERROR_FLAGS_OFFSET));
  latency_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::LATENCY_CYCLES_OFFSET));
  interval_is_read : cover property (@(posedge clk) read && s_axil_araddr == 8'(contract_pkg::INTERVAL_CYCLES_OFFSET));
  soft_reset_within_traffic : cover property (@(posedge clk) soft_reset && some_left);
  write_of_some_bytes : cover property (@(posedge clk) !rst && write && !(&s_axil_wstrb));
  flags_are_cleared : cover property (@(posedge clk) !rst && (cleared_flags & error_flags) != 0);
  both_flags_stand : cover property (@(posedge clk) !rst && &error_flags);
  frame_ends_while_one_leaves : cover property (@(posedge clk) !rst && frame_ended && frame_left);
  short_packet : cover property (@(posedge clk) !rst && too_short);
  long_packet : cover property (@(posedge clk) !rst && too_long);
endmodule
bind status_registers status_registers_cover points (.*);
`default_nettype wire
