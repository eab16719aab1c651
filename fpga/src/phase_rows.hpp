// Columns i phi^ to pixels: two rows of phase, which are real, are the two parts of one inverse row transform.
#pragma once

#include "butterflies.hpp"
#include "hls_stream.h"
#include "phase_pixels.hpp"
#include "recursion_words.hpp"

namespace cytogate {

constexpr int kPairs = kSize / 2;

// Lines of row 2 p + 1, its transform real, and row 2 p, its transform imaginary: phi^[odd] + i phi^[even], Hermitian.
// `columns` hold i phi^ of kx != 0, k - 1 running fastest; that of kx = 0 is i times `means`.
template <class Tap>
void pair_rows(const state_word columns[kSize * kRecursions], hls::stream<state_t>& means, hls::stream<state_word>& out) {
  state_word rows[2][kSize];
PairRows:
  for (int i = 0; i < (kPairs + 1) * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    // One pair is read while the other is written.
#pragma HLS DEPENDENCE variable = rows type = inter false
    const int pair = i / kSize, place = i % kSize;
    if (pair > 0) {
      state_word line = {0, 0};
      if (place != kHalf) {
        const bool positive = place < kHalf;
        const int k = positive ? place : kSize - place;
        // phi^ = -i (i phi^): its parts are the second and the first one with its sign changed.
        const state_word even = rows[(pair + 1) % 2][k], odd = rows[(pair + 1) % 2][kHalf + k];
        using sum_t = ap_int<kStateBits + 1>;
        line.re = saturate<kStateBits>(positive ? sum_t(odd.im + even.re) : sum_t(odd.im - even.re));
        line.im = saturate<kStateBits>(positive ? sum_t(even.im - odd.re) : sum_t(even.im + odd.re));
      }
      out.write(line);
    }
    if (pair < kPairs) {
      const int y = 2 * pair + place / kHalf, k = place % kHalf;
      state_word column = {0, 0};
      if (k == 0)
        column.im = means.read();
      else
        column = columns[y * kRecursions + k - 1];
      Tap::column(column);
      rows[pair % 2][place] = column;
    }
  }
}

// Radix-2 decimation in frequency as in butterflies.hpp, with a positive exponent, and every word saturated.
template <int Level>
void saturating_butterfly(hls::stream<state_word>& in, hls::stream<state_word>& out) {
  constexpr int kDelay = kSize >> (Level + 1);
  constexpr int kWords = kPairs * kSize;
  using sum_t = ap_int<kStateBits + 1>;
  state_word delay[kDelay];
SaturatingButterfly:
  for (int i = 0; i < kWords + kDelay; ++i) {
#pragma HLS PIPELINE II = 1
#pragma HLS DEPENDENCE variable = delay type = inter distance = kDelay true
    const int place = i % kDelay;
    const bool second_half = (i / kDelay) % 2 == 1;
    const state_word waiting = delay[place];
    state_word arriving = {0, 0};
    if (i < kWords) arriving = in.read();

    state_word leaving;
    if (second_half) {
      leaving.re = saturate<kStateBits>(sum_t(waiting.re + arriving.re));
      leaving.im = saturate<kStateBits>(sum_t(waiting.im + arriving.im));
      delay[place].re = saturate<kStateBits>(sum_t(waiting.re - arriving.re));
      delay[place].im = saturate<kStateBits>(sum_t(waiting.im - arriving.im));
    } else {
      const ap_int<kTwiddleBits> re = kTwiddleRe[place << Level];
      const ap_int<kTwiddleBits> im = -kTwiddleIm[place << Level];
      constexpr int kProductBits = kStateBits + kTwiddleBits + 1;
      const ap_int<kProductBits> turned_re = waiting.re * re - waiting.im * im;
      const ap_int<kProductBits> turned_im = waiting.re * im + waiting.im * re;
      leaving.re = saturate<kStateBits>(shift_right(turned_re, kTwiddleFraction));
      leaving.im = saturate<kStateBits>(shift_right(turned_im, kTwiddleFraction));
      delay[place] = arriving;
    }
    if (i >= kDelay) out.write(leaving);
  }
}

// All levels from one on, each a process of its own.
template <int Level, bool IsLast>
struct SaturatingButterflies {
  static void run(hls::stream<state_word>& in, hls::stream<state_word>& out) {
#pragma HLS DATAFLOW
    hls::stream<state_word> next("next_level");
    saturating_butterfly<Level>(in, next);
    SaturatingButterflies<Level + 1, Level + 2 == kSizeLog2>::run(next, out);
  }
};

template <int Level>
struct SaturatingButterflies<Level, true> {
  static void run(hls::stream<state_word>& in, hls::stream<state_word>& out) {
#pragma HLS DATAFLOW
    saturating_butterfly<Level>(in, out);
  }
};

// Give words of the inverse transform their unit: of each line the imaginary parts first, row 2 p, then the real ones. The
// bright-field pixels that waited leave with them.
template <class Tap>
void emit_rows(hls::stream<state_word>& in, const bright_pixel waiting[kSize * kSize], hls::stream<bool>& intact,
               hls::stream<pixel_beat>& out) {
  const bool whole = intact.read();
  state_word bank[2][kSize];
  constexpr int kProduct = kStateBits + kGainBits + 1;
  constexpr int kBits = kProduct > kPhaseShift ? kProduct : kPhaseShift;
EmitRows:
  for (int i = 0; i < (kPairs + 1) * 2 * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    // One bank is written while the other is read.
#pragma HLS DEPENDENCE variable = bank type = inter false
    const int line = i / (2 * kSize), place = i % (2 * kSize);
    if (line > 0) {
      const state_word word = bank[(line + 1) % 2][bit_reversed<kSizeLog2>(place % kSize)];
      const ap_int<kBits> product = ap_int<kBits>(place < kSize ? word.im : word.re) * ap_int<kGainBits + 1>(kPhaseGain);
      const ap_int<kPhaseBits> code = saturate<kPhaseBits>(shift_right(product, kPhaseShift));
      Tap::phase(code);
      const int pixel = i - 2 * kSize;
      if (whole) out.write(make_beat<kPixelBeatBits>(with_phase(waiting[pixel], code), pixel == kSize * kSize - 1));
    }
    if (line < kPairs && place % 2 == 0) bank[line % 2][place / 2] = in.read();
  }
}

}  // namespace cytogate
