// A surface's row transform as a line along y of each column kx != 0, and what of it is in kx = 0.
#pragma once

#include "edges.hpp"
#include "hls_stream.h"
#include "recursion_words.hpp"
#include "row_words.hpp"
#include "surface.hpp"

namespace cytogate {

// A + B y of both parts.
struct surface_line {
  complex_t<kLineBits> constant, slope;
};

// The line of G[k], or, with the y gradient's sign changed, of conj G[-k].
inline surface_line line_of(const Surface& surface, int k, bool conjugate) {
#pragma HLS INLINE
  complex_coefficient s = surface.s, ss = surface.ss, st = surface.st;
  if (conjugate) {
    s.im = -s.im;
    ss.im = -ss.im;
    st.im = -st.im;
  }
  const complex_t<kPolynomialBits> linear = product(s, kLinearRe[k], kLinearIm[k]);
  const complex_t<kPolynomialBits> square = product(ss, kSquareRe[k], kSquareIm[k]);
  const complex_t<kPolynomialBits> across = product(st, kLinearRe[k], kLinearIm[k]);
  const auto constant = [](polynomial_t along, polynomial_t twist) {
    const polynomial_t first = (along << kSizeLog2) - twist * (kSize - 1);
    return saturate<kLineBits>(shift_right(first, kSurfaceFraction - kLineConstantFraction));
  };
  const auto slope = [](polynomial_t twist) {
    return saturate<kLineBits>(shift_right(polynomial_t(twist << 1), kSurfaceFraction - kLineSlopeFraction));
  };
  surface_line line;
  line.constant.re = constant(linear.re + square.re, across.re);
  line.constant.im = constant(linear.im + square.im, across.im);
  line.slope.re = slope(across.re);
  line.slope.im = slope(across.im);
  return line;
}

inline ap_int<kRowBits> less_line(ap_int<kRowBits> word, line_t constant, line_t slope, int y) {
#pragma HLS INLINE
  constexpr int kBits = kLineBits + kSizeLog2 + 2;
  const ap_int<kBits> value =
      (ap_int<kBits>(constant) << (kLineSlopeFraction - kLineConstantFraction)) + slope * ap_int<kSizeLog2 + 1>(y);
  return saturate<kRowBits>(ap_int<kBits>(word - shift_right(value, kLineSlopeFraction)));
}

// A row word less its surface.
inline row_word flat_word(const row_word& word, const surface_line& line, int y) {
#pragma HLS INLINE
  row_word flat;
  flat.re = less_line(word.re, line.constant.re, line.slope.re, y);
  flat.im = less_line(word.im, line.constant.im, line.slope.im, y);
  return flat;
}

// phi^ of kx = 0: trapezoid sums of the row sums, less the surface and the phase's zero. Where both halves tell a frame, the
// mean gradient goes with the surface. Exact integers until the one rounding.
inline void mean_column(hls::stream<row_sum>& sums, const Surface& surface, Half half, hls::stream<state_t>& out) {
  using number_t = ap_int<64>;
  constexpr int kRows = 1 << kOffsetRowsLog2;
  constexpr long long kThird = ((1LL << (2 * kSizeLog2)) - 1) / 3;
  row_sum row[kSize];
  number_t total = 0;
ReadSums:
  for (int y = 0; y < kSize; ++y) {
#pragma HLS PIPELINE II = 1
    row[y] = sums.read();
    total += row[y];
  }
  const ap_int<kCoefficientBits + 8> sharpened = surface.tt.im * kSharpen;
  const number_t of_surface = (number_t(surface.one.im) << (2 * kSizeLog2)) + number_t(surface.ss.im) * kThird -
                              shift_right(sharpened, kBendShift);
  const number_t of_frame = (total << kCoefficientFraction) - number_t(surface.tt.im) * kThird;
  const number_t trend = half == kBoth ? of_frame : of_surface;
  number_t numbers[kSize];
  number_t steps = 0, bends = 0, zero = 0;
Numbers:
  for (int y = 0; y < kSize; ++y) {
#pragma HLS PIPELINE II = 4
    const int v = 2 * y - (kSize - 1);
    if (y > 0) {
      steps += row[y - 1] + row[y];
      bends += (v - 2) * (v - 2) + v * v;
    }
    const number_t number = (steps << (kSizeLog2 + kCoefficientFraction)) - trend * (2 * y) -
                            number_t(surface.t.im) * (2 * kSize * y * (y + 1 - kSize)) - number_t(surface.tt.im) * bends;
    numbers[y] = number;
    if (half == kUpward ? y >= kSize - kRows : y < kRows) zero += number;
  }
  constexpr int kShift = kOffsetRowsLog2 + 1 + kSizeLog2 + kCoefficientFraction + kUnitLog2 - kPhiFraction;
WriteMeans:
  for (int y = 0; y < kSize; ++y) {
#pragma HLS PIPELINE II = 1
    const number_t level = (numbers[y] << kOffsetRowsLog2) - zero;
    out.write(saturate<kStateBits>(shift_right(level, kShift)));
  }
}

}  // namespace cytogate
