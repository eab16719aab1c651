// Top function of the kernel for bright-field frames, as Vitis HLS synthesizes it.
#include "encode_channels.hpp"

void encode_channels(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
#pragma HLS INTERFACE mode = axis port = frames
#pragma HLS INTERFACE mode = axis port = pixels
  // Free running: the kernel starts with the first beat of a frame and needs no processor.
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS DATAFLOW
  cytogate::encode_frame<cytogate::NoTap>(frames, pixels);
}
