// What is known of each packet when the network has decided on its cell: how it ended, the clocks of its first and last
// beat, and what the law of retrieval remarks.
//
// A packet is let in only when it finds a place here, so that no more than PACKETS are on their way.
`default_nettype none
module frame_tags #(
    parameter int PACKETS = contract_pkg::PACKETS  // a power of two
) (
    input wire logic        clk,
    input wire logic        rst,
    input wire logic [31:0] now,
    // Beats that pass the pins.
    output     logic        room,       // for the next one
    input wire logic        beat_taken,
    input wire logic        beat_last,
    // Once a packet, when its frame is complete.
    input wire logic        ended,
    input wire logic        intact,
    input wire logic        too_long,
    // Once a packet, before its frame leaves the retrieval.
    input wire logic        remark_valid,
    input wire logic        remark_unsettled,  // the background had not settled
    input wire logic        remark_clipped,    // the cell lies over the edge at which the law begins
    input wire logic        remark_curled,     // its gradients have a curl
    input wire logic [ 1:0] remark_half,       // that starts at the clean edge
    // Once a packet, when its phase has passed.
    input wire logic        sign_valid,
    input wire logic        sign_negative,
    // Of the oldest one.
    output     logic        out_valid,
    output     logic [ 3:0] out_flaws,  // one: 1 too short, 2 too long; intact, 4 unsettled, 8 clipped
    output     logic [ 3:0] out_remark,  // half, 4 curled, 8 negative
    output     logic [31:0] out_first,
    output     logic [31:0] out_last,
    input wire logic        take
);
  logic starts;  // the next beat is a packet's first
  logic place_left, tag_valid, remarked, signed_too, unsettled, clipped;
  logic [1:0] malformed;
  logic [31:0] first;
  logic [$clog2(PACKETS):0] unused_level, unused_remarks, unused_signs;
  assign room      = !starts || place_left;
  assign out_valid = tag_valid && remarked && signed_too;
  assign out_flaws = {clipped && !unsettled && malformed == 0, unsettled && malformed == 0, malformed};

  always_ff @(posedge clk) begin
    if (rst) starts <= 1'b1;
    else if (beat_taken) starts <= beat_last;
    if (beat_taken && starts) first <= now;
  end

  credits #(.COUNT(PACKETS)) places (
      .clk, .rst, .take(beat_taken && starts), .give(take), .available(place_left)
  );
  fifo #(.BITS(66), .DEPTH(PACKETS)) tags (
      .clk, .rst, .write(ended), .in_word({too_long, !intact && !too_long, first, now}), .read(take),
      .out_valid(tag_valid), .out_word({malformed, out_first, out_last}), .level(unused_level)
  );
  fifo #(.BITS(5), .DEPTH(PACKETS)) remarks (
      .clk, .rst, .write(remark_valid), .in_word({remark_unsettled, remark_clipped, remark_curled, remark_half}),
      .read(take), .out_valid(remarked), .out_word({unsettled, clipped, out_remark[2:0]}), .level(unused_remarks)
  );
  fifo #(.BITS(1), .DEPTH(PACKETS)) signs (
      .clk, .rst, .write(sign_valid), .in_word(sign_negative), .read(take), .out_valid(signed_too),
      .out_word(out_remark[3]), .level(unused_signs)
  );
endmodule
`default_nettype wire
