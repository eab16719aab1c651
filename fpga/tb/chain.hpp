// Both kernels joined by a stream, every stage recorded.
#pragma once

#include "classify.hpp"
#include "recorder.hpp"

namespace testbench {

// Send one packet of `pixels` pixels; returns the number of classified cells, -1 where TLAST is wrong.
inline int run_chain(const std::uint16_t* codes, int pixels) {
  hls::stream<cytogate::frame_beat> frames("frames");
  hls::stream<cytogate::pixel_beat> inputs("inputs"), network_inputs("network_inputs");
  hls::stream<cytogate::logit_beat> logits("logits");
  Recorder::clear();
  send(codes, pixels, frames);
  run_kernel(frames, inputs);
  const int cells = record(inputs, [&](const cytogate::pixel_beat& beat) { network_inputs.write(beat); });
  for (int cell = 0; cell < cells; ++cell) cytogate::classify_cell(network_inputs, logits);
  if (!frames.empty() || !network_inputs.empty()) return -1;
  int packets = 0;
  constexpr int kClasses = network::result_t::size;
  for (int i = 0; !logits.empty(); ++i) {
    const cytogate::logit_beat beat = logits.read();
    if (bool(beat.last) != (i % kClasses == kClasses - 1)) return -1;
    Recorder::words[kLogits].push_back(ap_int<cytogate::kLogitBeatBits>(beat.data));
    packets += beat.last;
  }
  return packets == cells ? cells : -1;
}

}  // namespace testbench
