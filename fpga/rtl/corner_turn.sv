// SAMPLES rows turned from SAMPLES pixels of one row a beat into one pixel of every row a beat, or back.
//
// Element (r, c) of a group of SAMPLES rows lies in bank (r + c) mod SAMPLES, so that a beat, which has SAMPLES columns of
// one row, and a line's word, which has one column of SAMPLES rows, both find every bank once. Words are read when asked
// for and come four clocks later.
`default_nettype none
module corner_turn #(
    parameter int SAMPLES = 1,
    parameter int SIZE = contract_pkg::SIZE,  // N, columns
    parameter int BITS = 36,                  // of an element
    parameter int SLOTS = 2,                  // groups that have room, a power of two
    parameter bit TO_LINES = 1                // 0: lines in, beats out
) (
    input wire logic                  clk,
    input wire logic                  rst,
    input wire logic                  in_valid,
    input wire logic [SAMPLES*BITS-1:0] in_word,
    output     logic [$clog2(SLOTS+1)-1:0] groups,  // whole groups inside, one that is being read included
    input wire logic                  read,         // only while there is a group
    output     logic                  group_left,   // with a group's last read
    output     logic                  out_valid,
    output     logic [SAMPLES*BITS-1:0] out_word
);
  localparam int PLACE_BITS = $clog2(SIZE);
  localparam int SLOT_BITS = $clog2(SLOTS);
  localparam int WORDS = SIZE / SAMPLES;  // of a row in a bank

  logic [PLACE_BITS-1:0] in_place, out_place;
  logic [SLOT_BITS-1:0] in_slot, out_slot;
  logic complete;
  assign group_left = read && &out_place;
  always_ff @(posedge clk) begin
    if (rst) begin
      in_place  <= '0;
      in_slot   <= '0;
      out_place <= '0;
      out_slot  <= '0;
      groups    <= '0;
    end else begin
      if (in_valid) in_place <= in_place + 1'b1;
      if (in_valid && &in_place) in_slot <= in_slot + 1'b1;
      if (read) out_place <= out_place + 1'b1;
      if (group_left) out_slot <= out_slot + 1'b1;
      if (complete != group_left) groups <= complete ? groups + 1'b1 : groups - 1'b1;
    end
  end
  // The last word is in its memory two clocks after it came.
  pipeline_valid #(.CLOCKS(2)) complete_pipeline (.clk, .rst, .in_valid(in_valid && &in_place), .out_valid(complete));
  pipeline_valid #(.CLOCKS(4)) valid_pipeline (.clk, .rst, .in_valid(read), .out_valid);

  // By how far lanes are turned against banks, and where in bank `bank` this clock's element is.
  function automatic [31:0] turned(input [31:0] place, input beat);
    turned = beat ? place / WORDS : place % SAMPLES;
  endfunction
  function automatic [31:0] address(input [31:0] place, input [31:0] bank, input beat);
    address = beat ? place : ((bank + SAMPLES - place % SAMPLES) % SAMPLES) * WORDS + place / SAMPLES;
  endfunction

  logic write;
  logic [SAMPLES*BITS-1:0] write_words, read_words, straight;
  logic [SLOT_BITS-1:0] write_slot, read_slot;
  logic [PLACE_BITS-1:0] write_place, read_place, word_place;
  always_ff @(posedge clk) begin
    write       <= !rst && in_valid;
    write_slot  <= in_slot;
    write_place <= in_place;
    read_slot   <= out_slot;
    read_place  <= out_place;
    for (int bank = 0; bank < SAMPLES; ++bank)
      write_words[bank*BITS+:BITS] <=
          in_word[((bank+SAMPLES-turned(32'(in_place), TO_LINES))%SAMPLES)*BITS+:BITS];
  end
  delay #(.BITS(PLACE_BITS), .CLOCKS(2)) beside_memory (.clk, .in_word(read_place), .out_word(word_place));
  always_ff @(posedge clk)
    for (int lane = 0; lane < SAMPLES; ++lane)
      straight[lane*BITS+:BITS] <= read_words[((lane+turned(32'(word_place), !TO_LINES))%SAMPLES)*BITS+:BITS];
  assign out_word = straight;

  generate
    for (genvar bank = 0; bank < SAMPLES; ++bank) begin : g_bank
      logic [PLACE_BITS-1:0] write_address, read_address;
      assign write_address = PLACE_BITS'(address(32'(write_place), bank, TO_LINES));
      assign read_address  = PLACE_BITS'(address(32'(read_place), bank, !TO_LINES));
      ram #(.BITS(BITS), .DEPTH(SLOTS * SIZE)) memory (
          .clk,
          .write,
          .write_address({write_slot, write_address}),
          .write_word(write_words[bank*BITS+:BITS]),
          .read_address({read_slot, read_address}),
          .read_word(read_words[bank*BITS+:BITS])
      );
    end
  endgenerate

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      a_group_waits : assert (!read || groups != 0);
      groups_have_room : assert (32'(groups) <= SLOTS);
    end
`endif
endmodule
`default_nettype wire
