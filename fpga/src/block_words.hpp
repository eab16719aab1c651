// Words whose point floats with the block exponent of their line: those of the law "fft", model/contract/law.py.
#pragma once

#include "words.hpp"

namespace cytogate {

static_assert(kQuotientBits == kWordBits + 1 && kTransposeGuardBits == 1, "the growth of words assumes these");
static_assert(kPasses == 4 && kTransposes == 2, "rows, columns, columns, rows");

using stored_word = complex_t<kWordBits>;

// One line's exponent is at most kGrownBits - kWordBits; three normalizations and two guards come together.
constexpr int kExponentMax = kPasses * (kGrownBits - kWordBits) + kTransposes * kTransposeGuardBits;
using exponent_t = ap_uint<6>;
static_assert(kExponentMax < 64, "exponent_t holds the sum");

}  // namespace cytogate
