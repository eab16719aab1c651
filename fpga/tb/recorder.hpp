// Records every word of every stage of the chain as plain integers, in stream order.
#pragma once

#include <cstdint>
#include <vector>

#include "retrieve_phase.hpp"

namespace testbench {

// Stages in the order of the contract, frames as the kernel received them.
enum Stage { kFrames, kBinned, kGradient, kSpectrum, kSpectrumExponent, kQuotient, kPhase, kNetworkInput, kLogits, kStages };
constexpr const char* kStageNames[kStages] = {"frames",   "binned", "gradient",      "spectrum", "spectrum_exponent",
                                              "quotient", "phase",  "network_input", "logits"};

struct Recorder {
  static inline std::vector<std::int32_t> words[kStages];

  static void clear() {
    for (auto& stage : words) stage.clear();
  }
  template <class Complex>
  static void complex(Stage stage, const Complex& word) {
    words[stage].push_back(word.re);
    words[stage].push_back(word.im);
  }

  static void frame(ap_uint<cytogate::kFrameBeatBits> data) {
    for (int angle = 0; angle < cytogate::kAngles; ++angle) {
      const int low = angle * cytogate::kLaneBits;
      words[kFrames].push_back(ap_uint<cytogate::kLaneBits>(data.range(low + cytogate::kLaneBits - 1, low)));
    }
  }
  static void binned(const cytogate::binned_pixel& pixel) {
    for (const auto& code : pixel.angle) words[kBinned].push_back(code);
  }
  static void gradient(const cytogate::gradient_word& word) { complex(kGradient, word); }
  static void spectrum(const cytogate::stored_word& word) { complex(kSpectrum, word); }
  static void spectrum_exponent(cytogate::exponent_t exponent) { words[kSpectrumExponent].push_back(exponent); }
  static void quotient(const cytogate::input_word& word) { complex(kQuotient, word); }
  static void phase(ap_int<cytogate::kPhaseBits> code) { words[kPhase].push_back(code); }
  static void pixel(const cytogate::pixel_beat& beat) {
    for (int channel = 0; channel < cytogate::kChannels; ++channel) {
      const int low = channel * cytogate::kPixelBits;
      words[kNetworkInput].push_back(ap_uint<cytogate::kPixelBits>(beat.data.range(low + cytogate::kPixelBits - 1, low)));
    }
  }
};

// Beats of `pixels` pixels of one packet from codes (angles, rows, columns); a pixel count other than a frame's makes a
// malformed packet, whose pixels beyond the frame are zero.
inline void send(const std::uint16_t* codes, int pixels, hls::stream<cytogate::frame_beat>& out) {
  constexpr int kPixels = cytogate::kFrameRows * cytogate::kFrameColumns;
  for (int i = 0; i < pixels; ++i) {
    ap_uint<cytogate::kFrameBeatBits> data = 0;
    for (int angle = 0; angle < cytogate::kAngles && i < kPixels; ++angle) {
      const int low = angle * cytogate::kLaneBits;
      data.range(low + cytogate::kLaneBits - 1, low) = codes[angle * kPixels + i];
    }
    out.write(cytogate::make_beat<cytogate::kFrameBeatBits>(data, i == pixels - 1));
  }
}

// Record pixel beats and hand them on; returns the number of packets, -1 where TLAST is not on a frame's last pixel.
template <class Next>
int record(hls::stream<cytogate::pixel_beat>& in, Next next) {
  constexpr int kPixels = cytogate::kSize * cytogate::kSize;
  int count = 0;
  bool framed = true;
  while (!in.empty()) {
    const cytogate::pixel_beat beat = in.read();
    Recorder::pixel(beat);
    next(beat);
    ++count;
    framed &= bool(beat.last) == (count % kPixels == 0);
  }
  return framed && count % kPixels == 0 ? count / kPixels : -1;
}

}  // namespace testbench
