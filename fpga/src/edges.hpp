// Which half tells a frame whose surface is known beforehand: that which starts at the cleaner edge, or both.
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

constexpr int kEdgeLevelBits = kCoefficientBits + 2 * kSizeLog2 + 3;  // N^2 times the surface: six terms
constexpr int kEdgeSumBits = kEdgeLevelBits - kCoefficientFraction - kSizeLog2 + 2 + 5;  // two axes, N kBorder pixels
static_assert(kBorder <= 16, "an edge's sum has bits for 16 rows");
using edge_sum_t = ap_int<kEdgeSumBits>;

// Of one axis, how far a gradient is from the surface there.
inline edge_sum_t distance(ap_int<kGradientBits> gradient, coefficient_t one, coefficient_t s, coefficient_t t,
                           coefficient_t ss, coefficient_t tt, coefficient_t st, int u, int v) {
#pragma HLS INLINE
  using level_t = ap_int<kEdgeLevelBits>;
  const level_t base = (level_t(one) << (2 * kSizeLog2)) + level_t(t) * (v << kSizeLog2) + level_t(tt) * (v * v);
  const level_t slope = (level_t(s) << kSizeLog2) + level_t(st) * v;
  const level_t level = base + slope * u + level_t(ss) * (u * u);
  const edge_sum_t less = gradient - shift_right(level, kCoefficientFraction + 2 * kSizeLog2);
  return less < 0 ? edge_sum_t(-less) : less;
}

// Hand gradients on, and say which half is to tell their frame.
inline void choose_half(hls::stream<input_word>& in, hls::stream<input_word>& out, const KnownSurface& known,
                        hls::stream<Half>& half) {
  edge_sum_t top = 0, bottom = 0;
  const Surface& fit = known.surface;
ChooseHalf:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int y = i / kSize, x = i % kSize;
    const int u = 2 * x - (kSize - 1), v = 2 * y - (kSize - 1);
    const input_word gradient = in.read();
    out.write(gradient);
    const edge_sum_t both_axes =
        distance(gradient.re, fit.one.re, fit.s.re, fit.t.re, fit.ss.re, fit.tt.re, fit.st.re, u, v) +
        distance(gradient.im, fit.one.im, fit.s.im, fit.t.im, fit.ss.im, fit.tt.im, fit.st.im, u, v);
    if (y < kBorder) top += both_axes;
    if (y >= kSize - kBorder) bottom += both_axes;
  }
  Half cleaner = kBoth;
  const bool is_known = kKnownSurface && known.is_known;
  if (is_known && top * kCleanerLess > bottom * kCleanerMore) cleaner = kUpward;
  if (is_known && bottom * kCleanerLess > top * kCleanerMore) cleaner = kDownward;
  half.write(cleaner);
}

}  // namespace cytogate
