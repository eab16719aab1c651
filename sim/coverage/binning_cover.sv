// Sums of one, two and four rows and columns, at windows that beats begin with and that they do not.
`default_nettype none
module binning_cover #(
    parameter int SAMPLES = 1,
    parameter int BINNING = 1,
    parameter int SHIFT = 0,
    parameter bit ONE_MORE = 0
) (
    input wire logic clk,
    input wire logic rst,
    input wire logic out_valid
);
  for (genvar samples = 1; samples <= 8; samples *= 2) if (SAMPLES == samples) begin : at_samples
    for (genvar binning = 1; binning <= 4; binning *= 2) if (BINNING == binning) begin : at_binning
      sums : cover property (@(posedge clk) !rst && out_valid);
    end
  end
  if (SHIFT == 0) begin : g_aligned
    window_that_a_beat_begins_with : cover property (@(posedge clk) !rst && out_valid);
  end else begin : g_moved
    window_that_no_beat_begins_with : cover property (@(posedge clk) !rst && out_valid);
  end
  if (ONE_MORE) begin : g_one_more
    window_that_ends_within_the_last_beat : cover property (@(posedge clk) !rst && out_valid);
  end
endmodule
bind binning binning_cover #(.SAMPLES(SAMPLES), .BINNING(BINNING), .SHIFT(SHIFT), .ONE_MORE(ONE_MORE)) points (.*);
`default_nettype wire
