// Complex integers, and the way of a transform.
#pragma once

#include "rounding.hpp"

namespace cytogate {

enum class Direction { kForward, kInverse };

template <int Bits>
struct complex_t {
  ap_int<Bits> re, im;
};

}  // namespace cytogate
