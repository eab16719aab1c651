// Plays cells to the engines of one network in a simulator that knows the unknown, for tests/test_unknowns.py.
//
// Both sides pause at random; answers go to left.bin, logits in the lowest bits, behind them class and margin.
module unknown_engines;
  parameter int COUNT = 1;     // beats to send
  parameter int WANTED = 1;    // answers to wait for
  parameter int IN_BITS = 8;
  parameter int LOGITS = 8;    // bits of all
  parameter int CLASS = 2;
  parameter int MARGIN = 9;
  parameter int PAUSES = 300;  // of each side, in 1024 clocks
  parameter int CLOCKS = 1000; // after which a run is given up
  logic clk = 0, rst = 1;
  logic [IN_BITS-1:0] beats[COUNT];
  logic in_valid = 0, in_ready, out_valid, out_ready = 0;
  logic [IN_BITS-1:0] in_words = 'x;
  logic [LOGITS-1:0] out_logits;
  logic [CLASS-1:0] out_class;
  logic [MARGIN-1:0] out_margin;
  `ENGINES engines (.*);
  int sent = 0, left = 0, unknown = 0, checked = 0, file;
  task check(input logic known);
    checked = checked + 1;
    if (!known) unknown = unknown + 1;
  endtask
  initial begin
    $readmemh("beats.hex", beats);
    file = $fopen("left.bin", "w");
    repeat (4) begin
      #1 clk = 1;
      #1 clk = 0;
    end
    rst = 0;
    for (int clock = 0; clock < CLOCKS && (sent < COUNT || left < WANTED); clock = clock + 1) begin
      if (!in_valid) in_valid = sent < COUNT && $urandom % 1024 >= PAUSES;
      in_words  = in_valid ? beats[sent] : 'x;
      out_ready = $urandom % 1024 >= PAUSES;
      #1;
      check(^in_ready !== 1'bx);
      check(^out_valid !== 1'bx);
      if (out_valid) begin
        check(^{out_margin, out_class, out_logits} !== 1'bx);
        if (out_ready) begin
          $fdisplay(file, "%b", {out_margin, out_class, out_logits});
          left = left + 1;
        end
      end
      if (in_valid && in_ready) begin
        sent = sent + 1;
        clk = 1;
        #1 in_valid = 0;
      end else begin
        clk = 1;
        #1;
      end
      clk = 0;
    end
    $fclose(file);
    $display("sent %0d left %0d checked %0d unknown %0d", sent, left, checked, unknown);
  end
endmodule
