// The one way in which integers are rounded and limited in every kernel; contract.hpp gives the widths.
#pragma once

#include "ap_int.h"
#include "contract.hpp"

namespace cytogate {

using namespace contract;

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
