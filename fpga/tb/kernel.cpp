// C-simulation of the kernel before the network as a shared library.
#include "library.hpp"

// Send one packet of `pixels` pixels through the kernel; codes are (channels, rows, columns). Returns the number of
// frames that left, -1 where TLAST is wrong. The stages' words stay until the next call.
extern "C" int cytogate_run(const std::uint16_t* codes, int pixels) {
  hls::stream<cytogate::frame_beat> frames("frames");
  hls::stream<cytogate::pixel_beat> inputs("inputs");
  testbench::Recorder::clear();
  testbench::send(codes, pixels, frames);
  testbench::run_kernel(frames, inputs);
  if (!frames.empty()) return -1;
  return testbench::record(inputs, [](const cytogate::pixel_beat&) {});
}
