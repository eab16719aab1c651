// Gradients to row words: sharpening along y, the forward row transform, and of kx = 0 the exact sum.
#pragma once

#include "butterflies.hpp"
#include "hls_stream.h"
#include "recursion_words.hpp"

namespace cytogate {

using row_sum = ap_int<kGrownBits>;

// Subtract a twelfth of the second difference along y; the first and the last row stay as they are. A row leaves while
// the one below it arrives.
inline void sharpen(hls::stream<input_word>& in, hls::stream<input_word>& out) {
  input_word rows[2][kSize];
#pragma HLS ARRAY_PARTITION variable = rows dim = 1 complete
  constexpr int kBits = kGradientBits + 10;
Sharpen:
  for (int i = 0; i < (kSize + 1) * kSize; ++i) {
#pragma HLS PIPELINE II = 1
#pragma HLS DEPENDENCE variable = rows type = inter false
    const int y = i / kSize, x = i % kSize;
    input_word below = {0, 0};
    if (y < kSize) below = in.read();
    const input_word here = rows[(y + 1) % 2][x], above = rows[y % 2][x];
    rows[y % 2][x] = below;
    if (y == 0) continue;
    input_word sharp = here;
    if (y > 1 && y < kSize) {
      const ap_int<kBits> bend_re = (above.re - 2 * here.re + below.re) * kSharpen;
      const ap_int<kBits> bend_im = (above.im - 2 * here.im + below.im) * kSharpen;
      sharp.re = here.re - shift_right(bend_re, kSharpenShift);
      sharp.im = here.im - shift_right(bend_im, kSharpenShift);
    }
    out.write(sharp);
  }
}

inline row_word stored_row_word(const grown_word& grown) {
#pragma HLS INLINE
  row_word word;
  word.re = saturate_symmetric<kRowBits>(shift_right(grown.re, kUnitLog2));
  word.im = saturate_symmetric<kRowBits>(shift_right(grown.im, kUnitLog2));
  return word;
}

// Put each line into natural order and pair its words; lines alternate between two banks.
template <class Tap>
void pair_words(hls::stream<grown_word>& in, hls::stream<row_pair>& pairs, hls::stream<row_sum>& sums) {
  grown_word bank[2][kSize];
PairWords:
  for (int i = 0; i < (kSize + 1) * kSize; ++i) {
#pragma HLS PIPELINE II = 1
    // One bank is written while the other is read.
#pragma HLS DEPENDENCE variable = bank type = inter false
    const int line = i / kSize, place = i % kSize;
    if (line > 0 && place < kHalf) {
      const grown_word plus = bank[(line + 1) % 2][bit_reversed<kSizeLog2>(place)];
      const grown_word minus = bank[(line + 1) % 2][bit_reversed<kSizeLog2>(place == 0 ? 0 : kSize - place)];
      if (place == 0) {
        sums.write(plus.im);
      } else {
        row_pair pair = {stored_row_word(plus), stored_row_word(minus)};
        pair.minus.im = -pair.minus.im;
        Tap::rows(pair);
        pairs.write(pair);
      }
    }
    if (line < kSize) bank[line % 2][place] = in.read();
  }
}

}  // namespace cytogate
