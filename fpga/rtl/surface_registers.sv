// The surface of empty fields, as it is written and read: whether frames are flattened by it, its coefficients, and which
// half told the latest frame.
//
// What is written while frames are inside may be used in part. A soft reset changes nothing here.
`default_nettype none
module surface_registers #(
    parameter int BITS = contract_pkg::COEFFICIENT_BITS
) (
    input wire logic               clk,
    input wire logic               rst,
    output     logic               is_known,
    output     logic [12*BITS-1:0] surface,    // per axis: 1, s, t, s^2, t^2, s t
    input wire logic [        1:0] half,
    // Registers.
    input wire logic               write,
    input wire logic [        7:0] write_address,
    input wire logic [       31:0] write_data,
    input wire logic [        7:0] read_address,
    output     logic [       31:0] read_data
);
  always_ff @(posedge clk) begin
    if (rst) begin
      surface  <= '0;
      is_known <= 1'b0;
    end else if (write) begin
      for (int i = 0; i < 12; ++i)
        if (write_address == 8'(contract_pkg::BACKGROUND_SURFACE_OFFSET + 4 * i)) surface[i*BITS+:BITS] <= write_data[BITS-1:0];
      if (write_address == 8'(contract_pkg::BACKGROUND_CONTROL_OFFSET)) is_known <= (write_data & contract_pkg::BACKGROUND_KNOWN) != 0;
    end
  end
  always_comb begin
    read_data = '0;
    for (int i = 0; i < 12; ++i)
      if (read_address == 8'(contract_pkg::BACKGROUND_SURFACE_OFFSET + 4 * i))
        read_data = 32'($signed(surface[i*BITS+:BITS]));
    if (read_address == 8'(contract_pkg::BACKGROUND_CONTROL_OFFSET)) read_data = is_known ? contract_pkg::BACKGROUND_KNOWN : '0;
    if (read_address == 8'(contract_pkg::BACKGROUND_HALF_OFFSET)) read_data = 32'(half);
  end
endmodule
`default_nettype wire
