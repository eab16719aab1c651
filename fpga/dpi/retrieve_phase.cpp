// The phase retrieval kernel for the module `retrieve_phase` of this folder.
#include "shell.hpp"

namespace {

void run(hls::stream<cytogate::frame_beat>& frames, int width, std::deque<shell::OutputBeat>& beats) {
  hls::stream<cytogate::pixel_beat> pixels("pixels");
  cytogate::retrieve_phase<testbench::Recorder>(frames, pixels);
  for (int lane = 0; !pixels.empty(); lane = (lane + 1) % width) {
    const cytogate::pixel_beat pixel = pixels.read();
    testbench::Recorder::pixel(pixel);
    if (lane == 0) beats.push_back({0, false});
    const int low = lane * cytogate::kPixelBeatBits;
    beats.back().data.range(low + cytogate::kPixelBeatBits - 1, low) = pixel.data;
    beats.back().last = pixel.last;
  }
}

}  // namespace

CYTOGATE_DPI_KERNEL(run)
