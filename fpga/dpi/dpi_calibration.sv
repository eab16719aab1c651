// The stream of a calibration before kernels of holograms that run as C++ behind DPI-C.
module dpi_calibration (
    input  logic        aclk,
    input  logic        resetn,  // active low, synchronous
    input  logic [63:0] s_calibration_tdata,
    input  logic        s_calibration_tvalid,
    output logic        s_calibration_tready,
    input  logic        s_calibration_tlast,
    output logic        calibrated  // a whole one was received: until then the kernel takes no frame
);
  import "DPI-C" function void cytogate_calibrate(input bit [63:0] data, input bit first, input bit last);

  logic first;
  assign s_calibration_tready = resetn;
  always_ff @(posedge aclk) begin
    if (!resetn) begin
      first <= 1;
      calibrated <= 0;
    end else if (s_calibration_tvalid) begin
      cytogate_calibrate(s_calibration_tdata, first, s_calibration_tlast);
      first <= s_calibration_tlast;
      calibrated <= s_calibration_tlast;
    end
  end
endmodule
