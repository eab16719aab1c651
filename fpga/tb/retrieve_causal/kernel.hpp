// The kernel under test is the phase retrieval by the law "causal": its stages, and what its taps record.
#pragma once

#include <array>

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

using Coefficients = std::array<cytogate::complex_coefficient*, 6>;
inline Coefficients coefficients(cytogate::Surface& of) { return {{&of.one, &of.s, &of.t, &of.ss, &of.tt, &of.st}}; }

// Begin with a surface of these coefficients, 1, s, t, s^2, t^2, s t, each of x and of y, and that many frames.
inline void know_surface(const std::int32_t* codes, int frames) {
  for (auto* each : coefficients(background.surface)) {
    each->re = *codes++;
    each->im = *codes++;
  }
  background.frames = frames;
}

// Write the coefficients that are known now, and return the frames that they were estimated from.
inline int known_surface(std::int32_t* codes) {
  for (const auto* each : coefficients(background.surface)) {
    *codes++ = each->re;
    *codes++ = each->im;
  }
  return background.frames;
}

}  // namespace testbench
