// Top function of the network kernel, as Vitis HLS synthesizes it.
#include "classify.hpp"

void classify(hls::stream<cytogate::pixel_beat>& pixels, hls::stream<cytogate::logit_beat>& logits) {
#pragma HLS INTERFACE mode = axis port = pixels
#pragma HLS INTERFACE mode = axis port = logits
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS DATAFLOW
  cytogate::classify_cell(pixels, logits);
}
