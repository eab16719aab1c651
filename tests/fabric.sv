// What the block design joins, without the vendor's parts: stream unit, phase retrieval, narrowing to a pixel a beat,
// and in the network's place one that has five logits follow from all of a cell's pixels and their order.
module fabric #(
    parameter int SAMPLES = 8,
    parameter int BEAT_BITS = contract_pkg::beat_bits(SAMPLES),
    parameter int OUT_BITS = SAMPLES * 40
) (
    input  logic                         aclk,
    input  logic                         aresetn,
    output logic                         stream_aresetn,
    input  logic [        BEAT_BITS-1:0] s_dma_tdata,
    input  logic                         s_dma_tvalid,
    output logic                         s_dma_tready,
    input  logic                         s_dma_tlast,
    output logic [                 31:0] m_dma_tdata,
    output logic                         m_dma_tvalid,
    input  logic                         m_dma_tready,
    output logic                         m_dma_tlast,
    input  logic [                  7:0] s_axil_awaddr,
    input  logic                         s_axil_awvalid,
    output logic                         s_axil_awready,
    input  logic [                 31:0] s_axil_wdata,
    input  logic [                  3:0] s_axil_wstrb,
    input  logic                         s_axil_wvalid,
    output logic                         s_axil_wready,
    output logic [                  1:0] s_axil_bresp,
    output logic                         s_axil_bvalid,
    input  logic                         s_axil_bready,
    input  logic [                  7:0] s_axil_araddr,
    input  logic                         s_axil_arvalid,
    output logic                         s_axil_arready,
    output logic [                 31:0] s_axil_rdata,
    output logic [                  1:0] s_axil_rresp,
    output logic                         s_axil_rvalid,
    input  logic                         s_axil_rready
);
  localparam int CELL_PIXELS = contract_pkg::SIZE * contract_pkg::SIZE;

  logic [BEAT_BITS-1:0] m_frames_tdata;
  logic [OUT_BITS-1:0] pixels_tdata;
  logic [31:0] s_logits_tdata;
  logic m_frames_tvalid, m_frames_tready, m_frames_tlast, pixels_tvalid, pixels_tready, pixels_tlast;
  logic s_logits_tvalid, s_logits_tready, s_logits_tlast;

  stream_unit_block #(.SAMPLES(SAMPLES), .BEAT_BITS(BEAT_BITS), .WEIGHTS_HASH(-2)) stream_unit (.*);
  retrieve_phase_block #(.SAMPLES(SAMPLES), .BEAT_BITS(BEAT_BITS), .OUT_BITS(OUT_BITS)) retrieve_phase (
      .aclk, .aresetn(stream_aresetn), .s_axis_tdata(m_frames_tdata), .s_axis_tvalid(m_frames_tvalid),
      .s_axis_tready(m_frames_tready), .s_axis_tlast(m_frames_tlast), .m_axis_tdata(pixels_tdata),
      .m_axis_tvalid(pixels_tvalid), .m_axis_tready(pixels_tready), .m_axis_tlast(pixels_tlast), .s_axil_awaddr('0),
      .s_axil_awvalid(1'b0), .s_axil_awready(), .s_axil_wdata('0), .s_axil_wstrb('0), .s_axil_wvalid(1'b0),
      .s_axil_wready(), .s_axil_bresp(), .s_axil_bvalid(), .s_axil_bready(1'b1), .s_axil_araddr('0),
      .s_axil_arvalid(1'b0), .s_axil_arready(), .s_axil_rdata(), .s_axil_rresp(), .s_axil_rvalid(), .s_axil_rready(1'b1)
  );

  // A pixel a clock; the network counts pixels and does not look at TLAST.
  logic [$clog2(SAMPLES+1)-1:0] lane;
  logic [$clog2(CELL_PIXELS+1)-1:0] place;
  logic [2:0] logit;
  logic [31:0] state;
  logic pixel, answering;
  logic [39:0] code;
  assign code  = pixels_tdata[lane*40+:40];
  assign pixel = pixels_tvalid && !answering;
  assign pixels_tready = pixel && lane == SAMPLES - 1;
  assign answering = place == CELL_PIXELS;
  assign s_logits_tvalid = answering;
  assign s_logits_tdata  = state + 32'(logit);
  assign s_logits_tlast  = logit == 4;

  always_ff @(posedge aclk) begin
    if (!stream_aresetn) begin
      lane  <= '0;
      place <= '0;
      logit <= '0;
      state <= '0;
    end else if (pixel) begin
      lane  <= pixels_tready ? '0 : lane + 1'b1;
      place <= place + 1'b1;
      state <= {state[30:0], state[31]} ^ code[31:0] ^ 32'(code[39:32]);
    end else if (answering && s_logits_tready) begin
      logit <= s_logits_tlast ? '0 : logit + 1'b1;
      if (s_logits_tlast) begin
        place <= '0;
        state <= '0;
      end
    end
  end
endmodule
