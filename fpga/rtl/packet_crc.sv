// CRC-32 of a packet, as zlib's crc32 of its bytes in order, three clocks behind its last beat.
`default_nettype none
module packet_crc #(
    parameter int WORDS = 1  // of a beat, 32 bits each
) (
    input wire logic                clk,
    input wire logic                rst,
    input wire logic                in_valid,
    input wire logic [WORDS*32-1:0] in_words,
    input wire logic                in_last,
    output     logic                out_valid,  // once a packet
    output     logic [        31:0] out_crc
);
  // At most four words a clock are joined, for the sake of wide beats at high clocks.
  localparam int GROUP = WORDS < 4 ? WORDS : 4;
  localparam int GROUPS = WORDS / GROUP;

  logic [31:0] parts[GROUPS], parts_1[GROUPS];
  logic [31:0] joined, beat_part, running, moved;
  logic valid_1, valid_2, last_1, last_2;

  for (genvar group = 0; group < GROUPS; ++group) begin : g_group
    crc_part #(.BITS(32 * GROUP), .AFTER(32 * GROUP * (GROUPS - 1 - group))) words (
        .bits(in_words[32*GROUP*group+:32*GROUP]), .part(parts[group])
    );
  end
  crc_part #(.BITS(32), .AFTER(32 * (WORDS - 1))) register (.bits(running), .part(moved));

  always_comb begin
    joined = '0;
    for (int group = 0; group < GROUPS; ++group) joined = joined ^ parts_1[group];
  end

  always_ff @(posedge clk) begin
    parts_1 <= parts;
    beat_part    <= joined;
    out_crc      <= ~(moved ^ beat_part);
    last_1       <= in_last;
    last_2       <= last_1;
    if (rst) begin
      valid_1   <= 1'b0;
      valid_2   <= 1'b0;
      out_valid <= 1'b0;
      running   <= '1;
    end else begin
      valid_1   <= in_valid;
      valid_2   <= valid_1;
      out_valid <= valid_2 && last_2;
      if (valid_2) running <= last_2 ? '1 : moved ^ beat_part;
    end
  end
endmodule
`default_nettype wire
