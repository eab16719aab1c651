// Phase retrieval on a desktop's processor: what its laws have in common. Raw frames to gradients and the surface of
// their border, row transforms, and codes of the network's input.
//
// Words of the transforms are integers held in float64. All their products stay below 2^53, so that nothing is lost in
// whichever order they are added, and whether or not they are fused; std::rint is the law's convergent shift. A block
// of lines is transformed at once, each in a lane of the processor's vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace {  // each library is compiled of one source

// Of the contract, by the caller.
constexpr int N = CYTOGATE_SIZE;
constexpr int BINNING = CYTOGATE_BINNING;
constexpr int GRADIENT_BITS = CYTOGATE_GRADIENT_BITS;
constexpr int PHASE_BITS = CYTOGATE_PHASE_BITS;
constexpr int PIXEL_BITS = CYTOGATE_PIXEL_BITS;
constexpr int TWIDDLE_FRACTION = CYTOGATE_TWIDDLE_FRACTION;
constexpr int SURFACE_FRACTION = CYTOGATE_SURFACE_FRACTION;
constexpr int BORDER = CYTOGATE_BORDER;
constexpr int OFFSET_ROWS_LOG2 = CYTOGATE_OFFSET_ROWS_LOG2;

constexpr int ANGLES = 4;
constexpr int LANES = 16;  // lines transformed at once
constexpr int LOG2_N = __builtin_ctz(N);
static_assert(N % LANES == 0 && N == 1 << LOG2_N, "lines are transformed in whole blocks, by radix 2");

struct Gain {
  std::int64_t mantissa, shift;
};

// Of the contract: frames, gradients, the surface, and the codes of the network's input.
struct FrontTerms {
  std::int64_t rows, columns, top, left;  // of a raw frame, and the first pixel of its window
  std::int64_t gradient_gains[2];
  Gain mean, linear, twist, saddle, bowl;
  std::int64_t kappa_16ths, kappa;
  Gain phase_gain;
  std::int64_t phase_offset, phase_code_shift, pixel_shift;
  const std::int64_t* twiddles;    // (N / 2, 2)
  const std::int64_t* spectra;     // (2, N, 2), of s and of s squared
  const std::int64_t* logarithms;  // of each binned code
};

// Arrays of the stages that all laws have, a cell after the other; those that are null are not written.
struct FrontStages {
  std::int64_t *binned, *gradient, *phase;
  std::uint8_t* network_input;

  void next_cell() {
    constexpr std::int64_t PIXELS = std::int64_t(N) * N;
    advance(binned, ANGLES * PIXELS), advance(gradient, 2 * PIXELS), advance(phase, PIXELS);
    advance(network_input, (ANGLES + 1) * PIXELS);
  }

  template <typename Code>
  static void advance(Code*& array, std::int64_t values) {
    if (array) array += values;
  }
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

std::uint8_t pixel(std::int32_t code) { return std::uint8_t(std::min((1 << PIXEL_BITS) - 1, std::max(0, code))); }

struct Complex {
  double re, im;
};

// LANES lines of grown words, element by element.
struct alignas(64) Lines {
  double re[N][LANES], im[N][LANES];
};

struct Coefficients {
  std::int64_t one, s, t, ss, tt, st;
};

struct Twiddles {
  Complex twiddles[N / 2];
  int reversed[N];

