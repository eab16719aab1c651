// Turning a frame between passes: lines are written as they leave a pass and read across, all at the frame's exponent.
//
// The frame is a ping-pong buffer between its writer and its reader, so one frame is written while the one before it is
// read. What is linear in the spectrum is subtracted on the way out, where the whole frame is known: the surface behind
// the first transpose, the phase's zero behind the second.
#pragma once

#include "block_words.hpp"
#include "hls_stream.h"
#include "surface.hpp"

namespace cytogate {

inline void write_lines(hls::stream<stored_word>& words, hls::stream<exponent_t>& exponents,
                        stored_word frame[kSize * kSize], exponent_t line_exponents[kSize],
                        hls::stream<exponent_t>& frame_exponent) {
  exponent_t largest = 0;
  exponent_t exponent = 0;
WriteLines:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    if (i % kSize == 0) {
      exponent = exponents.read();
      line_exponents[i / kSize] = exponent;
      if (exponent > largest) largest = exponent;
    }
    frame[i] = words.read();
  }
  frame_exponent.write(largest + kTransposeGuardBits);
}

// Columns come with the exponents of two passes, so that the smallest may be this far below the largest.
constexpr int kAlignmentMax = 2 * (kGrownBits - kWordBits) + kTransposeGuardBits;

inline stored_word at_exponent(stored_word word, exponent_t line, exponent_t frame) {
#pragma HLS INLINE
  constexpr int kBits = kAlignmentMax > kWordBits ? kAlignmentMax : kWordBits;
  const int shift = int(frame) - int(line);
  stored_word shifted;
  shifted.re = shift_right(ap_int<kBits>(word.re), shift);
  shifted.im = shift_right(ap_int<kBits>(word.im), shift);
  return shifted;
}

// Rows in, columns out, less the row transform of the border's surface.
inline void read_columns(const stored_word frame[kSize * kSize], const exponent_t line_exponents[kSize],
                         hls::stream<exponent_t>& exponent_in, hls::stream<complex_polynomial>& surface,
                         hls::stream<input_word>& out, hls::stream<exponent_t>& exponent_out) {
  const exponent_t exponent = exponent_in.read();
  exponent_out.write(exponent);
  complex_polynomial column;
ReadColumns:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int k = i / kSize, y = i % kSize;
    if (y == 0) column = surface.read();
    const stored_word word = at_exponent(frame[y * kSize + k], line_exponents[y], exponent);
    const int shift = kPolynomialFraction + int(exponent);
    input_word flat;
    flat.re = saturate<kWordBits>(ap_int<kPolynomialBits + 1>(word.re - shift_right(column.start.re, shift)));
    flat.im = saturate<kWordBits>(ap_int<kPolynomialBits + 1>(word.im - shift_right(column.start.im, shift)));
    out.write(flat);
    column.start.re += column.step.re;
    column.start.im += column.step.im;
    column.step.re += column.bend.re;
    column.step.im += column.bend.im;
  }
}

// Columns in, rows out, less the mean over the first rows of what the last pass will make of the words kx = 0.
inline void read_rows(const stored_word frame[kSize * kSize], const exponent_t line_exponents[kSize],
                      hls::stream<exponent_t>& exponent_in, hls::stream<input_word>& out,
                      hls::stream<exponent_t>& exponent_out) {
  const exponent_t exponent = exponent_in.read();
  exponent_out.write(exponent);
  constexpr int kOffsetRows = 1 << kOffsetRowsLog2;
  ap_int<kWordBits + kOffsetRowsLog2> sum = 0;
Offset:
  for (int y = 0; y < kOffsetRows; ++y) {
#pragma HLS PIPELINE II = 1
    sum += at_exponent(frame[y], line_exponents[0], exponent).im;
  }
  const ap_int<kWordBits> offset = shift_right(sum, kOffsetRowsLog2);
ReadRows:
  for (int i = 0; i < kSize * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    const int y = i / kSize, k = i % kSize;
    const stored_word word = at_exponent(frame[k * kSize + y], line_exponents[k], exponent);
    input_word level;
    level.re = word.re;
    level.im = k == 0 ? ap_int<kWordBits + 1>(word.im - offset) : ap_int<kWordBits + 1>(word.im);
    out.write(level);
  }
}

}  // namespace cytogate
