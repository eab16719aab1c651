// Bright-field frames without phase retrieval: raw frames in, eight-bit codes of every channel for the network out.
//
// Each channel has an offset, which is its background, and a gain; the law is in model/contract/bright_field.py. A frame
// leaves after its last beat was found where it belongs, so codes wait for it: one frame is written while the one
// before it leaves.
#pragma once

#include "frames.hpp"
#include "hls_stream.h"
#include "pixels.hpp"

namespace cytogate {

using pixel_codes = ap_uint<kPixelBeatBits>;
static_assert(kNetworkChannels == kFrameChannels, "every channel goes to the network");

// What a test bench may listen to, one call a word in stream order.
struct NoTap {
  static void frame(ap_uint<kBeatBits>) {}
  static void binned(const binned_pixel&) {}
};

inline pixel_codes encoded(const binned_pixel& pixel) {
#pragma HLS INLINE
  // Room for the product, and for its rounding at the largest shift.
  constexpr int kProduct = kBinnedBits + kGainBits + 2;
  constexpr int kBits = kProduct > kLargestShift ? kProduct : kLargestShift;
  pixel_codes codes = 0;
Channels:
  for (int channel = 0; channel < kNetworkChannels; ++channel) {
#pragma HLS UNROLL
    const ap_int<kBinnedBits + 1> above = ap_int<kBinnedBits + 1>(pixel.channel[channel]) - kChannelOffset[channel];
    const ap_int<kBits> product = ap_int<kBits>(above) * ap_int<kGainBits + 1>(kChannelGain[channel]);
    const ap_int<kPixelBits> code = saturate<kPixelBits>(shift_right(product, kChannelShift[channel]));
    codes.range((channel + 1) * kPixelBits - 1, channel * kPixelBits) = code.range();
  }
  return codes;
}

inline void encode(hls::stream<binned_pixel>& in, pixel_codes waiting[kPixels]) {
Encode:
  for (int i = 0; i < kPixels; ++i) {
#pragma HLS PIPELINE II = 1
    waiting[i] = encoded(in.read());
  }
}

inline void release(const pixel_codes waiting[kPixels], hls::stream<bool>& intact, hls::stream<pixel_beat>& out) {
  const bool whole = intact.read();
Release:
  for (int i = 0; i < kPixels; ++i) {
#pragma HLS PIPELINE II = 1
    if (whole) out.write(make_beat<kPixelBeatBits>(waiting[i], i == kPixels - 1));
  }
}

// One frame a call.
template <class Tap>
void encode_frame(hls::stream<frame_beat>& in, hls::stream<pixel_beat>& out) {
#pragma HLS DATAFLOW
  hls::stream<binned_pixel> binned("binned");
  hls::stream<bool> intact("intact");
  pixel_codes waiting[kPixels];

  receive<Tap>(in, binned, intact);
  encode(binned, waiting);
  release(waiting, intact, out);
}

}  // namespace cytogate
