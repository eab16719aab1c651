// Lines of words between the passes of the off-axis retrieval: brought to stored words and an exponent, kept as a frame,
// read as lines or as columns. The law is stated in model/contract/off_axis.py.
#pragma once

#include "butterflies.hpp"
#include "complex.hpp"
#include "hls_stream.h"

namespace cytogate {

using exponent_t = ap_uint<6>;
using stored_word = complex_t<kWordBits>;

// Room for the shift to the largest exponent.
constexpr int kAlignedBits = 64;

using real_word = ap_int<kWordBits>;

inline real_word align_real(real_word word, int shift) {
#pragma HLS INLINE
  return shift_right(ap_int<kAlignedBits>(word), shift);
}

inline stored_word align_complex(stored_word word, int shift) {
#pragma HLS INLINE
  stored_word shifted;
  shifted.re = align_real(word.re, shift);
  shifted.im = align_real(word.im, shift);
  return shifted;
}

// Told of what leaves a stage; a test bench has others.
struct Nobody {
  static void word(const stored_word&) {}
  static void exponent(exponent_t) {}
};

template <int Bits>
ap_uint<Bits> magnitude(ap_int<Bits> word) {
#pragma HLS INLINE
  return word < 0 ? ap_int<Bits + 1>(-word) : ap_int<Bits + 1>(word);
}

// The exponent of a line whose magnitudes, joined by OR, are as long in bits as the largest.
template <int Bits>
exponent_t exponent_of(ap_uint<Bits> magnitudes) {
#pragma HLS INLINE
  const int excess = int(bit_length(magnitudes)) + 1 - kWordBits;
  return excess > 0 ? excess : 0;
}

// Of each transformed line, the Kept frequencies about a bin, in the order of numpy.fft.fftfreq, zero where the mask says.
template <class Listener, int Size, int Kept, int Lines, int Bits, bool IsMasked>
void keep_about(hls::stream<complex_t<Bits>>& in, int bin, const bool mask[kMapSize * kMapSize],
                hls::stream<stored_word>& words, hls::stream<exponent_t>& exponents) {
  complex_t<Bits> line[Size];
KeepLines:
  for (int number = 0; number < Lines; ++number) {
  ReadLine:
    for (int i = 0; i < Size; ++i) {
#pragma HLS PIPELINE II = 1
      line[bit_reversed<log2_of(Size)>(i)] = in.read();
    }
    ap_uint<Bits> magnitudes = 0;
  Measure:
    for (int k = 0; k < Kept; ++k) {
#pragma HLS PIPELINE II = 1
      const int own = k < Kept / 2 ? k : k - Kept;
      complex_t<Bits>& word = line[(own + bin) & (Size - 1)];
      if (IsMasked && !mask[k * kMapSize + number]) word.re = word.im = 0;
      magnitudes |= magnitude(word.re) | magnitude(word.im);
    }
    const exponent_t exponent = exponent_of(magnitudes);
    exponents.write(exponent);
    Listener::exponent(exponent);
  WriteLine:
    for (int k = 0; k < Kept; ++k) {
#pragma HLS PIPELINE II = 1
      const int own = k < Kept / 2 ? k : k - Kept;
      const complex_t<Bits> word = line[(own + bin) & (Size - 1)];
      stored_word stored;
      stored.re = saturate<kWordBits>(shift_right(word.re, exponent));
      stored.im = saturate<kWordBits>(shift_right(word.im, exponent));
      Listener::word(stored);
      words.write(stored);
    }
  }
}

// Keep lines as a frame, and tell the largest exponent.
template <class Word, int Lines, int Words>
void store_lines(hls::stream<Word>& words, hls::stream<exponent_t>& exponents, Word frame[Lines * Words],
                 exponent_t line_exponents[Lines], hls::stream<exponent_t>& largest) {
  exponent_t most = 0;
StoreLines:
  for (int i = 0; i < Lines * Words; ++i) {
#pragma HLS PIPELINE II = 1
    if (i % Words == 0) {
      const exponent_t exponent = exponents.read();
      line_exponents[i / Words] = exponent;
      if (exponent > most) most = exponent;
    }
    frame[i] = words.read();
  }
  largest.write(most);
}

// Read a frame's columns, all words at the largest exponent, which goes ahead of them.
template <class Word, Word Align(Word, int), int Lines, int Words>
void load_columns(const Word frame[Lines * Words], const exponent_t line_exponents[Lines],
                  hls::stream<exponent_t>& largest, hls::stream<Word>& out, hls::stream<exponent_t>& base) {
  const exponent_t most = largest.read();
  base.write(most);
LoadColumns:
  for (int i = 0; i < Lines * Words; ++i) {
#pragma HLS PIPELINE II = 1
    const int line = i % Lines, place = i / Lines;
    out.write(Align(frame[line * Words + place], int(most) - int(line_exponents[line])));
  }
}

// Give words the room that a transform needs.
template <int Words, int Bits>
void widen(hls::stream<stored_word>& in, hls::stream<complex_t<Bits>>& out) {
Widen:
  for (int i = 0; i < Words; ++i) {
#pragma HLS PIPELINE II = 1
    const stored_word word = in.read();
    complex_t<Bits> wide;
    wide.re = word.re;
    wide.im = word.im;
    out.write(wide);
  }
}

// Add the exponents that lines had to those they got.
template <int Lines>
void sum_exponents(hls::stream<exponent_t>& before, hls::stream<exponent_t>& gained, hls::stream<exponent_t>& sum) {
SumExponents:
  for (int i = 0; i < Lines; ++i) {
#pragma HLS PIPELINE II = 1
    sum.write(before.read() + gained.read());
  }
}

}  // namespace cytogate
