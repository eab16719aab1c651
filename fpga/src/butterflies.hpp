// The Fourier transform of lines, one after the other: log2 Size delay-feedback butterflies in a row. Words leave in
// bit-reversed order, a bit wider for each level.
#pragma once

#include "complex.hpp"
#include "hls_stream.h"

namespace cytogate {

constexpr int log2_of(int size) { return size == 1 ? 0 : 1 + log2_of(size / 2); }

// Radix-2 decimation in frequency with Size / 2^(Level + 1) words of delay: the first half of a block waits for the
// second; sums leave at once, differences wait in the freed delay and are turned by their twiddle on leaving. The table
// of twiddles is that of kSize, of which a shorter line takes every few.
template <Direction Way, int Size, int Lines, int Bits, int Level>
void butterfly(hls::stream<complex_t<Bits + Level>>& in, hls::stream<complex_t<Bits + Level + 1>>& out) {
  constexpr int kBits = Bits + Level + 1;
  constexpr int kDelay = Size >> (Level + 1);
  constexpr int kWords = Size * Lines;
  constexpr int kStride = (kSize / Size) << Level;
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
    complex_t<Bits + Level> arriving = {0, 0};
    if (i < kWords) arriving = in.read();

    complex_t<kBits> leaving;
    if (second_half) {
      leaving.re = waiting.re + arriving.re;
      leaving.im = waiting.im + arriving.im;
      delay[place].re = waiting.re - arriving.re;
      delay[place].im = waiting.im - arriving.im;
    } else {
      const ap_int<kTwiddleBits> re = kTwiddleRe[place * kStride];
      const ap_int<kTwiddleBits> im =
          Way == Direction::kForward ? kTwiddleIm[place * kStride] : -kTwiddleIm[place * kStride];
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
template <Direction Way, int Size, int Lines, int Bits, int Level, bool IsLast>
struct Butterflies {
  static void run(hls::stream<complex_t<Bits + Level>>& in, hls::stream<complex_t<Bits + log2_of(Size)>>& out) {
#pragma HLS DATAFLOW
    hls::stream<complex_t<Bits + Level + 1>> next("next_level");
    butterfly<Way, Size, Lines, Bits, Level>(in, next);
    Butterflies<Way, Size, Lines, Bits, Level + 1, Level + 2 == log2_of(Size)>::run(next, out);
  }
};

template <Direction Way, int Size, int Lines, int Bits, int Level>
struct Butterflies<Way, Size, Lines, Bits, Level, true> {
  static void run(hls::stream<complex_t<Bits + Level>>& in, hls::stream<complex_t<Bits + log2_of(Size)>>& out) {
#pragma HLS DATAFLOW
    butterfly<Way, Size, Lines, Bits, Level>(in, out);
  }
};

template <Direction Way, int Size, int Lines, int Bits>
void transform_lines(hls::stream<complex_t<Bits>>& in, hls::stream<complex_t<Bits + log2_of(Size)>>& out) {
#pragma HLS INLINE
  Butterflies<Way, Size, Lines, Bits, 0, log2_of(Size) == 1>::run(in, out);
}

template <int SizeLog2>
ap_uint<SizeLog2> bit_reversed(ap_uint<SizeLog2> index) {
#pragma HLS INLINE
  ap_uint<SizeLog2> reversed;
Reverse:
  for (int bit = 0; bit < SizeLog2; ++bit) {
#pragma HLS UNROLL
    reversed[bit] = index[SizeLog2 - 1 - bit];
  }
  return reversed;
}

}  // namespace cytogate
