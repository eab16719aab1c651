// Plays clocks to the units in a simulator that knows the unknown, for tests/test_unknowns.py: in.hex in, out.bin out.
module unknown_bus;
  parameter int CLOCKS = 1;
  logic clk = 0;
  logic [255:0] in = 'x;
  logic [511:0] out;
  logic [255:0] played[CLOCKS];
  int file;
  units units (.clk, .in, .out);
  initial begin
    $readmemh("in.hex", played);
    file = $fopen("out.bin", "w");
    for (int clock = 0; clock < CLOCKS; clock = clock + 1) begin
      in = played[clock];
      #1 $fdisplay(file, "%b", out);
      clk = 1;
      #1 clk = 0;
    end
    $fclose(file);
  end
endmodule
