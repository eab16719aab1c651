// Words of the laws with a recursion along the columns: model/contract/recursion.py.
#pragma once

#include "words.hpp"

namespace cytogate {

constexpr int kHalf = kSize / 2;       // columns kx = 0 ... N/2 - 1
constexpr int kRecursions = kHalf - 1;  // those with a recursion, k = kx from 1 on
using state_t = ap_int<kStateBits>;
using line_t = ap_int<kLineBits>;
using row_word = complex_t<kRowBits>;
using state_word = complex_t<kStateBits>;

// A row word of k, and the conjugate of that of -k.
struct row_pair {
  row_word plus, minus;
};

// As far below zero as above, so that the conjugate of a word is one.
template <int To, int From>
ap_int<To> saturate_symmetric(ap_int<From> value) {
#pragma HLS INLINE
  constexpr long long kMax = (1LL << (To - 1)) - 1;
  if (value > kMax) return kMax;
  if (value < -kMax) return -kMax;
  return value;
}

// One step of the recursion: a state of a column, and the word of the row that is left.
inline state_t next_state(state_t state, ap_int<kRowBits> word, int k) {
#pragma HLS INLINE
  const ap_int<kStateBits + kConstantBits> decayed = state * ap_int<kConstantBits>(kRecursionA[k - 1]);
  return shift_right(decayed, kConstantFraction) + (ap_int<kStateBits>(word) << kStateFraction);
}

// A part of i phi^ of states and row words of both halves.
inline state_t column_part(state_t first, state_t second, ap_int<kRowBits> near, ap_int<kRowBits> far, int k) {
#pragma HLS INLINE
  const ap_int<kStateBits + 1> sum = first + second;
  const ap_int<kStateBits + 1> state = shift_right(sum, 1);
  const ap_int<kRowBits + 2> word = ap_int<kRowBits + 2>(near + far) << (kStateFraction - 1);
  constexpr int kBits = kStateBits + kConstantBits + 2;
  const ap_int<kBits> total = state * ap_int<kConstantBits>(kRecursionQ[k - 1]) + word * ap_int<kConstantBits>(kRecursionU[k - 1]);
  return shift_right(total, kConstantFraction + kStateFraction - kPhiFraction);
}

}  // namespace cytogate
