// Q-ATOM phase retrieval (Meng 2017, Eq. 1 and 2): raw four-angle frames in, pixels of all angles and the
// phase for the network out.
//
// Frame after frame in one dataflow region: while rows of one frame arrive, columns of the one before are transformed and
// rows of the one before that leave. Two passes therefore remain after a frame's last pixel.
#pragma once

#include "block_words.hpp"
#include "frames.hpp"
#include "gradients.hpp"
#include "hls_stream.h"
#include "phase_pixels.hpp"
#include "transform.hpp"
#include "transpose.hpp"

namespace cytogate {

// The first and the last process of a frame are kTransposes frames apart, so that many frames and the arriving one wait.
constexpr int kFramesInFlight = kTransposes + 1;
static_assert(kFramesInFlight * kSize * kSize == kBrightFieldDepth, "the contract counts the buffer that waits");

// What a test bench may listen to, one call a word in stream order. The kernel itself is built with this one, which hears
// nothing and costs nothing.
struct NoTap {
  static void frame(ap_uint<kBeatBits>) {}
  static void binned(const binned_pixel&) {}
  static void gradient(const gradient_word&) {}
  static void spectrum(const stored_word&) {}
  static void spectrum_exponent(exponent_t) {}
  static void quotient(const input_word&) {}
  static void phase(ap_int<kPhaseBits>) {}
};

// Multiply the spectrum by 1 / (kx + i ky); zero at k = 0 and on the Nyquist row and column.
template <class Tap>
void divide(hls::stream<stored_word>& in, hls::stream<exponent_t>& line_exponents, hls::stream<exponent_t>& frame_exponent,
            hls::stream<input_word>& out, hls::stream<exponent_t>& exponents) {
  const exponent_t base = frame_exponent.read();
Divide:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int column = i / kSize, row = i % kSize;
    constexpr int kHalf = kSize / 2;
    if (row == 0) {
      const exponent_t exponent = base + line_exponents.read();
      Tap::spectrum_exponent(exponent);
      exponents.write(exponent);
    }
    const stored_word word = in.read();
    Tap::spectrum(word);
    const int kx = column < kHalf ? column : kSize - column;
    const int ky = row < kHalf ? row : kSize - row;
    const bool nyquist = kx == kHalf || ky == kHalf;
    const ap_int<kTwiddleBits> along_x = nyquist ? 0 : kQuadrant[kx * kHalf + ky];
    const ap_int<kTwiddleBits> along_y = nyquist ? 0 : kQuadrant[ky * kHalf + kx];
    const ap_int<kTwiddleBits> re = column < kHalf ? along_x : ap_int<kTwiddleBits>(-along_x);
    const ap_int<kTwiddleBits> im = row < kHalf ? ap_int<kTwiddleBits>(-along_y) : along_y;
    constexpr int kProductBits = kWordBits + kTwiddleBits + 1;
    const ap_int<kProductBits> product_re = word.re * re - word.im * im;
    const ap_int<kProductBits> product_im = word.re * im + word.im * re;
    input_word quotient;
    quotient.re = shift_right(product_re, kTwiddleFraction);
    quotient.im = shift_right(product_im, kTwiddleFraction);
    Tap::quotient(quotient);
    out.write(quotient);
  }
}

// Add the exponents that a column had before its inverse transform to those it got by it.
inline void add_exponents(hls::stream<exponent_t>& before, hls::stream<exponent_t>& gained, hls::stream<exponent_t>& sum) {
AddExponents:
  for (int i = 0; i < kSize; ++i) {
#pragma HLS PIPELINE II = 1
    sum.write(before.read() + gained.read());
  }
}

