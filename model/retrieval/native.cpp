// Phase retrieval on a desktop's processor: the law of model/contract/law.py, item by item, one cell after the other.
//
// Words of the passes are integers held in float64. All their products stay below 2^53, so that nothing is lost in
// whichever order they are added, and whether or not they are fused; std::rint is the law's convergent shift. A block
// of lines is transformed at once, each in a lane of the processor's vectors.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

namespace {

// Of the contract, by the caller.
constexpr int N = CYTOGATE_SIZE;
constexpr int BINNING = CYTOGATE_BINNING;
constexpr int WORD_BITS = CYTOGATE_WORD_BITS;
constexpr int GRADIENT_BITS = CYTOGATE_GRADIENT_BITS;
constexpr int PHASE_BITS = CYTOGATE_PHASE_BITS;
constexpr int PIXEL_BITS = CYTOGATE_PIXEL_BITS;
constexpr int TWIDDLE_FRACTION = CYTOGATE_TWIDDLE_FRACTION;
constexpr int SURFACE_FRACTION = CYTOGATE_SURFACE_FRACTION;
constexpr int BORDER = CYTOGATE_BORDER;
constexpr int GUARD_BITS = CYTOGATE_GUARD_BITS;
constexpr int OFFSET_ROWS_LOG2 = CYTOGATE_OFFSET_ROWS_LOG2;

constexpr int ANGLES = 4;
constexpr int LANES = 16;  // lines transformed at once
constexpr int LOG2_N = __builtin_ctz(N);
static_assert(N % LANES == 0 && N == 1 << LOG2_N, "lines are transformed in whole blocks, by radix 2");

struct Gain {
  std::int64_t mantissa, shift;
};

extern "C" struct Terms {
  std::int64_t rows, columns, top, left;  // of a raw frame, and the first pixel of its window
  std::int64_t gradient_gains[2];
  Gain mean, linear, twist, saddle, bowl;
  std::int64_t kappa_16ths, kappa;
  Gain phase_gain;
  std::int64_t phase_offset, phase_code_shift, pixel_shift;
  const std::int64_t* twiddles;  // (N / 2, 2)
  const std::int64_t* quadrant;  // (N / 2, N / 2)
  const std::int64_t* spectra;   // (2, N, 2), of s and of s squared
  const std::int64_t* logarithms;  // of each binned code
};

// Arrays of the contract's stages, a cell after the other; those that are null are not written.
extern "C" struct Stages {
  std::int64_t *binned, *gradient, *spectrum, *spectrum_exponent, *quotient, *phase;
  std::uint8_t* network_input;
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

// A frame of words of WORD_BITS, which float32 holds as they are.
struct alignas(64) Words {
  float re[N][N], im[N][N];
};

struct Coefficients {
  std::int64_t one, s, t, ss, tt, st;
};

// What does not change from cell to cell.
struct Tables {
  Complex twiddles[N / 2];
  Complex inverse[N][N];  // 1 / (kx + i ky), as [ky][kx]
  double powers[128];     // 2^-n
  int reversed[N];

  explicit Tables(const Terms& terms) {
    for (int k = 0; k < N / 2; ++k) twiddles[k] = {double(terms.twiddles[2 * k]), double(terms.twiddles[2 * k + 1])};
    constexpr int H = N / 2;
    for (int y = 0; y < N; ++y)
      for (int x = 0; x < N; ++x) {
        const int kx = x < H ? x : N - x, ky = y < H ? y : N - y;
        const bool keep = kx < H && ky < H;
        inverse[y][x].re = keep ? double(terms.quadrant[kx * H + ky] * (x < H ? 1 : -1)) : 0;
        inverse[y][x].im = keep ? double(terms.quadrant[ky * H + kx] * (y < H ? -1 : 1)) : 0;
      }
    for (int n = 0; n < 128; ++n) powers[n] = std::ldexp(1.0, -n);
    for (int n = 0; n < N; ++n) {
      reversed[n] = 0;
      for (int bit = 0; bit < LOG2_N; ++bit) reversed[n] |= ((n >> bit) & 1) << (LOG2_N - 1 - bit);
    }
  }
};

class Retrieval {
 public:
  explicit Retrieval(const Terms& terms) : terms_(terms), tables_(terms) {}

  void run(const std::int32_t* sums, const Stages& out) {
    for (int angle = 0; angle < ANGLES; ++angle) std::copy(sums + angle * N * N, sums + (angle + 1) * N * N, binned_[angle]);
    integrate(out);
  }

  template <typename Code>
  void run(const Code* frames, const Stages& out) {
    bin(frames);
    integrate(out);
  }

 private:
  void integrate(const Stages& out) {
    gradients();
    fit_surface();
    forward_rows();
    columns(out);
    inverse_rows();
    write(out);
  }

  template <typename Code>
  void bin(const Code* frames) {
    for (int angle = 0; angle < ANGLES; ++angle)
      for (int y = 0; y < N; ++y) {
        const std::int64_t row = angle * terms_.rows + terms_.top + std::int64_t(BINNING) * y;
        const Code* codes = frames + row * terms_.columns + terms_.left;
        for (int x = 0; x < N; ++x) {
          std::int32_t sum = 0;
          for (int i = 0; i < BINNING; ++i)
            for (int j = 0; j < BINNING; ++j) sum += codes[i * terms_.columns + BINNING * x + j];
          binned_[angle][y * N + x] = sum;
        }
      }
  }

  void gradients() {
    for (int part = 0; part < 2; ++part) {
      const std::int64_t gain = terms_.gradient_gains[part];
      const std::int32_t *plus = binned_[2 * part], *minus = binned_[2 * part + 1];
      for (int i = 0; i < N * N; ++i) {
        const std::int64_t ratio = limit<GRADIENT_BITS>(terms_.logarithms[plus[i]] - terms_.logarithms[minus[i]]);
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
      const std::int64_t bowl = scaled(16 * (muu + mvv) - terms_.kappa_16ths * m, terms_.bowl);
      const std::int64_t saddle = scaled(muu - mvv, terms_.saddle);
      surface_[part] = {
          scaled(m, terms_.mean) - shift_right(bowl * terms_.kappa, TWIDDLE_FRACTION),
          scaled(mu, terms_.linear), scaled(mv, terms_.linear), bowl + saddle, bowl - saddle, scaled(muv, terms_.twist),
      };
    }
  }

  // Radix-2 decimation in frequency; words grow, and leave in bit-reversed order.
  template <bool INVERSE>
  void transform(Lines& lines) const {
    for (int level = 0; level < LOG2_N; ++level) {
      const int half = N >> (level + 1);
      for (int first = 0; first < N; first += 2 * half)
        for (int j = 0; j < half; ++j) {
          const Complex twiddle = tables_.twiddles[j << level];
          const double wr = twiddle.re, wi = INVERSE ? -twiddle.im : twiddle.im;
          double *ar = lines.re[first + j], *ai = lines.im[first + j];
          double *br = lines.re[first + half + j], *bi = lines.im[first + half + j];
          if (j == 0)  // the twiddle is 1
#pragma GCC ivdep
            for (int lane = 0; lane < LANES; ++lane) {
              const double dr = ar[lane] - br[lane], di = ai[lane] - bi[lane];
              ar[lane] += br[lane], ai[lane] += bi[lane];
              br[lane] = dr, bi[lane] = di;
            }
          else
#pragma GCC ivdep
            for (int lane = 0; lane < LANES; ++lane) {
              const double dr = ar[lane] - br[lane], di = ai[lane] - bi[lane];
              ar[lane] += br[lane], ai[lane] += bi[lane];
              br[lane] = std::rint((dr * wr - di * wi) * UNIT);
              bi[lane] = std::rint((dr * wi + di * wr) * UNIT);
            }
        }
    }
  }

  // Find the exponent of each line, and the factor that brings its words to WORD_BITS.
  void normalize(const Lines& lines, int* exponents, double* factors) const {
    double largest[LANES] = {};
    for (int n = 0; n < N; ++n)
      for (int lane = 0; lane < LANES; ++lane)
        largest[lane] = std::max(largest[lane], std::max(std::fabs(lines.re[n][lane]), std::fabs(lines.im[n][lane])));
    for (int lane = 0; lane < LANES; ++lane) {
      int bits;
      std::frexp(largest[lane], &bits);
      exponents[lane] = std::max(0, bits + 1 - WORD_BITS);
      factors[lane] = tables_.powers[exponents[lane]];
    }
  }

  static double normalized(double word, double factor) { return limit<WORD_BITS>(std::rint(word * factor)); }

  void forward_rows() {
    double factors[LANES];
    for (int first = 0; first < N; first += LANES) {
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          lines_.re[n][lane] = gradient_[0][(first + lane) * N + n];
          lines_.im[n][lane] = gradient_[1][(first + lane) * N + n];
        }
      transform<false>(lines_);
      normalize(lines_, exponents_ + first, factors);
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          const int k = tables_.reversed[n];
          rows_.re[first + lane][k] = float(normalized(lines_.re[n][lane], factors[lane]));
          rows_.im[first + lane][k] = float(normalized(lines_.im[n][lane], factors[lane]));
        }
    }
  }

  void columns(const Stages& out) {
    const int common = *std::max_element(exponents_, exponents_ + N) + GUARD_BITS;
    double factors[LANES];
    int growth[LANES];
    for (int first = 0; first < N; first += LANES) {
      read_columns(first, common);
      transform<false>(lines_);
      normalize(lines_, growth, factors);
      for (int lane = 0; lane < LANES; ++lane) {
        column_exponents_[first + lane] = growth[lane] + common;
        if (out.spectrum_exponent) out.spectrum_exponent[first + lane] = growth[lane] + common;
      }
      for (int n = 0; n < N; ++n) {
        const int k = tables_.reversed[n];
        for (int lane = 0; lane < LANES; ++lane) {
          const double re = normalized(lines_.re[n][lane], factors[lane]);
          const double im = normalized(lines_.im[n][lane], factors[lane]);
          const Complex by = tables_.inverse[k][first + lane];
          quotient_.re[k][lane] = std::rint((re * by.re - im * by.im) * UNIT);
          quotient_.im[k][lane] = std::rint((re * by.im + im * by.re) * UNIT);
          if (out.spectrum) {
            std::int64_t* pair = out.spectrum + 2 * (k * N + first + lane);
            pair[0] = std::int64_t(re), pair[1] = std::int64_t(im);
          }
        }
      }
      if (out.quotient)
        for (int k = 0; k < N; ++k)
          for (int lane = 0; lane < LANES; ++lane) {
            std::int64_t* pair = out.quotient + 2 * (k * N + first + lane);
            pair[0] = std::int64_t(quotient_.re[k][lane]), pair[1] = std::int64_t(quotient_.im[k][lane]);
          }
      transform<true>(quotient_);
      normalize(quotient_, growth, factors);
      for (int lane = 0; lane < LANES; ++lane) column_exponents_[first + lane] += growth[lane];
      for (int n = 0; n < N; ++n) {
        const int y = tables_.reversed[n];
        for (int lane = 0; lane < LANES; ++lane) {
          turned_.re[y][first + lane] = float(normalized(quotient_.re[n][lane], factors[lane]));
          turned_.im[y][first + lane] = float(normalized(quotient_.im[n][lane], factors[lane]));
        }
      }
    }
  }

  // Bring columns to one exponent and subtract the surface: along a column it is N (A + D t + Q t^2), made by sums of
  // its differences.
  void read_columns(int first, int common) {
    std::int64_t value[2][LANES], step[2][LANES], bend[2][LANES];
    const std::int64_t* spectra = terms_.spectra;
    const Coefficients &re = surface_[0], &im = surface_[1];
    for (int lane = 0; lane < LANES; ++lane) {
      const int k = first + lane;
      const std::int64_t unit = k == 0 ? std::int64_t(1) << TWIDDLE_FRACTION : 0;
      for (int part = 0; part < 2; ++part) {
        const auto product = [&](std::int64_t a_re, std::int64_t a_im, std::int64_t b_re, std::int64_t b_im) {
          return part == 0 ? a_re * b_re - a_im * b_im : a_re * b_im + a_im * b_re;
        };
        const std::int64_t *s = spectra + 2 * k, *ss = spectra + 2 * (N + k);
        const std::int64_t a = product(re.one, im.one, unit, 0) + product(re.s, im.s, s[0], s[1]) +
                               product(re.ss, im.ss, ss[0], ss[1]);
        const std::int64_t d = product(re.t, im.t, unit, 0) + product(re.st, im.st, s[0], s[1]);
        const std::int64_t q = product(re.tt, im.tt, unit, 0) >> LOG2_N;
        constexpr std::int64_t V = -(N - 1);  // the first of the odd integers v
        value[part][lane] = a * N + d * V + q * V * V;
        step[part][lane] = 2 * d + q * (4 * V + 4);
        bend[part][lane] = 8 * q;
      }
    }
    const int shift = SURFACE_FRACTION + TWIDDLE_FRACTION + common;
    for (int y = 0; y < N; ++y) {
      const double factor = tables_.powers[common - exponents_[y]];
      for (int part = 0; part < 2; ++part) {
        const float* words = (part ? rows_.im : rows_.re)[y] + first;
        double* column = (part ? lines_.im : lines_.re)[y];
#pragma GCC ivdep
        for (int lane = 0; lane < LANES; ++lane) {
          const std::int64_t surface = shift_right(value[part][lane], shift);
          value[part][lane] += step[part][lane], step[part][lane] += bend[part][lane];
          column[lane] = limit<WORD_BITS>(std::rint(words[lane] * factor) - double(surface));
        }
      }
    }
  }

  void inverse_rows() {
    const int common = *std::max_element(column_exponents_, column_exponents_ + N) + GUARD_BITS;
    double factors[N], line_factors[LANES];
    int growth[LANES];
    for (int k = 0; k < N; ++k) factors[k] = tables_.powers[common - column_exponents_[k]];
    std::int64_t sum = 0;
    for (int y = 0; y < 1 << OFFSET_ROWS_LOG2; ++y) sum += std::int64_t(std::rint(turned_.im[y][0] * factors[0]));
    const double offset = double(shift_right(sum, OFFSET_ROWS_LOG2));
    for (int first = 0; first < N; first += LANES) {
      for (int k = 0; k < N; ++k)
        for (int lane = 0; lane < LANES; ++lane) {
          lines_.re[k][lane] = std::rint(turned_.re[first + lane][k] * factors[k]);
          lines_.im[k][lane] = std::rint(turned_.im[first + lane][k] * factors[k]);
        }
      for (int lane = 0; lane < LANES; ++lane) lines_.im[0][lane] -= offset;
      transform<true>(lines_);
      normalize(lines_, growth, line_factors);
      double gains[LANES];
      for (int lane = 0; lane < LANES; ++lane) {
        const int shift = int(terms_.phase_gain.shift) - common - growth[lane];
        gains[lane] = std::ldexp(double(terms_.phase_gain.mantissa), -shift);
      }
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          const double word = normalized(lines_.im[n][lane], line_factors[lane]);
          phase_[(first + lane) * N + tables_.reversed[n]] = float(limit<PHASE_BITS>(std::rint(word * gains[lane])));
        }
    }
  }

