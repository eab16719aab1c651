// The background: the surface that is known before a frame comes, and how it follows the frames' borders.
//
// After a frame each coefficient moves by limit(fit - coefficient) / 2^gain, convergently; limit and gain go on by a step
// every STEP_FRAMES frames, up to the last one. Coefficients, the count of frames and whether they stay as they are can
// be written and read; what is written while frames are inside may be used in part. A soft reset changes nothing here.
`default_nettype none
module background #(
    parameter int BITS = contract_pkg::COEFFICIENT_BITS,
    parameter int FRACTION = contract_pkg::COEFFICIENT_FRACTION,
    parameter int STEP_FRAMES = contract_pkg::STEP_FRAMES,
    parameter int SETTLING_FRAMES = contract_pkg::SETTLING_FRAMES
) (
    input wire logic               clk,
    input wire logic               rst,
    input wire logic               fitted,     // pulse: the fit of a frame's border stands
    input wire logic [12*BITS-1:0] fit,        // per axis: 1, s, t, s^2, t^2, s t
    output     logic               busy,
    output     logic               followed,   // pulse: so does what the next frame is to know
    output     logic [12*BITS-1:0] surface,
    output     logic               settled,    // enough frames were followed
    // Registers.
    input wire logic               write,
    input wire logic [        7:0] write_address,
    input wire logic [       31:0] write_data,
    input wire logic [        7:0] read_address,
    output     logic [       31:0] read_data
);
  localparam int STEPS = SETTLING_FRAMES / STEP_FRAMES;
  localparam int STEP_BITS = $clog2(STEPS);
  localparam int FRAME_BITS = $clog2(SETTLING_FRAMES + 1);
  localparam int MOVE_BITS = BITS + 1;
  localparam int LATENCY = 7;  // selection, difference, limit, rounding 4

  // One coefficient after the other.
  logic frozen, moving;
  logic [3:0] place, stored_place;
  logic stored;
  logic [FRAME_BITS-1:0] frames;
  logic [STEP_BITS-1:0] step;
  assign settled = frames == FRAME_BITS'(SETTLING_FRAMES);
  assign step = settled ? STEP_BITS'(STEPS - 1) : STEP_BITS'(frames / STEP_FRAMES);
  always_ff @(posedge clk) begin
    followed <= !rst && stored && stored_place == 11;
    if (rst) begin
      moving <= 1'b0;
      busy   <= 1'b0;
      place  <= '0;
    end else begin
      if (fitted) {moving, busy, place} <= {1'b1, 1'b1, 4'd0};
      else if (moving) {moving, place} <= {place != 11, place + 4'd1};
      if (followed) busy <= 1'b0;
    end
  end
  pipeline_valid #(.CLOCKS(LATENCY)) stored_pipeline (.clk, .rst, .in_valid(moving), .out_valid(stored));
  delay #(.BITS(4), .CLOCKS(LATENCY)) beside_move (.clk, .in_word(place), .out_word(stored_place));

  logic signed [BITS-1:0] now, wanted;
  logic signed [MOVE_BITS-1:0] difference, move, limit;
  logic signed [BITS-1:0] rounded;
  logic [5:0] gain;
  assign limit = MOVE_BITS'(contract_pkg::BACKGROUND_LIMIT[32*step+:32]) <<< FRACTION;
  assign gain  = 6'(contract_pkg::BACKGROUND_GAIN[32*step+:32]);
  always_ff @(posedge clk) begin
    now        <= $signed(surface[place*BITS+:BITS]);
    wanted     <= $signed(fit[place*BITS+:BITS]);
    difference <= MOVE_BITS'(wanted) - MOVE_BITS'(now);
    move       <= difference > limit ? limit : difference < -limit ? -limit : difference;
  end
  shift_round #(.IN_BITS(MOVE_BITS), .OUT_BITS(BITS), .SATURATE(0)) divide (
      .clk, .value(move), .shift(gain), .rounded
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      surface <= '0;
      frames  <= '0;
      frozen  <= 1'b0;
    end else begin
      if (stored && !frozen)
        surface[stored_place*BITS+:BITS] <= $signed(surface[stored_place*BITS+:BITS]) + rounded;
      if (followed && !frozen && !settled) frames <= frames + 1'b1;
      if (write) begin
        for (int i = 0; i < 12; ++i)
          if (write_address == 8'(contract_pkg::BACKGROUND_SURFACE_OFFSET + 4 * i))
            surface[i*BITS+:BITS] <= write_data[BITS-1:0];
        if (write_address == 8'(contract_pkg::BACKGROUND_FRAMES_OFFSET))
          frames <= write_data > SETTLING_FRAMES ? FRAME_BITS'(SETTLING_FRAMES) : FRAME_BITS'(write_data);
        if (write_address == 8'(contract_pkg::BACKGROUND_CONTROL_OFFSET)) frozen <= (write_data & contract_pkg::BACKGROUND_FREEZE) != 0;
      end
    end
  end
  always_comb begin
    read_data = '0;
    for (int i = 0; i < 12; ++i)
      if (read_address == 8'(contract_pkg::BACKGROUND_SURFACE_OFFSET + 4 * i))
        read_data = 32'($signed(surface[i*BITS+:BITS]));
    if (read_address == 8'(contract_pkg::BACKGROUND_FRAMES_OFFSET)) read_data = 32'(frames);
    if (read_address == 8'(contract_pkg::BACKGROUND_CONTROL_OFFSET)) read_data = frozen ? contract_pkg::BACKGROUND_FREEZE : '0;
  end
endmodule
`default_nettype wire
