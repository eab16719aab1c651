// Top function of the phase retrieval kernel by the law "two-sided", as Vitis HLS synthesizes it.
#include "retrieve_two_sided.hpp"

void retrieve_two_sided(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels,
                        cytogate::KnownSurface known) {
#pragma HLS INTERFACE mode = axis port = frames
#pragma HLS INTERFACE mode = axis port = pixels
  // Free running: the kernel starts with the first beat of a frame and needs no processor.
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
  // Wires: low, as they are where nothing drives them, every frame is flattened by its own border.
#pragma HLS INTERFACE mode = ap_none port = known
#pragma HLS STABLE variable = known
#pragma HLS DATAFLOW
  cytogate::retrieve_two_sided_frame<cytogate::NoTap>(frames, pixels, known);
}
