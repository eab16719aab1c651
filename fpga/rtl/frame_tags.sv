// What is known of each packet when the network has decided on its cell: how it ended, and the clocks of its first and
// last beat.
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
    // Of the oldest one.
    output     logic        out_valid,
    output     logic [ 1:0] out_flags,  // 1 too short, 2 too long
    output     logic [31:0] out_first,
    output     logic [31:0] out_last,
    input wire logic        take
);
  logic starts;  // the next beat is a packet's first
  logic place_left;
  logic [31:0] first;
  logic [$clog2(PACKETS):0] unused_level;
  assign room = !starts || place_left;

  always_ff @(posedge clk) begin
    if (rst) starts <= 1'b1;
    else if (beat_taken) starts <= beat_last;
    if (beat_taken && starts) first <= now;
  end

  credits #(.COUNT(PACKETS)) places (
      .clk, .rst, .take(beat_taken && starts), .give(take), .available(place_left)
  );
  fifo #(.BITS(66), .DEPTH(PACKETS)) tags (
      .clk, .rst, .write(ended), .in_word({too_long, !intact && !too_long, first, now}), .read(take), .out_valid,
      .out_word({out_flags, out_first, out_last}), .level(unused_level)
  );
endmodule
`default_nettype wire
