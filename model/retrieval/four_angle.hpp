// Phase retrieval on a desktop's processor: what its laws have in common. Raw frames to gradients and the surface of
// their border, and codes of the network's input.
#pragma once

#include <memory>
#include <type_traits>

#include "lines.hpp"

namespace {  // each library is compiled of one source

// Of the contract, by the caller.
constexpr int N = CYTOGATE_SIZE;
constexpr int BINNING = CYTOGATE_BINNING;
constexpr int GRADIENT_BITS = CYTOGATE_GRADIENT_BITS;
constexpr int PHASE_BITS = CYTOGATE_PHASE_BITS;
constexpr int PIXEL_BITS = CYTOGATE_PIXEL_BITS;
constexpr int SURFACE_FRACTION = CYTOGATE_SURFACE_FRACTION;
constexpr int BORDER = CYTOGATE_BORDER;
constexpr int OFFSET_ROWS_LOG2 = CYTOGATE_OFFSET_ROWS_LOG2;

constexpr int ANGLES = 4;
constexpr int LOG2_N = __builtin_ctz(N);

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

std::uint8_t pixel(std::int32_t code) { return std::uint8_t(std::min((1 << PIXEL_BITS) - 1, std::max(0, code))); }

using Lines = LinesOf<N>;
using Twiddles = TwiddlesOf<N>;

struct Coefficients {
  std::int64_t one, s, t, ss, tt, st;
};

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
