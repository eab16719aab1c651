// Pulses at once, in their time, one behind the other.
`default_nettype none
module trigger_cover #(
    parameter int CLOCK_BITS = 32,
    parameter int HOLD_BITS = 8
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic [CLOCK_BITS-1:0] now,
    input wire logic write,
    input wire logic [CLOCK_BITS-1:0] in_pulse,
    input wire logic crowded,
    input wire logic [HOLD_BITS-1:0] hold,
    input wire logic pin,
    input wire logic waits,
    input wire logic due,
    input wire logic [HOLD_BITS-1:0] left
);
  logic cut;
  cut_off record (.clk, .rst, .begun(pin || waits), .ended(1'b1), .cut);
  pulse_at_once : cover property (@(posedge clk) !rst && write && in_pulse == now + CLOCK_BITS'(2));
  pulse_waits_for_its_time : cover property (@(posedge clk) !rst && waits && !due);
  pulse_of_one_clock : cover property (@(posedge clk) !rst && due && hold == 0);
  pulse_ends : cover property (@(posedge clk) !rst && pin && left == 0 && !due);
  pulse_goes_on_with_the_next_one : cover property (@(posedge clk) !rst && due && pin && left != 0);
  pulse_is_written_while_one_is_due : cover property (@(posedge clk) !rst && write && due);
  no_more_may_wait : cover property (@(posedge clk) !rst && crowded);
  reset_with_a_pulse : cover property (@(posedge clk) !rst && cut);
endmodule
bind trigger trigger_cover #(.CLOCK_BITS(CLOCK_BITS), .HOLD_BITS(HOLD_BITS)) points (.*);
`default_nettype wire
