// The kernel under test is the phase retrieval: its stages, and what its taps record.
#pragma once

#include "recording.hpp"
#include "retrieve_phase.hpp"

namespace testbench {

// Stages in the order of the contract.
enum Stage { kFrames, kBinned, kGradient, kSpectrum, kSpectrumExponent, kQuotient, kPhase, kNetworkInput, kLogits, kStages };
constexpr const char* kStageNames[kStages] = {"frames",   "binned", "gradient",      "spectrum", "spectrum_exponent",
                                              "quotient", "phase",  "network_input", "logits"};

struct Recorder : Recording<kStages> {
  template <class Complex>
  static void complex(Stage stage, const Complex& word) {
    words[stage].push_back(word.re);
    words[stage].push_back(word.im);
  }
  static void gradient(const cytogate::gradient_word& word) { complex(kGradient, word); }
  static void spectrum(const cytogate::stored_word& word) { complex(kSpectrum, word); }
  static void spectrum_exponent(cytogate::exponent_t exponent) { words[kSpectrumExponent].push_back(exponent); }
  static void quotient(const cytogate::input_word& word) { complex(kQuotient, word); }
  static void phase(ap_int<cytogate::kPhaseBits> code) { words[kPhase].push_back(code); }
};

inline void run_kernel(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
  cytogate::retrieve_frame<Recorder>(frames, pixels);
}

// A frame leaves nothing behind.
inline void reset_kernel() {}

// No surface is known beforehand.
inline void know_surface(const std::int32_t*, int) {}
inline int known_surface(std::int32_t*) { return 0; }

}  // namespace testbench
