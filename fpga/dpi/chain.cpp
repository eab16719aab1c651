// The kernel and the network behind it for the module `simulated_kernel`: one logit a beat, whatever the samples of the
// input.
#include "classify.hpp"
#include "shell.hpp"
#include "stages.hpp"

namespace {

void run(hls::stream<cytogate::frame_beat>& frames, int, std::deque<shell::OutputBeat>& beats) {
  hls::stream<cytogate::pixel_beat> inputs("inputs"), pixels("pixels");
  hls::stream<cytogate::logit_beat> logits("logits");
  testbench::Recorder::clear();
  testbench::run_kernel(frames, inputs);
  if (testbench::record(inputs, [&](const cytogate::pixel_beat& beat) { pixels.write(beat); }) != 1) return;
  cytogate::classify_cell(pixels, logits);
  while (!logits.empty()) {
    const cytogate::logit_beat logit = logits.read();
    testbench::Recorder::words[testbench::kLogits].push_back(ap_int<cytogate::kLogitBeatBits>(logit.data));
    beats.push_back({logit.data, bool(logit.last)});
  }
  shell::save_stages();
}

}  // namespace

CYTOGATE_DPI_KERNEL(run)
