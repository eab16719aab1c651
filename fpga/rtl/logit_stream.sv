// The logits of cells off to the stream, one a beat of 32 bits, and behind them the word of their event, with TLAST.
//
// A cell's event comes when its logits have: their places are as many.
`default_nettype none
module logit_stream #(
    parameter int CLASSES = 5,
    parameter int BITS = 20,       // of a logit
    parameter bit IS_SIGNED = 1,
    parameter int CELLS = contract_pkg::CELLS_WAITING,  // that may wait, a power of two
    parameter int EVENT_BITS = 32
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic                    in_valid,
    output     logic                    in_ready,
    input wire logic [CLASSES*BITS-1:0] in_logits,
    input wire logic [            31:0] in_arrived,    // clock of the frame's last beat
    input wire logic                    event_valid,   // in the order of the cells
    input wire logic [  EVENT_BITS-1:0] event_word,
    output     logic [            31:0] m_axis_tdata,
    output     logic                    m_axis_tvalid,
    input wire logic                    m_axis_tready,
    output     logic                    m_axis_tlast,
    output     logic                    cell_left,     // pulse
    output     logic [            31:0] cell_arrived
);
  localparam int PLACE_BITS = $clog2(CLASSES + 1);

  logic [PLACE_BITS-1:0] place;
  logic [CLASSES*BITS-1:0] logits;
  logic [BITS-1:0] logit;
  logic [EVENT_BITS-1:0] word;
  logic [$clog2(CELLS):0] unused_level;
  logic cell_waits, event_waits;
  assign logit = logits[32'(place)*BITS+:BITS];
  assign m_axis_tdata = m_axis_tlast ? 32'(word) : IS_SIGNED ? 32'($signed(logit)) : 32'(logit);
  assign m_axis_tlast = 32'(place) == CLASSES;
  assign m_axis_tvalid = cell_waits && (!m_axis_tlast || event_waits);
  assign cell_left = m_axis_tvalid && m_axis_tready && m_axis_tlast;

  stream_queue #(.BITS(CLASSES * BITS + 32), .DEPTH(CELLS)) cells (
      .clk, .rst, .in_valid, .in_ready, .in_words({in_arrived, in_logits}), .out_valid(cell_waits),
      .out_ready(cell_left), .out_words({cell_arrived, logits})
  );
  fifo #(.BITS(EVENT_BITS), .DEPTH(CELLS)) events (
      .clk, .rst, .write(event_valid), .in_word(event_word), .read(cell_left), .out_valid(event_waits), .out_word(word),
      .level(unused_level)
  );

  always_ff @(posedge clk) begin
    if (rst) place <= '0;
    else if (m_axis_tvalid && m_axis_tready) place <= m_axis_tlast ? '0 : place + 1'b1;
  end
endmodule
`default_nettype wire
