// Which half tells a frame whose surface is known beforehand: that which starts at its clean edge, or both.
#pragma once

#include "hls_stream.h"
#include "surface.hpp"

namespace cytogate {

enum Half { kBoth = kHalfBoth, kDownward = kHalfDown, kUpward = kHalfUp };

// A surface that was measured in empty fields, and whether frames are flattened by it, or each by its own border.
struct KnownSurface {
  bool is_known;
  Surface surface;
};

constexpr int kChangeBits = kGradientBits + 1;  // of a difference, and of its magnitude
constexpr int kEdgeSumBits = kChangeBits + 1 + kSizeLog2 + 4;  // two axes, N kBorder pixels
static_assert(kBorder <= 16, "an edge's sum has bits for 16 rows");
using edge_sum_t = ap_int<kEdgeSumBits>;

// How far apart gradients of one axis are.
inline edge_sum_t distance(ap_int<kGradientBits> one, ap_int<kGradientBits> other) {
#pragma HLS INLINE
  const ap_int<kChangeBits> change = one - other;
  return change < 0 ? edge_sum_t(-change) : edge_sum_t(change);
}

// Hand gradients on, and say which half is to tell their frame.
inline void choose_half(hls::stream<input_word>& in, hls::stream<input_word>& out, const KnownSurface& known,
                        hls::stream<Half>& half) {
  edge_sum_t top = 0, bottom = 0;
  input_word before[kCleanerApart] = {};  // the latest one first
#pragma HLS ARRAY_PARTITION variable = before complete
ChooseHalf:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int y = i / kSize, x = i % kSize;
    const input_word gradient = in.read(), earlier = before[kCleanerApart - 1];
    out.write(gradient);
    for (int place = kCleanerApart - 1; place > 0; --place) before[place] = before[place - 1];
    before[0] = gradient;
    const edge_sum_t both_axes = distance(gradient.re, earlier.re) + distance(gradient.im, earlier.im);
    if (x >= kCleanerApart && y < kBorder) top += both_axes;
    if (x >= kCleanerApart && y >= kSize - kBorder) bottom += both_axes;
  }
  Half cleaner = kBoth;
  const bool is_known = kKnownSurface && known.is_known;
  if (is_known && top * kCleanerLess > bottom * kCleanerMore) cleaner = kUpward;
  if (is_known && bottom * kCleanerLess > top * kCleanerMore) cleaner = kDownward;
  half.write(cleaner);
}

}  // namespace cytogate
