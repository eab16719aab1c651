// row_memory: what was written to a part is read from it, and stays while nothing is read.
module row_memory_proof #(
    parameter int PARTS = 2,
    parameter int BITS = 2,
    parameter int DEPTH = 3
) (
    input logic clk,
    input logic write,
    input logic [$clog2(PARTS+1)-1:0] write_part,
    input logic [$clog2(DEPTH+1)-1:0] write_address,
    input logic [BITS-1:0] write_word,
    input logic read,
    input logic [$clog2(DEPTH+1)-1:0] read_address
);
  logic [PARTS*BITS-1:0] read_word, wanted;
  row_memory #(.PARTS(PARTS), .BITS(BITS), .DEPTH(DEPTH)) dut (.*);
  logic [PARTS*DEPTH-1:0] known = '0;
  logic [PARTS*DEPTH*BITS-1:0] kept;
  logic [PARTS-1:0] due = '0;
  always_ff @(posedge clk) begin
    assume (32'(write_address) < DEPTH && 32'(read_address) < DEPTH && 32'(write_part) < PARTS);
    for (int part = 0; part < PARTS; ++part) begin
      if (write && 32'(write_part) == part) begin
        known[part*DEPTH+32'(write_address)] <= 1'b1;
        kept[(part*DEPTH+32'(write_address))*BITS+:BITS] <= write_word;
      end
      if (read) begin
        due[part] <= known[part*DEPTH+32'(read_address)];
        wanted[part*BITS+:BITS] <= kept[(part*DEPTH+32'(read_address))*BITS+:BITS];
      end
    end
  end

  // What lies inside, for induction.
  (* hierconn *) logic [BITS-1:0] \dut.g_part[0].words[0] , \dut.g_part[0].words[1] , \dut.g_part[0].words[2] ,
      \dut.g_part[1].words[0] , \dut.g_part[1].words[1] , \dut.g_part[1].words[2] ;
  logic [6*BITS-1:0] inside;
  assign inside = {
    \dut.g_part[1].words[2] , \dut.g_part[1].words[1] , \dut.g_part[1].words[0] , \dut.g_part[0].words[2] ,
    \dut.g_part[0].words[1] , \dut.g_part[0].words[0]
  };
  logic [PARTS-1:0] read_right;
  logic [PARTS*DEPTH-1:0] kept_right;
  always_comb begin
    for (int part = 0; part < PARTS; ++part)
      read_right[part] = !due[part] || read_word[part*BITS+:BITS] == wanted[part*BITS+:BITS];
    for (int i = 0; i < PARTS * DEPTH; ++i) kept_right[i] = !known[i] || inside[i*BITS+:BITS] == kept[i*BITS+:BITS];
  end
  always_ff @(posedge clk) begin
    it_is_read: assert (&read_right);
    it_is_kept: assert (&kept_right);
  end
endmodule
