// Cosine transforms of the lines of a map, by the Fourier transform of as many words, to stored words and an exponent.
#pragma once

#include "lines.hpp"

namespace cytogate {

constexpr int kMapLog2 = log2_of(kMapSize);

template <int Bits>
void to_real_words(const ap_int<Bits> line[kMapSize], ap_uint<Bits> magnitudes, hls::stream<real_word>& words,
                   hls::stream<exponent_t>& exponents) {
#pragma HLS INLINE
  const exponent_t exponent = exponent_of(magnitudes);
  exponents.write(exponent);
WriteWords:
  for (int k = 0; k < kMapSize; ++k) {
#pragma HLS PIPELINE II = 1
    words.write(saturate<kWordBits>(shift_right(line[k], exponent)));
  }
}

// The even places of a line, then the odd ones in reverse.
template <int From, int Bits>
void even_then_odd(hls::stream<ap_int<From>>& in, hls::stream<complex_t<Bits>>& out) {
  ap_int<From> line[kMapSize];
EvenThenOdd:
  for (int number = 0; number < kMapSize; ++number) {
  ReadLine:
    for (int i = 0; i < kMapSize; ++i) {
#pragma HLS PIPELINE II = 1
      line[i] = in.read();
    }
  WriteLine:
    for (int i = 0; i < kMapSize; ++i) {
#pragma HLS PIPELINE II = 1
      complex_t<Bits> word;
      word.re = line[i < kMapSize / 2 ? 2 * i : 2 * (kMapSize - 1 - i) + 1];
      word.im = 0;
      out.write(word);
    }
  }
}

// Frequencies times exp(-i pi k / 2M), real part.
template <int Bits>
void turn_to_cosines(hls::stream<complex_t<Bits>>& in, hls::stream<real_word>& words, hls::stream<exponent_t>& exponents) {
  ap_int<Bits + 1> line[kMapSize];
TurnToCosines:
  for (int number = 0; number < kMapSize; ++number) {
    ap_uint<Bits + 1> magnitudes = 0;
  ReadLine:
    for (int i = 0; i < kMapSize; ++i) {
#pragma HLS PIPELINE II = 1
      const complex_t<Bits> word = in.read();
      const int k = bit_reversed<kMapLog2>(i);
      const ap_int<kTwiddleBits> re = kCosineRe[k], im = kCosineIm[k];
      const ap_int<Bits + kTwiddleBits + 1> product = word.re * re - word.im * im;
      line[k] = shift_right(product, kTwiddleFraction);
      magnitudes |= magnitude(line[k]);
    }
    to_real_words(line, magnitudes, words, exponents);
  }
}

template <int From>
void cosine_transform(hls::stream<ap_int<From>>& in, hls::stream<real_word>& words, hls::stream<exponent_t>& exponents) {
#pragma HLS INLINE
  constexpr int kBits = From + 1;
  hls::stream<complex_t<kBits>> ordered("ordered");
  hls::stream<complex_t<kBits + kMapLog2>> grown("grown_cosines");
  even_then_odd(in, ordered);
  transform_lines<Direction::kForward, kMapSize, kMapSize, kBits>(ordered, grown);
  turn_to_cosines(grown, words, exponents);
}

// (C[k] - i C[M - k]) exp(i pi k / 2M), with C[M] = 0.
template <int Bits>
void turn_from_cosines(hls::stream<real_word>& in, hls::stream<complex_t<Bits>>& out) {
  real_word line[kMapSize];
TurnFromCosines:
  for (int number = 0; number < kMapSize; ++number) {
  ReadLine:
    for (int i = 0; i < kMapSize; ++i) {
#pragma HLS PIPELINE II = 1
      line[i] = in.read();
    }
  WriteLine:
    for (int k = 0; k < kMapSize; ++k) {
#pragma HLS PIPELINE II = 1
      const ap_int<kWordBits + 1> own = line[k];
      ap_int<kWordBits + 1> mirrored = 0;
      if (k > 0) mirrored = -ap_int<kWordBits + 1>(line[kMapSize - k]);
      const ap_int<kTwiddleBits> re = kCosineRe[k], im = -kCosineIm[k];
      const ap_int<kWordBits + kTwiddleBits + 2> product_re = own * re - mirrored * im;
      const ap_int<kWordBits + kTwiddleBits + 2> product_im = own * im + mirrored * re;
      complex_t<Bits> word;
      word.re = shift_right(product_re, kTwiddleFraction);
      word.im = shift_right(product_im, kTwiddleFraction);
      out.write(word);
    }
  }
}

// Words in their places again, real parts alone.
template <int Bits>
void in_natural_order(hls::stream<complex_t<Bits>>& in, hls::stream<real_word>& words,
                      hls::stream<exponent_t>& exponents) {
  ap_int<Bits> line[kMapSize];
InNaturalOrder:
  for (int number = 0; number < kMapSize; ++number) {
    ap_uint<Bits> magnitudes = 0;
  ReadLine:
    for (int i = 0; i < kMapSize; ++i) {
#pragma HLS PIPELINE II = 1
      const ap_int<Bits> word = in.read().re;
      const int place = bit_reversed<kMapLog2>(i);
      line[place < kMapSize / 2 ? 2 * place : 2 * (kMapSize - 1 - place) + 1] = word;
      magnitudes |= magnitude(word);
    }
    to_real_words(line, magnitudes, words, exponents);
  }
}

// M times what the cosine transform came from.
inline void inverse_cosine_transform(hls::stream<real_word>& in, hls::stream<real_word>& words,
                                     hls::stream<exponent_t>& exponents) {
#pragma HLS INLINE
  constexpr int kBits = kWordBits + 2;
  hls::stream<complex_t<kBits>> turned("turned");
  hls::stream<complex_t<kBits + kMapLog2>> grown("grown_surface");
  turn_from_cosines(in, turned);
  transform_lines<Direction::kInverse, kMapSize, kMapSize, kBits>(turned, grown);
  in_natural_order(grown, words, exponents);
}

}  // namespace cytogate
