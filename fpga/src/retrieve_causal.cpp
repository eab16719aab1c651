// Top function of the phase retrieval kernel by the law "causal", as Vitis HLS synthesizes it.
#include "retrieve_causal.hpp"

void retrieve_causal(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
#pragma HLS INTERFACE mode = axis port = frames
#pragma HLS INTERFACE mode = axis port = pixels
  // Free running: the kernel starts with the first beat of a frame and needs no processor.
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS DATAFLOW
  static cytogate::Background background;  // all zero, of no frame
  cytogate::retrieve_causal_frame<cytogate::NoTap>(frames, pixels, background);
}
