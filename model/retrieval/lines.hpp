// Transforms of whole blocks of lines on a desktop's processor, each line in a lane of its vectors.
//
// Words are integers held in float64. All their products stay below 2^53, so that nothing is lost in whichever order
// they are added, and whether or not they are fused; std::rint is the law's convergent shift.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {  // each library is compiled of one source

constexpr int TWIDDLE_FRACTION = CYTOGATE_TWIDDLE_FRACTION;  // of the contract, by the caller
constexpr double UNIT = 1.0 / (1 << TWIDDLE_FRACTION);
constexpr int LANES = 16;  // lines transformed at once

struct Gain {
  std::int64_t mantissa, shift;
};

template <typename Integer>
Integer shift_right(Integer value, int shift) {
  const Integer quotient = value >> shift;
  if (shift == 0) return quotient;
  return (value + ((Integer(1) << shift) >> 1) - (1 - (quotient & 1))) >> shift;
}

template <int BITS>
double limit(double word) {
  constexpr double END = std::int64_t(1) << (BITS - 1);
  return std::min(END - 1, std::max(-END, word));
}

template <int BITS>
std::int64_t limit(std::int64_t word) {
  constexpr std::int64_t END = std::int64_t(1) << (BITS - 1);
  return std::min(END - 1, std::max(-END, word));
}

struct Complex {
  double re, im;
};

// LANES lines of grown words, element by element.
template <int SIZE>
struct alignas(64) LinesOf {
  static_assert(SIZE % LANES == 0 && (SIZE & (SIZE - 1)) == 0, "lines are transformed in whole blocks, by radix 2");
  static constexpr int LEVELS = __builtin_ctz(SIZE);
  double re[SIZE][LANES], im[SIZE][LANES];
};

template <int SIZE>
struct TwiddlesOf {
  Complex twiddles[SIZE / 2];
  int reversed[SIZE];

  explicit TwiddlesOf(const std::int64_t* table) {
    for (int k = 0; k < SIZE / 2; ++k) twiddles[k] = {double(table[2 * k]), double(table[2 * k + 1])};
    for (int n = 0; n < SIZE; ++n) {
      reversed[n] = 0;
      for (int bit = 0; bit < LinesOf<SIZE>::LEVELS; ++bit)
        reversed[n] |= ((n >> bit) & 1) << (LinesOf<SIZE>::LEVELS - 1 - bit);
    }
  }
};

template <int BITS>
double kept(double word) {
  return BITS > 0 ? limit<BITS + (BITS == 0)>(word) : word;
}

// Radix-2 decimation in frequency; words leave in bit-reversed order. They grow, or where BITS are given each of them is
// saturated to so many.
template <bool INVERSE, int BITS = 0, int SIZE>
void transform(LinesOf<SIZE>& lines, const TwiddlesOf<SIZE>& tables) {
  for (int level = 0; level < LinesOf<SIZE>::LEVELS; ++level) {
    const int half = SIZE >> (level + 1);
    for (int first = 0; first < SIZE; first += 2 * half)
      for (int j = 0; j < half; ++j) {
        const Complex twiddle = tables.twiddles[j << level];
        const double wr = twiddle.re, wi = INVERSE ? -twiddle.im : twiddle.im;
        double *ar = lines.re[first + j], *ai = lines.im[first + j];
        double *br = lines.re[first + half + j], *bi = lines.im[first + half + j];
        if (j == 0)  // the twiddle is 1
#pragma GCC ivdep
          for (int lane = 0; lane < LANES; ++lane) {
            const double dr = ar[lane] - br[lane], di = ai[lane] - bi[lane];
            ar[lane] = kept<BITS>(ar[lane] + br[lane]), ai[lane] = kept<BITS>(ai[lane] + bi[lane]);
            br[lane] = kept<BITS>(dr), bi[lane] = kept<BITS>(di);
          }
        else
#pragma GCC ivdep
          for (int lane = 0; lane < LANES; ++lane) {
            const double dr = kept<BITS>(ar[lane] - br[lane]), di = kept<BITS>(ai[lane] - bi[lane]);
            ar[lane] = kept<BITS>(ar[lane] + br[lane]), ai[lane] = kept<BITS>(ai[lane] + bi[lane]);
            br[lane] = kept<BITS>(std::rint((dr * wr - di * wi) * UNIT));
            bi[lane] = kept<BITS>(std::rint((dr * wi + di * wr) * UNIT));
          }
      }
  }
}

// Find the exponent of each line, and the factor that brings its words to so many bits.
template <int BITS, int SIZE>
void normalize(const LinesOf<SIZE>& lines, int* exponents, double* factors) {
  double largest[LANES] = {};
  for (int n = 0; n < SIZE; ++n)
    for (int lane = 0; lane < LANES; ++lane)
      largest[lane] = std::max(largest[lane], std::max(std::fabs(lines.re[n][lane]), std::fabs(lines.im[n][lane])));
  for (int lane = 0; lane < LANES; ++lane) {
    int bits;
    std::frexp(largest[lane], &bits);
    exponents[lane] = std::max(0, bits + 1 - BITS);
    factors[lane] = std::ldexp(1.0, -exponents[lane]);
  }
}

}  // namespace