  void write(Stages out) const {
    if (out.binned)
      for (int angle = 0; angle < ANGLES; ++angle)
        std::copy(binned_[angle], binned_[angle] + N * N, out.binned + angle * N * N);
    if (out.gradient)
      for (int i = 0; i < N * N; ++i)
        for (int part = 0; part < 2; ++part) out.gradient[2 * i + part] = std::int64_t(gradient_[part][i]);
    if (out.phase)
      for (int i = 0; i < N * N; ++i) out.phase[i] = std::int64_t(phase_[i]);
    if (!out.network_input) return;
    const int pixel_shift = int(terms_.pixel_shift), phase_shift = int(terms_.phase_code_shift);
    const auto phase_offset = std::int32_t(terms_.phase_offset);
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

  static constexpr double UNIT = 1.0 / (1 << TWIDDLE_FRACTION);

  const Terms& terms_;
  const Tables tables_;
  std::int32_t binned_[ANGLES][N * N];
  float gradient_[2][N * N];
  Coefficients surface_[2];
  Lines lines_, quotient_;
  Words rows_, turned_;
  int exponents_[N], column_exponents_[N];
  float phase_[N * N];
};

template <typename Code>
void retrieve(const Terms& terms, const Code* frames, std::int64_t cells, Stages out) {
  const auto retrieval = std::make_unique<Retrieval>(terms);
  constexpr bool BINNED = sizeof(Code) == sizeof(std::int32_t);
  const std::int64_t values = ANGLES * (BINNED ? std::int64_t(N) * N : terms.rows * terms.columns);
  const auto next = [](auto*& array, std::int64_t values) { array = array ? array + values : nullptr; };
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    retrieval->run(frames + cell * values, out);
    constexpr std::int64_t PIXELS = N * N;
    next(out.binned, ANGLES * PIXELS), next(out.gradient, 2 * PIXELS), next(out.spectrum, 2 * PIXELS);
    next(out.spectrum_exponent, N), next(out.quotient, 2 * PIXELS), next(out.phase, PIXELS);
    next(out.network_input, (ANGLES + 1) * PIXELS);
  }
}

}  // namespace

// Frames are (cells, angles, rows, columns) of one byte or two a code; or sums of their pixels, of four bytes each.
extern "C" void cytogate_retrieve(const Terms* terms, const void* frames, int bytes, std::int64_t cells,
                                  const Stages* out) {
  if (bytes == 1)
    retrieve(*terms, static_cast<const std::uint8_t*>(frames), cells, *out);
  else if (bytes == 4)
    retrieve(*terms, static_cast<const std::int32_t*>(frames), cells, *out);
  else
    retrieve(*terms, static_cast<const std::uint16_t*>(frames), cells, *out);
}
