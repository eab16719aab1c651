// Sum of all 32-bit words of a packet, modulo 2^32, three clocks behind its last beat.
module word_sum #(
    parameter int WORDS = 1  // of a beat, up to 32
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                in_valid,
    input  logic [WORDS*32-1:0] in_words,
    input  logic                in_last,
    output logic                out_valid,  // once a packet
    output logic [        31:0] out_sum
);
  localparam int GROUPS = (WORDS + 3) / 4;

  // At most four summands a clock, for the sake of wide beats at high clocks.
  logic [31:0] group_sums[GROUPS], summed_groups[GROUPS];
  logic [31:0] summed_beat, beat_sum, running;
  logic valid_1, valid_2, last_1, last_2;

  always_comb begin
    summed_beat = '0;
    for (int group = 0; group < GROUPS; ++group) begin
      summed_beat = summed_beat + group_sums[group];
      summed_groups[group] = '0;
      for (int word = 4 * group; word < 4 * group + 4 && word < WORDS; ++word) begin
        summed_groups[group] = summed_groups[group] + in_words[32*word+:32];
      end
    end
  end

  always_ff @(posedge clk) begin
    group_sums <= summed_groups;
    beat_sum   <= summed_beat;
    out_sum    <= running + beat_sum;
    last_1     <= in_last;
    last_2     <= last_1;
    if (rst) begin
      valid_1   <= 1'b0;
      valid_2   <= 1'b0;
      out_valid <= 1'b0;
      running   <= '0;
    end else begin
      valid_1   <= in_valid;
      valid_2   <= valid_1;
      out_valid <= valid_2 && last_2;
      if (valid_2) running <= last_2 ? '0 : running + beat_sum;
    end
  end
endmodule
