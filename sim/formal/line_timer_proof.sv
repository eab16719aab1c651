// line_timer: SIZE clocks after each start, place after place, and a line may follow at once.
module line_timer_proof #(
    parameter int SIZE = 4
) (
    input logic clk,
    input logic rst,
    input logic start
);
  logic idle, active, last, started = 1'b0;
  logic [$clog2(SIZE)-1:0] place;
  line_timer #(.SIZE(SIZE)) dut (.*);
  logic [7:0] left;  // words that are due
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    assume (!start || idle);
    if (rst) left <= '0;
    else if (start) left <= SIZE;
    else if (left != 0) left <= left - 1'b1;
    if (started && !rst) begin
      as_many_words_as_are_due: assert (active == (left != 0) && 32'(left) <= SIZE);
      each_in_its_place: assert (!active || 32'(place) == SIZE - 32'(left));
      the_last_one_is_told: assert (last == (left == 1));
      a_line_may_follow: assert (idle == (left <= 1));
    end
  end
endmodule
