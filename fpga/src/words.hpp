// Words of the phase retrieval.
//
// They are integers whose point floats with the block exponent of their line, so they are ap_int and every rounding is
// the shift of rounding.hpp. The law is stated in model/contract/law.py.
#pragma once

#include "complex.hpp"

namespace cytogate {

static_assert((1 << kSizeLog2) == kSize && kSizeLog2 >= 6 && kSizeLog2 <= 8, "N is 64, 128 or 256");
static_assert(kQuotientBits == kWordBits + 1 && kGradientBits == kWordBits && kTransposeGuardBits == 1,
              "the growth of words below assumes these");
static_assert(kPasses == 4 && kTransposes == 2, "rows, columns, columns, rows");

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

}  // namespace cytogate
