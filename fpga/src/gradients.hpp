// Sums of opposing angles to gradients: difference of logarithms, gain of each axis, moments of the border.
#pragma once

#include "frames.hpp"
#include "hls_stream.h"
#include "surface.hpp"
#include "words.hpp"

namespace cytogate {

using gradient_word = complex_t<kGradientBits>;

// The bright-field pixels as the network sees them, first angle lowest.
using bright_pixel = ap_uint<kFrameChannels * kPixelBits>;

// log2 with kLogFractionBits behind the point; zero counts as one half.
inline ap_int<kLogFractionBits + 6> log2_of(ap_uint<kBinnedBits> value) {
#pragma HLS INLINE
  constexpr int kFraction = kBinnedBits - 1;
  static_assert(kFraction >= kLogAddressBits, "the ROM is no finer than the samples");
  const ap_int<6> exponent = ap_int<7>(bit_length(value)) - 1;
  ap_uint<kBinnedBits> aligned = 0;
  if (exponent >= 0) aligned = value << (kFraction - int(exponent));
  const ap_uint<kFraction> fraction = aligned;
  // Exponent and fraction round as one number: a fraction that rounds up to 1 carries into the exponent.
  const ap_int<6 + kFraction> position = (ap_int<6 + kFraction>(exponent) << kFraction) + fraction;
  const ap_int<6 + kFraction> rounded = shift_right(position, kFraction - kLogAddressBits);
  const ap_int<6> whole = rounded >> kLogAddressBits;
  const ap_uint<kLogAddressBits> address = rounded;
  return (ap_int<kLogFractionBits + 6>(whole) << kLogFractionBits) + kLogFraction[address];
}

inline ap_int<kGradientBits> gradient_of(ap_uint<kBinnedBits> plus, ap_uint<kBinnedBits> minus, int gain) {
#pragma HLS INLINE
  const ap_int<kLogFractionBits + 7> difference = log2_of(plus) - log2_of(minus);
  const ap_int<kGradientBits + kTwiddleBits> product =
      saturate<kGradientBits>(difference) * ap_int<kTwiddleBits>(gain);
  return saturate<kGradientBits>(shift_right(product, kTwiddleFraction));
}

inline bright_pixel bright_codes(const binned_pixel& pixel) {
#pragma HLS INLINE
  bright_pixel codes = 0;
Codes:
  for (int channel = 0; channel < kFrameChannels; ++channel) {
#pragma HLS UNROLL
    constexpr int kLargest = (1 << kPixelBits) - 1;
    const ap_int<kBinnedBits + 1> code = shift_right(ap_int<kBinnedBits + 1>(pixel.channel[channel]), kPixelShift);
    codes.range((channel + 1) * kPixelBits - 1, channel * kPixelBits) = code > kLargest ? kLargest : int(code);
  }
  return codes;
}

// Gradients of a frame, its bright-field pixels for the buffer in which they wait, and the border's moments.
template <class Tap>
void gradients(hls::stream<binned_pixel>& in, hls::stream<input_word>& out, bright_pixel waiting[kSize * kSize],
               hls::stream<Moments>& moments) {
  Moments along_x = {0, 0, 0, 0, 0, 0}, along_y = {0, 0, 0, 0, 0, 0};
Gradients:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int y = i / kSize, x = i % kSize;
    const binned_pixel pixel = in.read();
    gradient_word gradient;
    gradient.re = gradient_of(pixel.channel[0], pixel.channel[1], kGradientGainX);
    gradient.im = gradient_of(pixel.channel[2], pixel.channel[3], kGradientGainY);
    Tap::gradient(gradient);
    waiting[i] = bright_codes(pixel);
    const bool border = y < kBorder || y >= kSize - kBorder || x < kBorder || x >= kSize - kBorder;
    if (border) {
      const int u = 2 * x - (kSize - 1), v = 2 * y - (kSize - 1);
      accumulate(along_x, gradient.re, u, v);
      accumulate(along_y, gradient.im, u, v);
    }
    input_word word;
    word.re = gradient.re;
    word.im = gradient.im;
    out.write(word);
  }
  moments.write(along_x);
  moments.write(along_y);
}

}  // namespace cytogate
