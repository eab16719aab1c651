// A pixel of the network's input: codes of the bright field, and above them that of the phase.
#pragma once

#include "gradients.hpp"
#include "pixels.hpp"

namespace cytogate {

static_assert(kWindowRows == kSize && kWindowColumns == kSize, "the phase is square");
constexpr int kAxes = 2;
static_assert(kFrameChannels == 2 * kAxes && kNetworkChannels == kFrameChannels + 1, "opposing angles, and the phase");
using pixel_bits = ap_uint<kPixelBeatBits>;

inline pixel_bits with_phase(bright_pixel bright, ap_int<kPhaseBits> phase) {
#pragma HLS INLINE
  constexpr int kLargest = (1 << kPixelBits) - 1;
  const ap_int<kPhaseBits + 1> shade = shift_right(ap_int<kPhaseBits + 1>(phase + kPhaseCodeOffset), kPhaseCodeShift);
  pixel_bits pixel = bright;
  pixel.range(kPixelBeatBits - 1, kFrameChannels * kPixelBits) = shade < 0 ? 0 : shade > kLargest ? kLargest : int(shade);
  return pixel;
}

}  // namespace cytogate