  explicit Twiddles(const std::int64_t* table) {
    for (int k = 0; k < N / 2; ++k) twiddles[k] = {double(table[2 * k]), double(table[2 * k + 1])};
    for (int n = 0; n < N; ++n) {
      reversed[n] = 0;
      for (int bit = 0; bit < LOG2_N; ++bit) reversed[n] |= ((n >> bit) & 1) << (LOG2_N - 1 - bit);
    }
  }
};

constexpr double UNIT = 1.0 / (1 << TWIDDLE_FRACTION);

template <int BITS>
double kept(double word) {
  return BITS > 0 ? limit<BITS + (BITS == 0)>(word) : word;
}

// Radix-2 decimation in frequency; words leave in bit-reversed order. They grow, or where BITS are given each of them is
// saturated to so many.
template <bool INVERSE, int BITS = 0>
void transform(Lines& lines, const Twiddles& tables) {
  for (int level = 0; level < LOG2_N; ++level) {
    const int half = N >> (level + 1);
    for (int first = 0; first < N; first += 2 * half)
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

// A cell's frames up to its gradients and its border's surface, and its codes for the network.
class FourAngle {
 public:
  explicit FourAngle(const FrontTerms& front) : front_(front) {}

 protected:
  void bin(const std::int32_t* sums) {
    for (int angle = 0; angle < ANGLES; ++angle) std::copy(sums + angle * N * N, sums + (angle + 1) * N * N, binned_[angle]);
  }

  template <typename Code>
  void bin(const Code* frames) {
    for (int angle = 0; angle < ANGLES; ++angle)
      for (int y = 0; y < N; ++y) {
        const std::int64_t row = angle * front_.rows + front_.top + std::int64_t(BINNING) * y;
        const Code* codes = frames + row * front_.columns + front_.left;
        for (int x = 0; x < N; ++x) {
          std::int32_t sum = 0;
          for (int i = 0; i < BINNING; ++i)
            for (int j = 0; j < BINNING; ++j) sum += codes[i * front_.columns + BINNING * x + j];
          binned_[angle][y * N + x] = sum;
        }
      }
  }

  void gradients() {
    for (int part = 0; part < 2; ++part) {
      const std::int64_t gain = front_.gradient_gains[part];
      const std::int32_t *plus = binned_[2 * part], *minus = binned_[2 * part + 1];
      for (int i = 0; i < N * N; ++i) {
        const std::int64_t ratio = limit<GRADIENT_BITS>(front_.logarithms[plus[i]] - front_.logarithms[minus[i]]);
        gradient_[part][i] = float(limit<GRADIENT_BITS>(shift_right(ratio * gain, TWIDDLE_FRACTION)));
      }
    }
  }

  void fit_surface() {
    for (int part = 0; part < 2; ++part) {
      std::int64_t m = 0, mu = 0, mv = 0, muu = 0, mvv = 0, muv = 0;
      for (int y = 0; y < N; ++y) {
        const std::int64_t v = 2 * y - (N - 1);
        std::int64_t sum = 0, along = 0, squared = 0;
        const bool inner = y >= BORDER && y < N - BORDER;
        for (int x = 0; x < N; x += inner && x == BORDER - 1 ? N - 2 * BORDER + 1 : 1) {
          const std::int64_t u = 2 * x - (N - 1), word = std::int64_t(gradient_[part][y * N + x]);
          sum += word, along += word * u, squared += word * u * u;
        }
        m += sum, mu += along, muu += squared;
        mv += sum * v, mvv += sum * v * v, muv += along * v;
      }
      const auto scaled = [](std::int64_t moment, const Gain& gain) {
        return std::int64_t(shift_right(__int128(moment) * gain.mantissa, int(gain.shift)));
      };
      const std::int64_t bowl = scaled(16 * (muu + mvv) - front_.kappa_16ths * m, front_.bowl);
      const std::int64_t saddle = scaled(muu - mvv, front_.saddle);
      surface_[part] = {
          scaled(m, front_.mean) - shift_right(bowl * front_.kappa, TWIDDLE_FRACTION),
          scaled(mu, front_.linear), scaled(mv, front_.linear), bowl + saddle, bowl - saddle, scaled(muv, front_.twist),
      };
    }
  }

  void write(FrontStages out) const {
    if (out.binned)
      for (int angle = 0; angle < ANGLES; ++angle)
        std::copy(binned_[angle], binned_[angle] + N * N, out.binned + angle * N * N);
    if (out.gradient)
      for (int i = 0; i < N * N; ++i)
        for (int part = 0; part < 2; ++part) out.gradient[2 * i + part] = std::int64_t(gradient_[part][i]);
    if (out.phase)
      for (int i = 0; i < N * N; ++i) out.phase[i] = std::int64_t(phase_[i]);
    if (!out.network_input) return;
    const int pixel_shift = int(front_.pixel_shift), phase_shift = int(front_.phase_code_shift);
    const auto phase_offset = std::int32_t(front_.phase_offset);
    for (int y = 0; y < N; ++y) {
      std::uint8_t codes[ANGLES + 1][N];  // channel by channel, which is what the processor's vectors can do
      for (int angle = 0; angle < ANGLES; ++angle)
        for (int x = 0; x < N; ++x) codes[angle][x] = pixel(shift_right(binned_[angle][y * N + x], pixel_shift));
      for (int x = 0; x < N; ++x)
        codes[ANGLES][x] = pixel(shift_right(std::int32_t(phase_[y * N + x]) + phase_offset, phase_shift));
      for (int x = 0; x < N; ++x)
        for (int channel = 0; channel <= ANGLES; ++channel) *out.network_input++ = codes[channel][x];
    }
  }

  const FrontTerms& front_;
  std::int32_t binned_[ANGLES][N * N];
  float gradient_[2][N * N];
  Coefficients surface_[2];  // of the x and of the y gradient
  float phase_[N * N];
};

// Values of a cell's frames of codes of a byte or two, or of sums of their pixels, which have four.
template <typename Code>
std::int64_t values_of(const FrontTerms& front) {
  return ANGLES * (sizeof(Code) == sizeof(std::int32_t) ? std::int64_t(N) * N : front.rows * front.columns);
}

// Call `each` with frames as what they are: (cells, angles, rows, columns) of one byte or two a code; or sums of their
// pixels, of four bytes each.
template <class Each>
void with_type(const void* frames, int bytes, Each each) {
  if (bytes == 1)
    each(static_cast<const std::uint8_t*>(frames));
  else if (bytes == 4)
    each(static_cast<const std::int32_t*>(frames));
  else
    each(static_cast<const std::uint16_t*>(frames));
}

}  // namespace
