// The phase's zero: the mean over the first rows of what the last pass will make of their words kx = 0.
//
// Column 0 is overheard on its way into the transpose, in lane 0 of a frame's first line group; once the frame's
// exponent is known, its first ROWS words are aligned to it, added and divided, convergently both times.
`default_nettype none
module phase_offset #(
    parameter int BITS = contract_pkg::WORD_BITS,
    parameter int EXPONENT_BITS = 6,
    parameter int ROWS_LOG2 = contract_pkg::OFFSET_ROWS_LOG2
) (
    input wire logic                            clk,
    input wire logic                            rst,
    // Lane 0 of lines on their way in; `in_first` with a frame's first word alone.
    input wire logic                            in_valid,
    input wire logic                            in_first,
    input wire logic signed [         BITS-1:0] in_im,
    input wire logic        [EXPONENT_BITS-1:0] in_exponent,
    // The frame is whole; its exponent stands a clock later.
    input wire logic                            frame_whole,
    input wire logic        [EXPONENT_BITS-1:0] exponent,
    output     logic                            ready,        // the offset of the frame to be read stands
    output     logic signed [         BITS-1:0] offset
);
  localparam int ROWS = 1 << ROWS_LOG2;

  logic [ROWS*BITS-1:0] kept;  // the oldest lowest
  logic [EXPONENT_BITS-1:0] own_exponent;
  logic [ROWS_LOG2:0] heard;
  logic issuing, whole_before, aligned_valid;
  logic [ROWS_LOG2-1:0] issued;
  always_ff @(posedge clk) begin
    if (in_first) own_exponent <= in_exponent;
    if (rst) heard <= (ROWS_LOG2 + 1)'(ROWS);
    else if (in_valid && in_first) heard <= 1;
    else if (in_valid && heard != ROWS) heard <= heard + 1'b1;
    if (in_valid && (in_first || heard != ROWS) || issuing)
      kept <= {issuing ? {BITS{1'b0}} : in_im, kept[ROWS*BITS-1:BITS]};
    whole_before <= !rst && frame_whole;
    if (rst) issuing <= 1'b0;
    else if (whole_before) issuing <= 1'b1;
    else if (&issued) issuing <= 1'b0;
    issued <= issuing ? issued + 1'b1 : '0;
  end

  logic signed [BITS-1:0] aligned;
  logic signed [BITS+ROWS_LOG2-1:0] sum;
  shift_round #(.IN_BITS(BITS), .OUT_BITS(BITS), .SHIFT_BITS(EXPONENT_BITS)) align (
      .clk, .value($signed(kept[BITS-1:0])), .shift(EXPONENT_BITS'(exponent - own_exponent)), .rounded(aligned)
  );
  pipeline_valid #(.CLOCKS(4)) aligned_pipeline (.clk, .rst, .in_valid(issuing), .out_valid(aligned_valid));
  always_ff @(posedge clk) begin
    if (frame_whole) sum <= '0;
    else if (aligned_valid) sum <= sum + (BITS + ROWS_LOG2)'(aligned);
  end
  shift_round #(.IN_BITS(BITS + ROWS_LOG2), .OUT_BITS(BITS), .FIXED(ROWS_LOG2)) divide (
      .clk, .value(sum), .shift('0), .rounded(offset)
  );

  // The last sum 1, its rounding 2.
  logic last_aligned, settled;
  pipeline_valid #(.CLOCKS(4)) last_pipeline (.clk, .rst, .in_valid(issuing && &issued), .out_valid(last_aligned));
  pipeline_valid #(.CLOCKS(3)) settled_pipeline (.clk, .rst, .in_valid(last_aligned), .out_valid(settled));
  always_ff @(posedge clk) begin
    if (rst || frame_whole) ready <= 1'b0;
    else if (settled) ready <= 1'b1;
  end
endmodule
`default_nettype wire
