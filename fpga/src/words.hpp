// Words of the phase retrieval and the one way in which they are rounded.
//
// The words are integers whose point floats with the block exponent of their line, so they are ap_int and every
// rounding is the shift below; ap_fixed appears where a format is fixed, at the kernel's ends. The law is stated in
// model/contract/law.py and the widths come from contract.hpp.
#pragma once

#include "ap_int.h"
#include "contract.hpp"

namespace cytogate {

using namespace contract;

static_assert((1 << kSizeLog2) == kSize && kSizeLog2 >= 6 && kSizeLog2 <= 8, "N is 64, 128 or 256");
static_assert(kQuotientBits == kWordBits + 1 && kGradientBits == kWordBits && kTransposeGuardBits == 1,
              "the growth of words below assumes these");
static_assert(kPasses == 4 && kTransposes == 2, "rows, columns, columns, rows");

template <int Bits>
struct complex_t {
  ap_int<Bits> re, im;
};

// A pass takes words one bit wider than stored ones, as the quotient makes them. A butterfly adds a bit a level, and the
// twiddles together turn a component by at most sqrt(2), which is the one bit more.
constexpr int grown_bits(int level) { return kWordBits + level + 1; }
constexpr int kGrownBits = grown_bits(kSizeLog2);
using input_word = complex_t<grown_bits(0)>;
using grown_word = complex_t<kGrownBits>;
using stored_word = complex_t<kWordBits>;

// One line's exponent is at most kGrownBits - kWordBits; three normalizations and two guards come together.
constexpr int kExponentMax = kPasses * (kGrownBits - kWordBits) + kTransposes * kTransposeGuardBits;
using exponent_t = ap_uint<6>;
static_assert(kExponentMax < 64, "exponent_t holds the sum");

// Divide by 2^shift, to the nearest integer, halves to the even one. shift <= Bits.
template <int Bits>
ap_int<Bits> shift_right(ap_int<Bits> value, int shift) {
#pragma HLS INLINE
  const ap_int<Bits + 1> half = (ap_int<Bits + 2>(1) << shift) >> 1;
  const ap_int<Bits> quotient = value >> shift;
  const bool tie_down = shift > 0 && !quotient[0];
  return (ap_int<Bits + 2>(value) + half - ap_int<2>(tie_down ? 1 : 0)) >> shift;
}

template <int To, int From>
ap_int<To> saturate(ap_int<From> value) {
#pragma HLS INLINE
  constexpr long long kMax = (1LL << (To - 1)) - 1;
  if (value > kMax) return kMax;
  if (value < -kMax - 1) return -kMax - 1;
  return value;
}

// Position of the leading one, counted from 1; 0 for 0.
template <int Bits>
ap_uint<6> bit_length(ap_uint<Bits> value) {
#pragma HLS INLINE
  ap_uint<6> length = 0;
LeadingOne:
  for (int bit = 0; bit < Bits; ++bit) {
#pragma HLS UNROLL
    if (value[bit]) length = bit + 1;
  }
  return length;
}

}  // namespace cytogate
