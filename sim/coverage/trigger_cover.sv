// Pulses at once, in their time, one behind the other, and those that are forgotten.
`default_nettype none
module trigger_cover #(
    parameter int DELAY_BITS = 16,
    parameter int HOLD_BITS = 8
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic write,
    input wire logic crowded,
    input wire logic [DELAY_BITS-1:0] delay,
    input wire logic [HOLD_BITS-1:0] hold,
    input wire logic forget,
    input wire logic pin,
    input wire logic waits,
    input wire logic due,
    input wire logic [HOLD_BITS-1:0] left
);
  logic cut;
  cut_off record (.clk, .rst, .begun(pin), .ended(1'b1), .cut);
  pulse_at_once : cover property (@(posedge clk) !rst && due && delay == 0);
  pulse_waits_for_its_time : cover property (@(posedge clk) !rst && waits && !due && delay != 0);
  pulse_of_one_clock : cover property (@(posedge clk) !rst && due && hold == 0);
  pulse_ends : cover property (@(posedge clk) !rst && pin && left == 0 && !due);
  pulse_goes_on_with_the_next_one : cover property (@(posedge clk) !rst && due && pin && left != 0);
  pulse_is_written_while_one_is_due : cover property (@(posedge clk) !rst && write && due);
  no_more_may_wait : cover property (@(posedge clk) !rst && crowded);
  pulses_that_wait_are_forgotten : cover property (@(posedge clk) !rst && forget && waits);
  reset_within_a_pulse : cover property (@(posedge clk) !rst && cut);
endmodule
bind trigger trigger_cover #(.DELAY_BITS(DELAY_BITS), .HOLD_BITS(HOLD_BITS)) points (.*);
`default_nettype wire
