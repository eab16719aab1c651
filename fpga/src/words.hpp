// Words of the phase retrieval that do not depend on its law.
//
// They are integers whose scale the contract gives, so they are ap_int and every rounding is the shift of rounding.hpp.
#pragma once

#include "complex.hpp"

namespace cytogate {

static_assert((1 << kSizeLog2) == kSize && kSizeLog2 >= 6 && kSizeLog2 <= 8, "N is 64, 128 or 256");
static_assert(kGradientBits == kWordBits, "the growth of words below assumes it");

// A pass takes words one bit wider than stored ones, as a quotient or sharpening makes them. A butterfly adds a bit a
// level, and the twiddles together turn a component by at most sqrt(2), which is the one bit more.
constexpr int grown_bits(int level) { return kWordBits + level + 1; }
constexpr int kGrownBits = grown_bits(kSizeLog2);
using input_word = complex_t<grown_bits(0)>;
using grown_word = complex_t<kGrownBits>;

}  // namespace cytogate
