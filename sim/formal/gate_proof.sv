// gate: exactly one flag, by the law; an event that triggers tells a clock that is not past and lies behind every pulse
// that waits, and how many clocks that is from its last beat.
module gate_proof #(
    parameter int CLASS_BITS = 2,
    parameter int MARGIN_BITS = 5,
    parameter int DELAY_BITS = 6
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [CLASS_BITS-1:0] in_class,
    input logic [MARGIN_BITS-1:0] in_margin,
    input logic [3:0] in_flaws,
    input logic [3:0] in_remark,
    input logic [31:0] in_first,
    input logic [31:0] in_last,
    input logic wanted,
    input logic [31:0] least_margin,
    input logic [DELAY_BITS-1:0] delay,
    input logic crowded,
    input logic waits,
    input logic [31:0] latest
);
  localparam int FLAGS = contract_pkg::EVENT_FLAGS;
  localparam int FURTHEST = 1 << 25;
  logic event_valid, started = 1'b0;
  logic [FLAGS-1:0] event_flags;
  logic [3:0] event_remark, remark_in, remark;
  logic [CLASS_BITS-1:0] event_class;
  logic [MARGIN_BITS-1:0] event_margin;
  logic [31:0] now, event_first, event_last, event_clock, event_pulse;
  logic [DELAY_BITS-1:0] event_cycles;
  gate #(.CLASS_BITS(CLASS_BITS), .MARGIN_BITS(MARGIN_BITS), .DELAY_BITS(DELAY_BITS)) dut (.*);

  // Two clocks ago, and one ago.
  logic came, judged, wants, crowds, waited;
  logic [3:0] flaws_in, flaws;
  logic [CLASS_BITS-1:0] class_in, class_index;
  logic [MARGIN_BITS-1:0] margin_in, margin;
  logic [31:0] first_in, first, last_in, last, least, after;
  logic [DELAY_BITS-1:0] delayed;
  logic enough, asked;
  always_ff @(posedge clk) begin
    {came, wants, flaws_in, remark_in, class_in, margin_in, first_in, last_in, least} <=
        {!rst && in_valid, wanted, in_flaws, in_remark, in_class, in_margin, in_first, in_last, least_margin};
    {judged, asked, enough, flaws, remark, class_index, margin, first, last} <=
        {!rst && came, wants, 32'(margin_in) >= least, flaws_in, remark_in, class_in, margin_in, first_in, last_in};
    {delayed, crowds, waited, after} <= {delay, crowded, waits, latest};
  end

  logic triggers, late;
  logic [31:0] pulse;
  assign triggers = event_valid && event_flags[FLAGS-1];
  assign pulse = delayed == 0 ? now + 2 : last + 32'(delayed);  // of the law; `now` is the event's clock
  assign late  = $signed(pulse - now) < 2 || (waited && $signed(pulse - after) <= 0);
  always_ff @(posedge clk) begin
    started <= 1'b1;
    now     <= now + 1;
    if (!started) assume (rst);
    // A packet has one flaw at most, has passed and not for ever, and what waits is to come.
    assume ((in_flaws & (in_flaws - 1)) == 0 && now - in_last < FURTHEST);
    assume (!waits || latest - now < FURTHEST);
    if (started && !rst) begin
      each_decision_has_an_event: assert (event_valid == judged);
      if (event_valid) begin
        it_is_the_cell_s:
        assert ({event_remark, event_class, event_margin, event_first, event_last, event_clock} ==
                {remark, class_index, margin, first, last, now});
        one_flag: assert (event_flags != 0 && (event_flags & (event_flags - 1)) == 0);
        it_is_the_law_s:
        assert (event_flags == (flaws != 0 ? FLAGS'(flaws) : !asked ? FLAGS'(16) : !enough ? FLAGS'(32) :
                                late ? FLAGS'(64) : crowds ? FLAGS'(128) : FLAGS'(256)));
        it_tells_its_pulse: assert (event_pulse == pulse);
        it_tells_its_clocks:
        assert (event_cycles == pulse - last || (&event_cycles && pulse - last > 32'(event_cycles)));
      end
      if (triggers) begin
        it_is_to_come: assert ($signed(event_pulse - now) >= 2);
        it_overtakes_none: assert (!waited || $signed(event_pulse - after) > 0);
        there_is_room: assert (!crowds);
      end
    end
  end
endmodule
