// Records words of stages as plain integers, in stream order: what the kernels have in common.
#pragma once

#include <cstdint>
#include <vector>

#include "frames.hpp"
#include "pixels.hpp"

namespace testbench {

template <bool Signed>
struct code_type {
  using type = ap_uint<cytogate::kPixelBits>;
};
template <>
struct code_type<true> {
  using type = ap_int<cytogate::kPixelBits>;
};

// Stages by number: frames as the kernel received them and binned are the first, the network's input and logits the last.
template <int Stages>
struct Recording {
  static inline std::vector<std::int32_t> words[Stages];

  static void clear() {
    for (auto& stage : words) stage.clear();
  }
  static void frame(ap_uint<cytogate::kBeatBits> data) {
    for (int channel = 0; channel < cytogate::kFrameChannels; ++channel) {
      const int low = channel * cytogate::kLaneBits;
      words[0].push_back(ap_uint<cytogate::kLaneBits>(data.range(low + cytogate::kLaneBits - 1, low)));
    }
  }
  static void binned(const cytogate::binned_pixel& pixel) {
    for (const auto& code : pixel.channel) words[1].push_back(code);
  }
  static void pixel(const cytogate::pixel_beat& beat) {
    for (int channel = 0; channel < cytogate::kNetworkChannels; ++channel) {
      const int low = channel * cytogate::kPixelBits;
      typename code_type<cytogate::kPixelSigned>::type code;
      code.range() = beat.data.range(low + cytogate::kPixelBits - 1, low);
      words[Stages - 2].push_back(code);
    }
  }
};

}  // namespace testbench
