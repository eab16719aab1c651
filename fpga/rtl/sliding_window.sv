// Windows of a map, with zeros around it: what a convolution or a pooling sees, one place after the other.
//
// Rows are kept in banks in turn, as many as a window has and STRIDE_ROWS more, which fill meanwhile. A step reads
// STRIDE_COLUMNS columns of all banks and moves the window by as many; a window stands until it is taken. A step is
// made as soon as its last pixel is in. What a window left above is dropped a row a clock before the next row of
// windows starts.
//
// Of a window the first row is in the lowest bits, within it the first column, as pixels come.
`default_nettype none
module sliding_window #(
    parameter int ROWS = 8,            // of the map
    parameter int COLUMNS = 8,
    parameter int BITS = 8,            // of a pixel
    parameter int PIXELS = 1,          // of a beat; it divides COLUMNS, and STRIDE_COLUMNS or that divides it
    parameter int KERNEL_ROWS = 3,
    parameter int KERNEL_COLUMNS = 3,
    parameter int STRIDE_ROWS = 1,
    parameter int STRIDE_COLUMNS = 1,
    parameter int TOP = 1,             // rows of zeros above, fewer than KERNEL_ROWS; so many as needed below
    parameter int LEFT = 1,            // columns of zeros to the left, fewer than KERNEL_COLUMNS
    parameter int OUT_ROWS = 8,        // windows
    parameter int OUT_COLUMNS = 8
) (
    input wire logic                                       clk,
    input wire logic                                       rst,
    input wire logic                                       in_valid,
    output     logic                                       in_ready,
    input wire logic [                    PIXELS*BITS-1:0] in_words,
    output     logic                                       out_valid,
    input wire logic                                       out_ready,
    output     logic [KERNEL_ROWS*KERNEL_COLUMNS*BITS-1:0] out_words
);
  localparam int BANKS = KERNEL_ROWS + STRIDE_ROWS;
  localparam int LANES = PIXELS > STRIDE_COLUMNS ? PIXELS : STRIDE_COLUMNS;  // pixels side by side in a bank
  localparam int WRITE_PARTS = LANES / PIXELS;
  localparam int READ_PARTS = LANES / STRIDE_COLUMNS;
  localparam int DEPTH = (COLUMNS + LANES - 1) / LANES;
  // Steps of a row ahead of its first window; steps that a window holds behind them, for the zeros to its left.
  localparam int AHEAD = (KERNEL_COLUMNS - 1 - LEFT) / STRIDE_COLUMNS;
  localparam int BEHIND = (LEFT + STRIDE_COLUMNS - 1) / STRIDE_COLUMNS;
  localparam int HELD = AHEAD + 1 + BEHIND;
  localparam int FIRST_COLUMN = BEHIND * STRIDE_COLUMNS - LEFT;  // of the window in what is held
  localparam int STEPS = OUT_COLUMNS + AHEAD;
  localparam int STEP_BITS = STRIDE_COLUMNS * BITS;
  localparam int ROW_BITS = $clog2(ROWS + STRIDE_ROWS + KERNEL_ROWS + 1) + 1;
  localparam int BANK_BITS = $clog2(BANKS + KERNEL_ROWS + 1);
  localparam int COLUMN_BITS = $clog2(COLUMNS + LANES + (AHEAD + 2) * STRIDE_COLUMNS + OUT_COLUMNS * STRIDE_COLUMNS);
  localparam int ADDRESS_BITS = $clog2(DEPTH + 1);

  // Arrival.
  logic [BANK_BITS-1:0] write_bank, read_bank, whole_rows;  // rows that are whole and kept, from read_bank on
  logic [COLUMN_BITS-1:0] columns_in;  // of the row that comes
  logic [$clog2(WRITE_PARTS+1)-1:0] write_part;
  logic [ADDRESS_BITS-1:0] write_address;
  logic written, row_ends, drops;
  assign in_ready = 32'(whole_rows) < BANKS;
  assign written  = in_valid && in_ready;
  assign row_ends = written && 32'(columns_in) + PIXELS == COLUMNS;

  always_ff @(posedge clk) begin
    if (rst) begin
      write_bank    <= '0;
      write_part    <= '0;
      write_address <= '0;
      columns_in    <= '0;
      whole_rows    <= '0;
    end else begin
      if (row_ends) begin
        write_bank    <= 32'(write_bank) == BANKS - 1 ? '0 : write_bank + 1'b1;
        write_part    <= '0;
        write_address <= '0;
        columns_in    <= '0;
      end else if (written) begin
        columns_in <= columns_in + COLUMN_BITS'(PIXELS);
        if (32'(write_part) == WRITE_PARTS - 1) begin
          write_part    <= '0;
          write_address <= write_address + 1'b1;
        end else write_part <= write_part + 1'b1;
      end
      if (row_ends != drops) whole_rows <= row_ends ? whole_rows + 1'b1 : whole_rows - 1'b1;
    end
  end

  // The walk: rows of windows, and steps in them.
  logic signed [ROW_BITS-1:0] position, next_position;  // row of the map at which the window starts
  logic [ROW_BITS-1:0] out_row, dropping, first, next_first, end_row, needed_rows;
  logic [COLUMN_BITS-1:0] step, reach, needed_columns;  // `reach`: columns up to the step's last one
  logic [$clog2(READ_PARTS+1)-1:0] read_part;
  logic [ADDRESS_BITS-1:0] read_address;
  logic advance, here, go, row_done, last_row;
  assign next_position = position + ROW_BITS'(STRIDE_ROWS);
  assign first = position[ROW_BITS-1] ? '0 : position;
  assign next_first = next_position[ROW_BITS-1] ? '0 : next_position;
  assign end_row = $signed(position) > ROWS - KERNEL_ROWS ? ROW_BITS'(ROWS) : position + ROW_BITS'(KERNEL_ROWS);
  assign needed_rows = end_row - first;
  assign needed_columns = 32'(reach) > COLUMNS ? COLUMN_BITS'(COLUMNS) : reach;
  assign here = dropping == 0 && (32'(whole_rows) >= 32'(needed_rows) ||
      (32'(whole_rows) + 1 == 32'(needed_rows) && columns_in >= needed_columns));
  assign go = here && advance;
  assign row_done = go && 32'(step) == STEPS - 1;
  assign last_row = 32'(out_row) == OUT_ROWS - 1;
  assign drops = dropping != 0 && whole_rows != 0;

  always_ff @(posedge clk) begin
    if (rst) begin
      position  <= ROW_BITS'(-TOP);
      out_row   <= '0;
      dropping  <= '0;
      read_bank <= '0;
    end else if (row_done) begin
      position <= last_row ? ROW_BITS'(-TOP) : next_position;
      out_row  <= last_row ? '0 : out_row + 1'b1;
      dropping <= last_row ? ROW_BITS'(ROWS) - first : next_first - first;
    end else if (drops) begin
      dropping  <= dropping - 1'b1;
      read_bank <= 32'(read_bank) == BANKS - 1 ? '0 : read_bank + 1'b1;
    end
    if (rst || row_done) begin
      step         <= '0;
      reach        <= COLUMN_BITS'(STRIDE_COLUMNS);
      read_part    <= '0;
      read_address <= '0;
    end else if (go) begin
      step  <= step + 1'b1;
      reach <= reach + COLUMN_BITS'(STRIDE_COLUMNS);
      if (32'(read_part) == READ_PARTS - 1) begin
        read_part    <= '0;
        read_address <= read_address + 1'b1;
      end else read_part <= read_part + 1'b1;
    end
  end

  // A step's columns, a clock later; zeros where the map ends.
  logic [BANKS*LANES*BITS-1:0] fetched;
  logic fetched_valid, fetched_first, fetched_whole;
  logic [$clog2(READ_PARTS+1)-1:0] fetched_part;
  logic [STRIDE_COLUMNS-1:0] column_inside;
  logic [KERNEL_ROWS-1:0] row_inside;
  logic [KERNEL_ROWS*BANK_BITS-1:0] banks;
  logic [KERNEL_ROWS*STEP_BITS-1:0] columns;
  assign advance = !out_valid || out_ready;

  generate
    for (genvar bank = 0; bank < BANKS; ++bank) begin : g_bank
      row_memory #(.PARTS(WRITE_PARTS), .BITS(PIXELS * BITS), .DEPTH(DEPTH)) row (
          .clk, .write(written && 32'(write_bank) == bank), .write_part, .write_address, .write_word(in_words),
          .read(advance), .read_address, .read_word(fetched[bank*LANES*BITS+:LANES*BITS])
      );
    end
    for (genvar i = 0; i < STRIDE_COLUMNS; ++i) begin : g_column
      always_ff @(posedge clk) if (advance) column_inside[i] <= 32'(reach) + i < COLUMNS + STRIDE_COLUMNS;
    end
    for (genvar r = 0; r < KERNEL_ROWS; ++r) begin : g_row
      logic signed [ROW_BITS:0] row;  // of the map
      logic [BANK_BITS-1:0] bank;
      assign row  = (ROW_BITS + 1)'(position) + (ROW_BITS + 1)'(r);
      assign bank = read_bank + BANK_BITS'(row) - BANK_BITS'(first);
      always_ff @(posedge clk) begin
        if (advance) begin
          row_inside[r] <= !row[ROW_BITS] && row < ROWS;
          banks[r*BANK_BITS+:BANK_BITS] <= 32'(bank) >= BANKS ? bank - BANK_BITS'(BANKS) : bank;
        end
      end
      logic [LANES*BITS-1:0] of_bank;
      logic [STEP_BITS-1:0] of_step;
      always_comb begin
        of_bank = '0;
        for (int b = 0; b < BANKS; ++b)
          if (32'(banks[r*BANK_BITS+:BANK_BITS]) == b) of_bank = fetched[b*LANES*BITS+:LANES*BITS];
        of_step = '0;
        for (int part = 0; part < READ_PARTS; ++part)
          if (32'(fetched_part) == part) of_step = of_bank[part*STEP_BITS+:STEP_BITS];
      end
      for (genvar i = 0; i < STRIDE_COLUMNS; ++i) begin : g_pixel
        assign columns[r*STEP_BITS+i*BITS+:BITS] = row_inside[r] && column_inside[i] ? of_step[i*BITS+:BITS] : '0;
      end
    end
  endgenerate

  // The window.
  logic [KERNEL_ROWS*HELD*STEP_BITS-1:0] held;
  generate
    for (genvar r = 0; r < KERNEL_ROWS; ++r) begin : g_held
      localparam int START = r * HELD * STEP_BITS;
      if (HELD > 1) begin : g_more
        always_ff @(posedge clk) begin
          if (advance && fetched_valid)
            held[START+:(HELD-1)*STEP_BITS] <= fetched_first ? '0 : held[START+STEP_BITS+:(HELD-1)*STEP_BITS];
        end
      end
      always_ff @(posedge clk) begin
        if (advance && fetched_valid)
          held[START+(HELD-1)*STEP_BITS+:STEP_BITS] <= columns[r*STEP_BITS+:STEP_BITS];
      end
      assign out_words[r*KERNEL_COLUMNS*BITS+:KERNEL_COLUMNS*BITS] = held[START+FIRST_COLUMN*BITS+:KERNEL_COLUMNS*BITS];
    end
  endgenerate

  always_ff @(posedge clk) begin
    if (rst) begin
      fetched_valid <= 1'b0;
      out_valid     <= 1'b0;
    end else if (advance) begin
      fetched_valid <= here;
      out_valid     <= fetched_valid && fetched_whole;
    end
    if (advance) begin
      fetched_first <= step == 0;
      fetched_whole <= 32'(step) >= AHEAD;
      fetched_part  <= read_part;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      rows_have_room : assert (32'(whole_rows) <= BANKS);
    end
`endif

  stream_rules #(.BITS(KERNEL_ROWS * KERNEL_COLUMNS * BITS)) out_rules (
      .clk, .rst, .valid(out_valid), .ready(out_ready), .words(out_words)
  );
endmodule
`default_nettype wire
