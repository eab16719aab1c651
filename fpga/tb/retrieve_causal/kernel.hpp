// The kernel under test is the phase retrieval by the law "causal": its stages, and what its taps record.
#pragma once

#include "recording.hpp"
#include "retrieve_causal.hpp"

namespace testbench {

// Stages in the order of the contract.
enum Stage { kFrames, kBinned, kGradient, kBackground, kRows, kColumns, kPhase, kNetworkInput, kLogits, kStages };
constexpr const char* kStageNames[kStages] = {"frames", "binned", "gradient", "background", "rows", "columns", "phase", "network_input", "logits"};

struct Recorder : Recording<kStages> {
  template <class Complex>
  static void complex(Stage stage, const Complex& word) {
    words[stage].push_back(word.re);
    words[stage].push_back(word.im);
  }
  static void gradient(const cytogate::gradient_word& word) { complex(kGradient, word); }
  static void background(const cytogate::Surface& surface) {
    for (const auto* each : {&surface.one, &surface.s, &surface.t, &surface.ss, &surface.tt, &surface.st})
      complex(kBackground, *each);
  }
  static void rows(const cytogate::row_pair& pair) {
    complex(kRows, pair.plus);
    complex(kRows, pair.minus);
  }
  static void column(const cytogate::state_word& word) { complex(kColumns, word); }
  static void phase(ap_int<cytogate::kPhaseBits> code) { words[kPhase].push_back(code); }
};

inline cytogate::Background background = cytogate::unknown_background();

inline void run_kernel(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
  cytogate::retrieve_causal_frame<Recorder>(frames, pixels, background);
}

// Forget the frames before.
inline void reset_kernel() { background = cytogate::unknown_background(); }

// What it knows comes from frames alone.
inline void know_surface(const std::int32_t*) {}

}  // namespace testbench
