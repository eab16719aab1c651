// corner_turn: a group of rows comes out as its columns, and columns as rows, four clocks behind each read.
module corner_turn_proof #(
    parameter bit TO_LINES = 1
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    input logic [3:0] in_word,  // two elements of 2 bits
    input logic read
);
  // Two rows of four columns; as beats, two columns of a row; as lines, a column of both rows.
  localparam int SAMPLES = 2, SIZE = 4, BITS = 2, GROUP = SAMPLES * SIZE * BITS;
  logic [1:0] groups;
  logic group_left, out_valid, started = 1'b0;
  logic [3:0] out_word, wanted;
  corner_turn #(.SAMPLES(SAMPLES), .SIZE(SIZE), .BITS(BITS), .SLOTS(2), .TO_LINES(TO_LINES)) dut (.*);

  // The law: element (row, column) of each group, at (4 row + column) BITS.
  logic [GROUP-1:0] comes, even, odd, leaves;
  logic [1:0] in_place, out_place;
  logic in_odd, out_odd;
  logic [2:0] inside;  // groups, one that is coming included
  logic [3:0] due;
  logic [15:0] line;
  // Whether an element is in this lane of this word, of lines or of beats.
  function automatic logic here(
      input logic [31:0] word, input int lane, input int row, input int column, input logic of_line
  );
    here = of_line ? word == column && lane == row : word == row * 2 + column / 2 && lane == column % 2;
  endfunction
  always_comb begin
    comes = in_odd ? odd : even;
    for (int lane = 0; lane < SAMPLES; ++lane)
      for (int row = 0; row < SAMPLES; ++row)
        for (int column = 0; column < SIZE; ++column)
          if (here(32'(in_place), lane, row, column, !TO_LINES))
            comes[(SIZE*row+column)*BITS+:BITS] = in_word[lane*BITS+:BITS];
    leaves = out_odd ? odd : even;
    wanted = '0;
    for (int lane = 0; lane < SAMPLES; ++lane)
      for (int row = 0; row < SAMPLES; ++row)
        for (int column = 0; column < SIZE; ++column)
          if (here(32'(out_place), lane, row, column, TO_LINES))
            wanted[lane*BITS+:BITS] = leaves[(SIZE*row+column)*BITS+:BITS];
  end
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    if (started) assume (!rst);
    assume (!read || groups != 0);
    assume (!in_valid || inside < 2 || in_place != 0);
    if (rst) {in_place, out_place, in_odd, out_odd, inside, due} <= '0;
    else begin
      if (in_valid) in_place <= in_place + 1'b1;
      if (in_valid && in_place == 3) in_odd <= !in_odd;
      if (read) out_place <= out_place + 1'b1;
      if (read && out_place == 3) out_odd <= !out_odd;
      inside <= inside + 3'(in_valid && in_place == 0) - 3'(read && out_place == 3);
      due <= {due[2:0], read};
    end
    if (in_valid && in_odd) odd <= comes;
    if (in_valid && !in_odd) even <= comes;
    line <= {line[11:0], wanted};
    if (started) begin
      groups_fit: assert (groups <= inside && group_left == (read && out_place == 3));
      words_come_four_clocks_later: assert (out_valid == due[3]);
      if (due[3]) turned: assert (out_word == line[15:12]);
    end
  end
endmodule
