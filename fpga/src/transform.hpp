// A pass of the law "fft": butterflies, then the normalization of each line to stored words and an exponent.
#pragma once

#include "block_words.hpp"
#include "butterflies.hpp"
#include "hls_stream.h"

namespace cytogate {

// Put each line into natural order and bring it to stored words. A line's exponent is known when its last word is in, so
// lines alternate between two banks; it leaves ahead of its words.
inline void normalize_lines(hls::stream<grown_word>& in, hls::stream<stored_word>& words,
                            hls::stream<exponent_t>& exponents) {
  grown_word bank[2][kSize];
  ap_uint<kGrownBits> magnitudes = 0;
  exponent_t exponent = 0;
NormalizeLines:
  for (int i = 0; i < (kSize + 1) * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    // One bank is written while the other is read.
#pragma HLS DEPENDENCE variable = bank type = inter false
    const int line = i / kSize;
    const int place = i % kSize;
    if (place == 0 && line > 0) {
      // The OR of magnitudes is as long in bits as the largest.
      const int excess = int(bit_length(magnitudes)) + 1 - kWordBits;
      exponent = excess > 0 ? excess : 0;
      exponents.write(exponent);
      magnitudes = 0;
    }
    if (line < kSize) {
      const grown_word word = in.read();
      bank[line % 2][place] = word;
      magnitudes |= ap_uint<kGrownBits>(word.re < 0 ? ap_int<kGrownBits + 1>(-word.re) : ap_int<kGrownBits + 1>(word.re));
      magnitudes |= ap_uint<kGrownBits>(word.im < 0 ? ap_int<kGrownBits + 1>(-word.im) : ap_int<kGrownBits + 1>(word.im));
    }
    if (line > 0) {
      const grown_word word = bank[(line + 1) % 2][bit_reversed<kSizeLog2>(place)];
      stored_word stored;
      stored.re = saturate<kWordBits>(shift_right(word.re, exponent));
      stored.im = saturate<kWordBits>(shift_right(word.im, exponent));
      words.write(stored);
    }
  }
}

template <Direction Way>
void transform(hls::stream<input_word>& in, hls::stream<stored_word>& words, hls::stream<exponent_t>& exponents) {
#pragma HLS DATAFLOW
  hls::stream<grown_word> grown("grown");
  transform_lines<Way, kSize, kSize, grown_bits(0)>(in, grown);
  normalize_lines(grown, words, exponents);
}

}  // namespace cytogate
