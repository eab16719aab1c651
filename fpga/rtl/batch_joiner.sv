// Logits in, one DMA packet a batch out: the logits of all its cells, then the receipt, TLAST on its last word.
//
// Cells come in the order of their frames, and a batch's counts are here long before the next batch's first frame can
// have become logits: what comes while there are none belongs to the batch whose end is awaited. So no logit is offered
// when a batch turns out to be complete, and an offered beat never changes.
`default_nettype none
module batch_joiner (
    input wire logic        clk,
    input wire logic        rst,
    // Counts of the oldest batch that has ended.
    input wire logic        batch_valid,
    input wire logic [31:0] frames,
    input wire logic [31:0] beats_left,
    input wire logic [31:0] input_crc,
    output     logic        batch_left,     // pulse: take them away
    // A cell's logits, TLAST on its last one.
    input wire logic [31:0] s_axis_tdata,
    input wire logic        s_axis_tvalid,
    output     logic        s_axis_tready,
    input wire logic        s_axis_tlast,
    output     logic [31:0] m_axis_tdata,
    output     logic        m_axis_tvalid,
    input wire logic        m_axis_tready,
    output     logic        m_axis_tlast,
    output     logic        cell_left,      // pulse
    output     logic [31:0] batches_left    // since reset
);
  localparam int WORD_BITS = $clog2(contract_pkg::RECEIPT_WORDS);

  logic [31:0] cells, crc, next_crc;
  logic [WORD_BITS-1:0] word;
  logic complete, step;
  assign complete = batch_valid && cells >= frames;
  assign step     = m_axis_tvalid && m_axis_tready;

  assign m_axis_tvalid = (complete || s_axis_tvalid) && !rst;
  assign m_axis_tlast  = complete && word == WORD_BITS'(contract_pkg::RECEIPT_WORDS - 1);
  assign s_axis_tready = !complete && m_axis_tready && !rst;
  always_comb begin
    case (word)
      WORD_BITS'(contract_pkg::RECEIPT_MARK_WORD): m_axis_tdata = contract_pkg::RECEIPT_MARK;
      WORD_BITS'(contract_pkg::RECEIPT_BATCH_WORD): m_axis_tdata = batches_left;
      WORD_BITS'(contract_pkg::RECEIPT_FRAMES_WORD): m_axis_tdata = frames;
      WORD_BITS'(contract_pkg::RECEIPT_BEATS_LEFT_WORD): m_axis_tdata = beats_left;
      WORD_BITS'(contract_pkg::RECEIPT_INPUT_CRC_WORD): m_axis_tdata = input_crc;
      default: m_axis_tdata = ~crc;
    endcase
    if (!complete) m_axis_tdata = s_axis_tdata;
  end

  assign cell_left  = !complete && step && s_axis_tlast;
  assign batch_left = step && m_axis_tlast;

  crc_part #(.BITS(32)) logit (.bits(crc ^ s_axis_tdata), .part(next_crc));

  always_ff @(posedge clk) begin
    if (rst) begin
      word         <= '0;
      cells        <= '0;
      crc          <= '1;
      batches_left <= '0;
    end else if (batch_left) begin
      word         <= '0;
      cells        <= '0;
      crc          <= '1;
      batches_left <= batches_left + 1'b1;
    end else if (step) begin
      if (complete) word <= word + 1'b1;
      else crc <= next_crc;
      if (cell_left) cells <= cells + 1'b1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk)
    if (!rst) begin
      no_logit_is_ahead_of_a_receipt : assert (!complete || cells == frames);
    end
`endif

  stream_rules #(.BITS(33)) out_rules (
      .clk, .rst, .valid(m_axis_tvalid), .ready(m_axis_tready), .words({m_axis_tlast, m_axis_tdata})
  );
endmodule
`default_nettype wire
