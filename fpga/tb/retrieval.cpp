// C-simulation of the phase retrieval kernel as a shared library.
#include "library.hpp"

// Send one packet of `pixels` pixels through the kernel; codes are (angles, rows, columns). Returns the number of frames
// that left, -1 where TLAST is wrong. The stages' words stay until the next call.
extern "C" int cytogate_run(const std::uint16_t* codes, int pixels) {
  hls::stream<cytogate::frame_beat> frames("frames");
  hls::stream<cytogate::pixel_beat> retrieved("retrieved");
  testbench::Recorder::clear();
  testbench::send(codes, pixels, frames);
  cytogate::retrieve_phase<testbench::Recorder>(frames, retrieved);
  if (!frames.empty()) return -1;
  return testbench::record(retrieved, [](const cytogate::pixel_beat&) {});
}
