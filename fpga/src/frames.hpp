// From AXI4-Stream beats of raw frames to gradients: framing, crop and binning, difference of logarithms.
#pragma once

#include "axis.hpp"
#include "hls_stream.h"
#include "surface.hpp"
#include "words.hpp"

namespace cytogate {

// One beat carries a pixel of all four angles, each in whole bytes, the first angle in the lowest.
constexpr int kLaneBits = kFrameBits > 8 ? 16 : 8;
constexpr int kFrameBeatBits = kAngles * kLaneBits;
using frame_beat = beat_t<kFrameBeatBits>;

struct binned_pixel {
  ap_uint<kBinnedBits> angle[kAngles];
};
using gradient_word = complex_t<kGradientBits>;

// The four bright-field pixels as the network sees them, first angle lowest.
using bright_pixel = ap_uint<kAngles * kPixelBits>;

// Receive one frame, crop its central window and sum kBinning x kBinning codes.
//
// TLAST belongs on the last beat and nowhere else. A short frame is filled up with zeros and a long one swallowed up to its
// TLAST, so that the next frame is received from its first pixel; `intact` tells the last stage to drop such a frame.
template <class Tap>
void receive(hls::stream<frame_beat>& in, hls::stream<binned_pixel>& out, hls::stream<bool>& intact) {
  constexpr int kWindow = kSize * kBinning;
  binned_pixel above[kSize];
#pragma HLS AGGREGATE variable = above
  // A place is written and read again a raw row apart.
#pragma HLS DEPENDENCE variable = above type = inter false
  binned_pixel beside;
  bool ended = false;
  bool ended_early = false;
Rows:
  for (int row = 0; row < kFrameRows; ++row) {
  Columns:
    for (int column = 0; column < kFrameColumns; ++column) {
#pragma HLS PIPELINE II = 1
      ap_uint<kFrameBeatBits> data = 0;
      ended_early |= ended;
      if (!ended) {
        const frame_beat beat = in.read();
        data = beat.data;
        ended = beat.last;
      }
      Tap::frame(data);
      const int y = row - kCropTop, x = column - kCropLeft;
      if (y < 0 || y >= kWindow || x < 0 || x >= kWindow) continue;
      const bool first_row = y % kBinning == 0, last_row = y % kBinning == kBinning - 1;
      const bool first_column = x % kBinning == 0, last_column = x % kBinning == kBinning - 1;
      binned_pixel sum;
    Angles:
      for (int angle = 0; angle < kAngles; ++angle) {
#pragma HLS UNROLL
        const ap_uint<kFrameBits> code = data.range(angle * kLaneBits + kFrameBits - 1, angle * kLaneBits);
        ap_uint<kBinnedBits> partial = code;
        if (!first_column) partial += beside.angle[angle];
        beside.angle[angle] = partial;
        if (last_column && !first_row) partial += above[x / kBinning].angle[angle];
        if (last_column) above[x / kBinning].angle[angle] = partial;
        sum.angle[angle] = partial;
      }
      if (last_row && last_column) {
        Tap::binned(sum);
        out.write(sum);
      }
    }
  }
  bool too_long = !ended;
Resynchronize:
  while (!ended) {
#pragma HLS PIPELINE II = 1
    ended = in.read().last;
  }
  intact.write(!ended_early && !too_long);
}

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
  for (int angle = 0; angle < kAngles; ++angle) {
#pragma HLS UNROLL
    constexpr int kLargest = (1 << kPixelBits) - 1;
    const ap_int<kBinnedBits + 1> code = shift_right(ap_int<kBinnedBits + 1>(pixel.angle[angle]), kPixelShift);
    codes.range((angle + 1) * kPixelBits - 1, angle * kPixelBits) = code > kLargest ? kLargest : int(code);
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
    gradient.re = gradient_of(pixel.angle[0], pixel.angle[1], kGradientGainX);
    gradient.im = gradient_of(pixel.angle[2], pixel.angle[3], kGradientGainY);
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
