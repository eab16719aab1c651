// The kernel before the network for the module `simulated_kernel`: its pixels in beats of as many as the input has.
#include "shell.hpp"
#include "stages.hpp"

namespace {

void run(hls::stream<cytogate::frame_beat>& frames, int samples, std::deque<shell::OutputBeat>& beats) {
  hls::stream<cytogate::pixel_beat> pixels("pixels");
  testbench::Recorder::clear();
  testbench::run_kernel(frames, pixels);
  if (pixels.empty()) return;
  for (int column = 0; !pixels.empty(); column = (column + 1) % cytogate::kWindowColumns) {
    const cytogate::pixel_beat pixel = pixels.read();
    testbench::Recorder::pixel(pixel);
    // A row begins on a beat of its own.
    const int lane = column % samples;
    if (lane == 0) beats.push_back({0, false});
    const int low = lane * cytogate::kPixelBeatBits;
    beats.back().data.range(low + cytogate::kPixelBeatBits - 1, low) = pixel.data;
    beats.back().last = pixel.last;
  }
  shell::save_stages();
}

}  // namespace

CYTOGATE_DPI_KERNEL(run)
