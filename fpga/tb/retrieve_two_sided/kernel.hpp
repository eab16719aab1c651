// The kernel under test is the phase retrieval by the law "two-sided": its stages, and what its taps record.
#pragma once

#include "recording.hpp"
#include "retrieve_two_sided.hpp"

namespace testbench {

// Stages in the order of the contract.
enum Stage { kFrames, kBinned, kGradient, kRows, kColumns, kPhase, kNetworkInput, kLogits, kStages };
constexpr const char* kStageNames[kStages] = {"frames", "binned", "gradient", "rows", "columns", "phase", "network_input", "logits"};

struct Recorder : Recording<kStages> {
  template <class Complex>
  static void complex(Stage stage, const Complex& word) {
    words[stage].push_back(word.re);
    words[stage].push_back(word.im);
  }
  static void gradient(const cytogate::gradient_word& word) { complex(kGradient, word); }
  static void rows(const cytogate::row_pair& pair) {
    complex(kRows, pair.plus);
    complex(kRows, pair.minus);
  }
  static void column(const cytogate::state_word& word) { complex(kColumns, word); }
  static void phase(ap_int<cytogate::kPhaseBits> code) { words[kPhase].push_back(code); }
};

inline cytogate::KnownSurface known = {};

inline void run_kernel(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
  cytogate::retrieve_two_sided_frame<Recorder>(frames, pixels, known);
}

// A frame leaves nothing behind; each is flattened by its own border again.
inline void reset_kernel() { known = {}; }

// Flatten frames by the surface of these coefficients: 1, s, t, s^2, t^2, s t, each of x and of y.
inline void know_surface(const std::int32_t* codes, int) {
  known.is_known = true;
  cytogate::Surface& to = known.surface;
  for (auto* each : {&to.one, &to.s, &to.t, &to.ss, &to.tt, &to.st}) {
    each->re = *codes++;
    each->im = *codes++;
  }
}

// No frame changes what was told.
inline int known_surface(std::int32_t*) { return 0; }

}  // namespace testbench
