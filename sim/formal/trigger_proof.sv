// trigger: whatever is written has exactly one pulse, which begins in the clock that was written with it, and an age
// that is right.
module trigger_proof #(
    parameter int PULSES = 4,  // at most 4
    parameter int CLOCK_BITS = 8,
    parameter int HOLD_BITS = 3
) (
    input logic clk,
    input logic rst,
    input logic write,
    input logic [CLOCK_BITS-1:0] in_pulse,
    input logic [CLOCK_BITS-1:0] in_last,
    input logic [HOLD_BITS-1:0] hold,
    input logic mark
);
  localparam int FURTHEST = 1 << CLOCK_BITS - 2;
  logic crowded, waits, pin, began, started = 1'b0;
  logic [CLOCK_BITS-1:0] now, latest, age;
  trigger #(.HOLD_BITS(HOLD_BITS), .PULSES(PULSES), .CLOCK_BITS(CLOCK_BITS)) dut (.*);

  logic due, is_marked;
  logic [2*CLOCK_BITS-1:0] marked;
  logic [$clog2(PULSES+1)-1:0] held, ahead;
  (* hierconn *) logic \dut.due ;
  (* hierconn *) logic [$clog2(PULSES):0] \dut.level ;
  (* hierconn *) logic [$clog2(PULSES)-1:0] \dut.pulses.read_place ;
  (* hierconn *) logic [2*CLOCK_BITS-1:0] \dut.pulses.words[0] , \dut.pulses.words[1] , \dut.pulses.words[2] ,
      \dut.pulses.words[3] ;
  order #(.BITS(2 * CLOCK_BITS), .MOST(PULSES)) order (
      .clk, .rst, .enters(write), .in_word({in_pulse, in_last}), .leaves(\dut.due ), .mark, .held, .waits(is_marked),
      .ahead, .marked
  );

  // What lies inside, the oldest first, for induction.
  logic [8*CLOCK_BITS-1:0] inside;
  logic [CLOCK_BITS-1:0] pulses[4], to_come[4];
  logic [2*CLOCK_BITS-1:0] word;
  assign inside = {\dut.pulses.words[3] , \dut.pulses.words[2] , \dut.pulses.words[1] , \dut.pulses.words[0] };
  assign word   = inside[2*CLOCK_BITS*32'(($clog2(PULSES))'(\dut.pulses.read_place + ahead))+:2*CLOCK_BITS];
  for (genvar i = 0; i < 4; ++i) begin
    assign pulses[i]  = inside[CLOCK_BITS*(2*32'(($clog2(PULSES))'(\dut.pulses.read_place + i))+1)+:CLOCK_BITS];
    assign to_come[i] = pulses[i] - now;
  end

  (* hierconn *) logic [HOLD_BITS-1:0] \dut.left ;
  logic starts;  // what pin and age say of the clock before
  logic [CLOCK_BITS-1:0] due_age;
  logic [HOLD_BITS-1:0] clocks_left;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    now     <= now + 1'b1;
    if (!started) assume (rst);
    // Of the gate: there is room, and pulses come in order, not too early.
    if (write) begin
      assume (!crowded);
      assume (CLOCK_BITS'(in_pulse - now) >= 2 && CLOCK_BITS'(in_pulse - now) < FURTHEST);
      assume (!waits || $signed(CLOCK_BITS'(in_pulse - latest)) > 0);
    end
    starts  <= !rst && is_marked && ahead == 0 && CLOCK_BITS'(now + 1'b1) == marked[CLOCK_BITS+:CLOCK_BITS];
    due_age <= marked[CLOCK_BITS+:CLOCK_BITS] - marked[CLOCK_BITS-1:0];
    if (rst) clocks_left <= '0;
    else if (\dut.due ) clocks_left <= hold;
    else if (clocks_left != 0) clocks_left <= clocks_left - 1'b1;
    if (started && !rst) begin
      each_is_counted: assert (\dut.level == held && waits == (held != 0) && crowded == (held == PULSES));
      they_come_in_order:
      assert ((held < 2 || to_come[0] < to_come[1]) && (held < 3 || to_come[1] < to_come[2]) &&
              (held < 4 || to_come[2] < to_come[3]));
      they_are_to_come:
      assert ((held < 1 || (to_come[0] >= 1 && to_come[0] < FURTHEST)) && (held < 2 || to_come[1] < FURTHEST) &&
              (held < 3 || to_come[2] < FURTHEST) && (held < 4 || to_come[3] < FURTHEST));
      the_last_is_known: assert (held == 0 || (latest == pulses[held-1] && CLOCK_BITS'(latest - now) < FURTHEST));
      if (is_marked) it_is_kept: assert (word == marked && CLOCK_BITS'(marked[CLOCK_BITS+:CLOCK_BITS] - now) >= 1);
      if (is_marked)
        it_leaves_in_its_clock:
        assert ((\dut.due && ahead == 0) == (marked[CLOCK_BITS+:CLOCK_BITS] == CLOCK_BITS'(now + 1'b1)));
      if (starts) it_is_one_pulse_in_its_clock: assert (began && pin && age == due_age);
      it_lasts_as_long_as_asked: assert (pin == (began || pin_was_held) && \dut.left == clocks_left);
    end
  end
  logic pin_was_held, went;
  always_ff @(posedge clk) begin
    pin_was_held <= !rst && clocks_left != 0;
    went         <= !rst && \dut.due ;
    if (started && !rst) no_pulse_without_an_event: assert (began == went);
  end
endmodule
