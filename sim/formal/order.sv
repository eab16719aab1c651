// A word that is marked when it enters a queue, whichever it is, leaves behind those that were ahead of it and as it
// came. Keeps count of what is inside; a harness assumes what its queue asks for.
module order #(
    parameter int BITS = 3,
    parameter int MOST = 4  // words inside
) (
    input logic clk,
    input logic rst,
    input logic enters,
    input logic [BITS-1:0] in_word,
    input logic leaves,
    input logic mark,
    output logic [$clog2(MOST+1)-1:0] held,
    output logic waits,                      // the marked word is inside,
    output logic [$clog2(MOST+1)-1:0] ahead, // behind so many
    output logic [BITS-1:0] marked
);
  always_ff @(posedge clk) begin
    if (rst) begin
      waits <= 1'b0;
      held  <= '0;
    end else begin
      if (enters != leaves) held <= enters ? held + 1'b1 : held - 1'b1;
      if (mark && enters && !waits) begin
        waits  <= 1'b1;
        marked <= in_word;
        ahead  <= leaves ? held - 1'b1 : held;
      end else if (waits && leaves) begin
        ahead <= ahead - 1'b1;
        waits <= ahead != 0;
      end
    end
    if (!rst && waits) the_count_is_behind_the_mark: assert (ahead < held);
  end
endmodule
