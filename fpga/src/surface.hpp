// The least-squares surface of second order through a frame's border, and its row transform as polynomials along the
// columns: A + D v + Q v^2 with the odd integers v = 2 y - (N - 1).
#pragma once

#include "hls_stream.h"
#include "words.hpp"

namespace cytogate {

// |u| < N and there are fewer than N^2 border pixels, so u^2 adds 2 log2 N bits and the sum as many.
constexpr int kMomentBits = kGradientBits + 4 * kSizeLog2;
using moment_t = ap_int<kMomentBits>;
using coefficient_t = ap_int<kCoefficientBits>;
struct complex_coefficient {
  coefficient_t re, im;
};

struct Moments {
  moment_t one, u, v, uu, vv, uv;
};

struct Surface {
  complex_coefficient one, s, t, ss, tt, st;
};

// Words of a polynomial: a coefficient times a table value, three such complex products, times v^2 / N or N.
constexpr int kPolynomialBits = kCoefficientBits + kTwiddleBits + 3 + kSizeLog2 + 1;
static_assert(kPolynomialBits <= 63, "the integer model holds polynomials in 64 bits");
constexpr int kPolynomialFraction = kCoefficientFraction + kTwiddleFraction;
using polynomial_t = ap_int<kPolynomialBits>;
struct complex_polynomial {
  complex_t<kPolynomialBits> start, step, bend;
};

inline void accumulate(Moments& sums, ap_int<kGradientBits> gradient, ap_int<kSizeLog2 + 1> u, ap_int<kSizeLog2 + 1> v) {
#pragma HLS INLINE
  sums.one += gradient;
  sums.u += gradient * u;
  sums.v += gradient * v;
  sums.uu += gradient * (u * u);
  sums.vv += gradient * (v * v);
  sums.uv += gradient * (u * v);
}

template <int Shift, int Bits>
coefficient_t scaled(ap_int<Bits> moment, ap_uint<kGainBits> gain) {
#pragma HLS INLINE
  const ap_int<Bits + kGainBits + 1> product = moment * gain;
  return shift_right(product, Shift);
}

inline void fit(const Moments& m, coefficient_t& one, coefficient_t& s, coefficient_t& t, coefficient_t& ss,
                coefficient_t& tt, coefficient_t& st) {
  const ap_int<kMomentBits + 8> over_kappa = ap_int<kMomentBits + 8>(m.uu + m.vv) * 16 - m.one * ap_int<24>(kKappa16ths);
  const coefficient_t bowl = scaled<kBowlShift>(over_kappa, kBowlGain);
  const coefficient_t saddle = scaled<kSaddleShift>(ap_int<kMomentBits + 1>(m.uu - m.vv), kSaddleGain);
  const ap_int<kCoefficientBits + kTwiddleBits> at_kappa = bowl * ap_int<kTwiddleBits>(kKappa);
  one = scaled<kMeanShift>(m.one, kMeanGain) - shift_right(at_kappa, kTwiddleFraction);
  s = scaled<kLinearShift>(m.u, kLinearGain);
  t = scaled<kLinearShift>(m.v, kLinearGain);
  ss = bowl + saddle;
  tt = bowl - saddle;
  st = scaled<kTwistShift>(m.uv, kTwistGain);
}

// Once a frame, after its last gradient.
inline void fit_surface(hls::stream<Moments>& moments, hls::stream<Surface>& surfaces) {
  const Moments x = moments.read();
  const Moments y = moments.read();
  Surface surface;
  fit(x, surface.one.re, surface.s.re, surface.t.re, surface.ss.re, surface.tt.re, surface.st.re);
  fit(y, surface.one.im, surface.s.im, surface.t.im, surface.ss.im, surface.tt.im, surface.st.im);
  surfaces.write(surface);
}

inline complex_t<kPolynomialBits> product(const complex_coefficient& a, ap_int<kTwiddleBits> re, ap_int<kTwiddleBits> im) {
#pragma HLS INLINE
  complex_t<kPolynomialBits> result;
  result.re = a.re * re - a.im * im;
  result.im = a.re * im + a.im * re;
  return result;
}

// First value of N A + D v + Q v^2 at v = 1 - N, its first difference and its constant second one, v going by twos.
inline void differences(polynomial_t a, polynomial_t d, polynomial_t q, polynomial_t& start, polynomial_t& step,
                        polynomial_t& bend) {
#pragma HLS INLINE
  constexpr int kFirst = 1 - kSize;
  start = (a << kSizeLog2) + d * kFirst + q * (kFirst * kFirst);
  step = 2 * d + q * (4 * kFirst + 4);
  bend = 8 * q;
}

// Start value and differences of every column's polynomial, so that the subtraction needs adders alone.
inline void surface_columns(hls::stream<Surface>& surfaces, hls::stream<complex_polynomial>& columns) {
  const Surface surface = surfaces.read();
  constexpr int kOne = 1 << kTwiddleFraction;
SurfaceColumns:
  for (int k = 0; k < kSize; ++k) {
    // One column is wanted every N clocks: the multipliers are shared.
#pragma HLS PIPELINE II = 16
    const complex_t<kPolynomialBits> linear = product(surface.s, kLinearRe[k], kLinearIm[k]);
    const complex_t<kPolynomialBits> square = product(surface.ss, kSquareRe[k], kSquareIm[k]);
    const complex_t<kPolynomialBits> twist = product(surface.st, kLinearRe[k], kLinearIm[k]);
    // What does not depend on x is in the column kx = 0 alone.
    const int unit = k == 0 ? kOne : 0;
    const complex_t<kPolynomialBits> mean = product(surface.one, unit, 0);
    const complex_t<kPolynomialBits> mean_t = product(surface.t, unit, 0);
    const complex_t<kPolynomialBits> mean_tt = product(surface.tt, unit, 0);

    complex_polynomial column;
    differences(mean.re + linear.re + square.re, mean_t.re + twist.re, mean_tt.re >> kSizeLog2, column.start.re,
                column.step.re, column.bend.re);
    differences(mean.im + linear.im + square.im, mean_t.im + twist.im, mean_tt.im >> kSizeLog2, column.start.im,
                column.step.im, column.bend.im);
    columns.write(column);
  }
}

}  // namespace cytogate
