// The four bright-field codes of every pixel wait here for their phase: a ring of beats, written and read in raster
// order.
//
// Whoever lets frames in counts the groups that have room. Binned sums become codes by convergent rounding, limited; a
// word comes READ_LATENCY clocks after it was asked for.
module bright_field #(
    parameter int LANES = 1,     // pixels a beat
    parameter int DEPTH = 32768, // beats
    parameter int IN_BITS = contract_pkg::BINNED_BITS,
    parameter int SHIFT = contract_pkg::PIXEL_SHIFT,
    parameter int CODE_BITS = contract_pkg::PIXEL_BITS,
    parameter int READ_LATENCY = 4  // at least 3
) (
    input  logic                         clk,
    input  logic                         rst,
    input  logic                         in_valid,
    input  logic [  LANES*4*IN_BITS-1:0] in_pixels,
    input  logic                         read,
    output logic [LANES*4*CODE_BITS-1:0] out_codes
);
  localparam int ADDRESS_BITS = $clog2(DEPTH);

  logic write;
  logic [LANES*4*CODE_BITS-1:0] codes, read_codes;
  pipeline_valid #(.CLOCKS(2)) write_pipeline (.clk, .rst, .in_valid, .out_valid(write));
  generate
    for (genvar sample = 0; sample < 4 * LANES; ++sample) begin : g_sample
      logic signed [CODE_BITS:0] code;
      shift_round #(.IN_BITS(IN_BITS + 1), .OUT_BITS(CODE_BITS + 1), .FIXED(SHIFT)) quantize (
          .clk, .value($signed({1'b0, in_pixels[sample*IN_BITS+:IN_BITS]})), .shift('0), .rounded(code)
      );
      assign codes[sample*CODE_BITS+:CODE_BITS] = code[CODE_BITS-1:0];
    end
  endgenerate

  logic [ADDRESS_BITS-1:0] write_address, read_address;
  always_ff @(posedge clk) begin
    if (rst) begin
      write_address <= '0;
      read_address  <= '0;
    end else begin
      if (write) write_address <= write_address == ADDRESS_BITS'(DEPTH - 1) ? '0 : write_address + 1'b1;
      if (read) read_address <= read_address == ADDRESS_BITS'(DEPTH - 1) ? '0 : read_address + 1'b1;
    end
  end
  ram #(.BITS(LANES * 4 * CODE_BITS), .DEPTH(DEPTH)) ring (
      .clk, .write, .write_address, .write_word(codes), .read_address, .read_word(read_codes)
  );
  delay #(.BITS(LANES * 4 * CODE_BITS), .CLOCKS(READ_LATENCY - 2)) beside_phase (
      .clk, .in_word(read_codes), .out_word(out_codes)
  );
endmodule