// Give words of the last pass their unit, and let the bright-field pixels that waited leave with them.
template <class Tap>
void emit(hls::stream<stored_word>& in, hls::stream<exponent_t>& line_exponents, hls::stream<exponent_t>& frame_exponent,
          const bright_pixel waiting[kSize * kSize], hls::stream<bool>& intact, hls::stream<pixel_beat>& out) {
  const exponent_t base = frame_exponent.read();
  const bool whole = intact.read();
  // Room for the product, for its rounding at the largest shift, and for the largest shift to the left.
  constexpr int kLeft = kExponentMax > kPhaseShift ? kExponentMax - kPhaseShift : 0;
  constexpr int kProduct = kWordBits + kGainBits + kLeft + 1;
  constexpr int kBits = kProduct > kPhaseShift ? kProduct : kPhaseShift;
  exponent_t exponent = 0;
Emit:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    if (i % kSize == 0) exponent = base + line_exponents.read();
    const ap_int<kBits> product = ap_int<kBits>(in.read().im) * ap_int<kGainBits + 1>(kPhaseGain);
    const int shift = kPhaseShift - int(exponent);
    const ap_int<kBits> scaled = shift >= 0 ? shift_right(product, shift) : ap_int<kBits>(product << -shift);
    const ap_int<kPhaseBits> code = saturate<kPhaseBits>(scaled);
    Tap::phase(code);

    const pixel_bits pixel = with_phase(waiting[i], code);
    if (whole) out.write(make_beat<kPixelBeatBits>(pixel, i == kSize * kSize - 1));
  }
}

// One frame a call.
template <class Tap>
void retrieve_frame(hls::stream<frame_beat>& in, hls::stream<pixel_beat>& out) {
#pragma HLS DATAFLOW
  hls::stream<binned_pixel> binned("binned");
  hls::stream<bool> intact("intact");
  hls::stream<input_word> gradient("gradient"), columns("columns"), quotient("quotient"), rows("rows");
  hls::stream<Moments> moments("moments");
  hls::stream<Surface> surface("surface");
  hls::stream<complex_polynomial> polynomials("polynomials");
  hls::stream<stored_word> row_words("row_words"), spectrum("spectrum"), column_words("column_words"), phase("phase");
  hls::stream<exponent_t> row_exponents("row_exponents"), frame_exponent("frame_exponent"),
      column_base("column_base"), spectrum_exponents("spectrum_exponents"), quotient_exponents("quotient_exponents"),
      gained_exponents("gained_exponents"), column_exponents("column_exponents"), turned_exponent("turned_exponent"),
      phase_base("phase_base"), phase_exponents("phase_exponents");
  // A column's exponent waits for its inverse transform: one line in the butterflies and one in the normalization.
#pragma HLS STREAM variable = quotient_exponents depth = 4
#pragma HLS STREAM variable = intact depth = kFramesInFlight
  bright_pixel waiting[kSize * kSize];
#pragma HLS STREAM variable = waiting type = pipo depth = kFramesInFlight
  stored_word by_rows[kSize * kSize], by_columns[kSize * kSize];
  exponent_t by_rows_exponents[kSize], by_columns_exponents[kSize];

  receive<Tap>(in, binned, intact);
  gradients<Tap>(binned, gradient, waiting, moments);
  fit_surface(moments, surface);
  transform<Direction::kForward>(gradient, row_words, row_exponents);
  write_lines(row_words, row_exponents, by_rows, by_rows_exponents, frame_exponent);

  surface_columns(surface, polynomials);
  read_columns(by_rows, by_rows_exponents, frame_exponent, polynomials, columns, column_base);
  transform<Direction::kForward>(columns, spectrum, spectrum_exponents);
  divide<Tap>(spectrum, spectrum_exponents, column_base, quotient, quotient_exponents);
  transform<Direction::kInverse>(quotient, column_words, gained_exponents);
  add_exponents(quotient_exponents, gained_exponents, column_exponents);
  write_lines(column_words, column_exponents, by_columns, by_columns_exponents, turned_exponent);

  read_rows(by_columns, by_columns_exponents, turned_exponent, rows, phase_base);
  transform<Direction::kInverse>(rows, phase, phase_exponents);
  emit<Tap>(phase, phase_exponents, phase_base, waiting, intact, out);
}

}  // namespace cytogate
