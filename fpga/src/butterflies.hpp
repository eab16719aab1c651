// One pass of the Fourier transform over the N lines of a frame: log2 N delay-feedback butterflies in a row, whose words
// grow and leave in bit-reversed order.
#pragma once

#include "hls_stream.h"
#include "words.hpp"

namespace cytogate {

enum class Direction { kForward, kInverse };

// Radix-2 decimation in frequency with N / 2^(Level + 1) words of delay: the first half of a block waits for the second;
// sums leave at once, differences wait in the freed delay and are turned by their twiddle on leaving.
template <Direction Way, int Level>
void butterfly(hls::stream<complex_t<grown_bits(Level)>>& in, hls::stream<complex_t<grown_bits(Level + 1)>>& out) {
  constexpr int kBits = grown_bits(Level + 1);
  constexpr int kDelay = kSize >> (Level + 1);
  constexpr int kWords = kSize * kSize;
  complex_t<kBits> delay[kDelay];
Butterfly:
  for (int i = 0; i < kWords + kDelay; ++i) {
#pragma HLS PIPELINE II = 1
    // A word is read kDelay rounds after it was written; only for kDelay = 1 is that the next round, and then it is a
    // register.
#pragma HLS DEPENDENCE variable = delay type = inter distance = kDelay true
    const int place = i % kDelay;
    const bool second_half = (i / kDelay) % 2 == 1;
    const complex_t<kBits> waiting = delay[place];
    complex_t<grown_bits(Level)> arriving = {0, 0};
    if (i < kWords) arriving = in.read();

    complex_t<kBits> leaving;
    if (second_half) {
      leaving.re = waiting.re + arriving.re;
      leaving.im = waiting.im + arriving.im;
      delay[place].re = waiting.re - arriving.re;
      delay[place].im = waiting.im - arriving.im;
    } else {
      const ap_int<kTwiddleBits> re = kTwiddleRe[place << Level];
      const ap_int<kTwiddleBits> im = Way == Direction::kForward ? kTwiddleIm[place << Level] : -kTwiddleIm[place << Level];
      constexpr int kProductBits = kBits + kTwiddleBits + 1;
      const ap_int<kProductBits> turned_re = waiting.re * re - waiting.im * im;
      const ap_int<kProductBits> turned_im = waiting.re * im + waiting.im * re;
      leaving.re = shift_right(turned_re, kTwiddleFraction);
      leaving.im = shift_right(turned_im, kTwiddleFraction);
      delay[place].re = arriving.re;
      delay[place].im = arriving.im;
    }
    if (i >= kDelay) out.write(leaving);
  }
}

// All levels from one on, each a process of its own. C++14 ends the recursion by a specialization.
template <Direction Way, int Level, bool IsLast>
struct Butterflies {
  static void run(hls::stream<complex_t<grown_bits(Level)>>& in, hls::stream<grown_word>& out) {
#pragma HLS DATAFLOW
    hls::stream<complex_t<grown_bits(Level + 1)>> next("next_level");
    butterfly<Way, Level>(in, next);
    Butterflies<Way, Level + 1, Level + 2 == kSizeLog2>::run(next, out);
  }
};

template <Direction Way, int Level>
struct Butterflies<Way, Level, true> {
  static void run(hls::stream<complex_t<grown_bits(Level)>>& in, hls::stream<grown_word>& out) {
#pragma HLS DATAFLOW
    butterfly<Way, Level>(in, out);
  }
};

inline ap_uint<kSizeLog2> bit_reversed(ap_uint<kSizeLog2> index) {
#pragma HLS INLINE
  ap_uint<kSizeLog2> reversed;
Reverse:
  for (int bit = 0; bit < kSizeLog2; ++bit) {
#pragma HLS UNROLL
    reversed[bit] = index[kSizeLog2 - 1 - bit];
  }
  return reversed;
}

}  // namespace cytogate
