// Settings that are written, in part too, and largest values that are cleared while they grow.
`default_nettype none
module gate_registers_cover (
    input wire logic clk,
    input wire logic rst,
    input wire logic write,
    input wire logic [7:0] write_address,
    input wire logic [3:0] write_strobes,
    input wire logic whole,
    input wire logic intact,
    input wire logic began,
    input wire logic event_valid,
    input wire logic some_left
);
  logic cut;
  cut_off record (.clk, .rst, .begun(some_left), .ended(1'b1), .cut);
  classes_are_written : cover property (@(posedge clk) !rst && whole && write_address == 8'(contract_pkg::GATE_CLASSES_OFFSET));
  delay_is_written : cover property (@(posedge clk) !rst && whole && write_address == 8'(contract_pkg::TRIGGER_DELAY_OFFSET));
  hold_is_written : cover property (@(posedge clk) !rst && whole && write_address == 8'(contract_pkg::TRIGGER_HOLD_OFFSET));
  least_margin_is_written : cover property (@(posedge clk) !rst && whole && write_address == 8'(contract_pkg::LEAST_MARGIN_OFFSET));
  some_bytes_of_a_setting_are_written : cover property (@(posedge clk) !rst && write && !whole && write_address == 8'(contract_pkg::TRIGGER_DELAY_OFFSET));
  most_cycles_to_the_trigger_are_cleared : cover property (@(posedge clk) !rst && write && write_address == 8'(contract_pkg::TRIGGER_CYCLES_MOST_OFFSET));
  most_cycles_to_the_class_are_cleared : cover property (@(posedge clk) !rst && write && write_address == 8'(contract_pkg::CLASS_CYCLES_MOST_OFFSET));
  largest_interval_is_cleared : cover property (@(posedge clk) !rst && write && write_address == 8'(contract_pkg::CLASS_INTERVAL_MOST_OFFSET));
  event_of_an_intact_frame : cover property (@(posedge clk) !rst && intact);
  event_of_a_malformed_packet : cover property (@(posedge clk) !rst && event_valid && !intact);
  pulse_begins_while_an_event_comes : cover property (@(posedge clk) !rst && began && event_valid);
  reset_after_events : cover property (@(posedge clk) !rst && cut);
endmodule
bind gate_registers gate_registers_cover points (.*);
`default_nettype wire
