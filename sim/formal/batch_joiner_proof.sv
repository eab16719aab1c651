// batch_joiner: a packet is the logits of as many cells as the batch had frames, then the receipt, TLAST on its last
// word.
module batch_joiner_proof (
    input logic clk,
    input logic rst,
    input logic batch_valid,
    input logic [31:0] frames,
    input logic [31:0] beats_left,
    input logic [31:0] input_crc,
    input logic [31:0] s_axis_tdata,
    input logic s_axis_tvalid,
    input logic s_axis_tlast,
    input logic m_axis_tready
);
  logic batch_left, s_axis_tready, m_axis_tvalid, m_axis_tlast, cell_left, started = 1'b0;
  logic [31:0] m_axis_tdata, batches_left;
  batch_joiner dut (.*);
  stream_given #(.BITS(33)) given (
      .clk, .rst, .valid(s_axis_tvalid), .ready(s_axis_tready), .words({s_axis_tlast, s_axis_tdata})
  );
  stream_given #(.BITS(96)) counts (
      .clk, .rst, .valid(batch_valid), .ready(batch_left), .words({frames, beats_left, input_crc})
  );
  (* hierconn *) logic [31:0] \dut.cells , \dut.crc ;
  (* hierconn *) logic [$clog2(contract_pkg::RECEIPT_WORDS)-1:0] \dut.word ;

  logic [31:0] cells, word, batches;
  logic receipt, out, unchanged;
  logic [31:0] was_crc;
  assign receipt = batch_valid && cells == frames;
  assign out = m_axis_tvalid && m_axis_tready;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    if (!started) assume (rst);
    // Of the data path: a batch has no fewer frames than cells that came, and no logit is ahead of its counts.
    if (batch_valid) assume (cells <= frames);
    if (receipt) assume (!s_axis_tvalid);
    if (rst || (out && m_axis_tlast)) {cells, word} <= '0;
    else if (out) begin
      if (receipt) word <= word + 1;
      else if (s_axis_tlast) cells <= cells + 1;
    end
    if (rst) batches <= 0;
    else if (out && m_axis_tlast) batches <= batches + 1;
    unchanged <= !rst && receipt && !(out && m_axis_tlast);
    was_crc   <= \dut.crc ;
    if (started && !rst) begin
      it_is_known: assert (\dut.cells == cells && 32'(\dut.word ) == word && word < contract_pkg::RECEIPT_WORDS);
      a_receipt_begins_whole: assert (word == 0 || receipt);
      logits_pass: assert (receipt || (m_axis_tvalid == s_axis_tvalid && s_axis_tready == m_axis_tready));
      as_they_are: assert (receipt || m_axis_tdata == s_axis_tdata);
      none_within_a_receipt: assert (!receipt || (m_axis_tvalid && !s_axis_tready));
      the_last_word_ends_it: assert (m_axis_tlast == (receipt && word == contract_pkg::RECEIPT_WORDS - 1));
      batches_are_counted: assert (batches_left == batches && batch_left == (out && m_axis_tlast));
      cells_are_told: assert (cell_left == (out && !receipt && s_axis_tlast));
      if (receipt && word == contract_pkg::RECEIPT_MARK_WORD)
        the_mark: assert (m_axis_tdata == contract_pkg::RECEIPT_MARK);
      if (receipt && word == contract_pkg::RECEIPT_BATCH_WORD) its_number: assert (m_axis_tdata == batches);
      if (receipt && word == contract_pkg::RECEIPT_FRAMES_WORD) its_frames: assert (m_axis_tdata == frames);
      if (receipt && word == contract_pkg::RECEIPT_BEATS_LEFT_WORD) its_beats_left: assert (m_axis_tdata == beats_left);
      if (receipt && word == contract_pkg::RECEIPT_INPUT_CRC_WORD) its_input: assert (m_axis_tdata == input_crc);
      if (receipt && word == contract_pkg::RECEIPT_WORDS - 1) its_output: assert (m_axis_tdata == ~\dut.crc );
      if (unchanged) a_receipt_is_no_logit: assert (\dut.crc == was_crc);
    end
  end
endmodule
