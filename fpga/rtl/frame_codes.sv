// The bright-field codes of every pixel wait here for their phase: a frame is read from its last row to its first while
// the next one comes.
//
// There is room for two frames, whose rows whoever lets them in counts. A row takes the place of that which was read first
// of the frame two before: frames lie from top to bottom and from bottom to top, two each in turn. Binned sums become codes by convergent rounding, limited; a word
// comes four clocks after it was asked for.
module frame_codes #(
    parameter int SAMPLES = 1,                // samples per clock
    parameter int SIZE = contract_pkg::SIZE,  // N, rows and pixels of a row
    parameter int CHANNELS = contract_pkg::FRAME_CHANNELS,
    parameter int IN_BITS = contract_pkg::BINNED_BITS,
    parameter int SHIFT = contract_pkg::PIXEL_SHIFT,
    parameter int CODE_BITS = contract_pkg::PIXEL_BITS
) (
    input  logic                                  clk,
    input  logic                                  rst,
    input  logic                                  in_valid,
    input  logic [  SAMPLES*CHANNELS*IN_BITS-1:0] in_pixels,
    input  logic                                  read,
    output logic [SAMPLES*CHANNELS*CODE_BITS-1:0] out_codes
);
  localparam int WORD = SAMPLES * CHANNELS * CODE_BITS;
  localparam int BEAT_BITS = $clog2(SIZE / SAMPLES);
  localparam int ROW_BITS = $clog2(SIZE);
  localparam int PLACE_BITS = 2 + ROW_BITS + BEAT_BITS;  // frame, row, beat

  function automatic logic [PLACE_BITS-2:0] address(input logic [PLACE_BITS-1:0] place, input logic upward);
    address = place[PLACE_BITS-2:0] ^ {1'b0, {ROW_BITS{place[PLACE_BITS-1] != upward}}, {BEAT_BITS{1'b0}}};
  endfunction

  logic [PLACE_BITS-1:0] in_place, out_place;
  logic [PLACE_BITS-2:0] out_address;
  logic write;
  logic [WORD-1:0] codes, read_codes;
  generate
    for (genvar sample = 0; sample < CHANNELS * SAMPLES; ++sample) begin : g_sample
      logic signed [CODE_BITS:0] code;
      shift_round #(.IN_BITS(IN_BITS + 1), .OUT_BITS(CODE_BITS + 1), .FIXED(SHIFT)) quantize (
          .clk, .value($signed({1'b0, in_pixels[sample*IN_BITS+:IN_BITS]})), .shift('0), .rounded(code)
      );
      assign codes[sample*CODE_BITS+:CODE_BITS] = code[CODE_BITS-1:0];
    end
  endgenerate
  pipeline_valid #(.CLOCKS(2)) write_pipeline (.clk, .rst, .in_valid, .out_valid(write));
  always_ff @(posedge clk) begin
    if (rst) begin
      in_place  <= '0;
      out_place <= '0;
    end else begin
      if (write) in_place <= in_place + 1'b1;
      if (read) out_place <= out_place + 1'b1;
    end
    out_address <= address(out_place, 1'b1);
  end
  ram #(.BITS(WORD), .DEPTH(1 << (PLACE_BITS - 1))) frames (
      .clk, .write, .write_address(address(in_place, 1'b0)), .write_word(codes), .read_address(out_address), .read_word(read_codes)
  );
  delay #(.BITS(WORD), .CLOCKS(1)) beside_phase (.clk, .in_word(read_codes), .out_word(out_codes));
endmodule
