// What BITS bits add to the CRC-32 of a message in which AFTER more bits follow them (IEEE 802.3 3.2.9; bit 0 comes
// first, as in zlib's crc32). The CRC is linear: its register adds what the same bits would at the next place.
`default_nettype none
module crc_part #(
    parameter int BITS = 32,
    parameter int AFTER = 0
) (
    input wire logic [BITS-1:0] bits,
    output     logic [    31:0] part
);
  localparam logic [31:0] POLYNOMIAL = 32'hedb88320;  // reflected

  // Row r has a one wherever a bit of the message changes bit r of the CRC.
  function automatic logic [32*BITS-1:0] rows_of_matrix(input logic unused);
    logic [31:0] column;
    column = POLYNOMIAL;
    for (int place = AFTER + BITS - 1; place >= 0; --place) begin
      if (place < BITS) for (int row = 0; row < 32; ++row) rows_of_matrix[row*BITS+place] = column[row];
      column = {1'b0, column[31:1]} ^ (column[0] ? POLYNOMIAL : 32'd0);
    end
  endfunction
  localparam logic [32*BITS-1:0] ROWS = rows_of_matrix(1'b0);

  for (genvar row = 0; row < 32; ++row) begin : g_row
    assign part[row] = ^(bits & ROWS[row*BITS+:BITS]);
  end
endmodule
`default_nettype wire
