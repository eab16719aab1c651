// Phase retrieval on a desktop's processor by the law "fft": model/contract/law.py, item by item, one cell after the
// other.
#include "four_angle.hpp"

namespace {

// Of the contract, by the caller.
constexpr int WORD_BITS = CYTOGATE_WORD_BITS;
constexpr int GUARD_BITS = CYTOGATE_GUARD_BITS;

struct Terms {
  FrontTerms front;
  const std::int64_t* quadrant;  // (N / 2, N / 2)
};

// Arrays of the contract's stages, a cell after the other; those that are null are not written.
struct Stages {
  FrontStages front;
  std::int64_t *spectrum, *spectrum_exponent, *quotient;
};

// A frame of words of WORD_BITS, which float32 holds as they are.
struct alignas(64) Words {
  float re[N][N], im[N][N];
};

// What does not change from cell to cell.
struct Tables : Twiddles {
  Complex inverse[N][N];  // 1 / (kx + i ky), as [ky][kx]
  double powers[128];     // 2^-n

  explicit Tables(const Terms& terms) : Twiddles(terms.front.twiddles) {
    constexpr int H = N / 2;
    for (int y = 0; y < N; ++y)
      for (int x = 0; x < N; ++x) {
        const int kx = x < H ? x : N - x, ky = y < H ? y : N - y;
        const bool keep = kx < H && ky < H;
        inverse[y][x].re = keep ? double(terms.quadrant[kx * H + ky] * (x < H ? 1 : -1)) : 0;
        inverse[y][x].im = keep ? double(terms.quadrant[ky * H + kx] * (y < H ? -1 : 1)) : 0;
      }
    for (int n = 0; n < 128; ++n) powers[n] = std::ldexp(1.0, -n);
  }
};

class Retrieval : FourAngle {
 public:
  explicit Retrieval(const Terms& terms) : FourAngle(terms.front), tables_(terms) {}

  template <typename Code>
  void run(const Code* frames, const Stages& out) {
    bin(frames);
    gradients();
    fit_surface();
    forward_rows();
    columns(out);
    inverse_rows();
    write(out.front);
  }

 private:
  static double normalized(double word, double factor) { return limit<WORD_BITS>(std::rint(word * factor)); }

  void forward_rows() {
    double factors[LANES];
    for (int first = 0; first < N; first += LANES) {
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          lines_.re[n][lane] = gradient_[0][(first + lane) * N + n];
          lines_.im[n][lane] = gradient_[1][(first + lane) * N + n];
        }
      transform<false>(lines_, tables_);
      normalize<WORD_BITS>(lines_, exponents_ + first, factors);
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
      transform<false>(lines_, tables_);
      normalize<WORD_BITS>(lines_, growth, factors);
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
      transform<true>(quotient_, tables_);
      normalize<WORD_BITS>(quotient_, growth, factors);
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
    const std::int64_t* spectra = front_.spectra;
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
      transform<true>(lines_, tables_);
      normalize<WORD_BITS>(lines_, growth, line_factors);
      double gains[LANES];
      for (int lane = 0; lane < LANES; ++lane) {
        const int shift = int(front_.phase_gain.shift) - common - growth[lane];
        gains[lane] = std::ldexp(double(front_.phase_gain.mantissa), -shift);
      }
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          const double word = normalized(lines_.im[n][lane], line_factors[lane]);
          phase_[(first + lane) * N + tables_.reversed[n]] = float(limit<PHASE_BITS>(std::rint(word * gains[lane])));
        }
    }
  }

  const Tables tables_;
  Lines lines_, quotient_;
  Words rows_, turned_;
  int exponents_[N], column_exponents_[N];
};

}  // namespace

extern "C" void cytogate_retrieve(const Terms* terms, const void* frames, int bytes, std::int64_t cells,
                                  const Stages* stages) {
  const auto retrieval = std::make_unique<Retrieval>(*terms);
  with_type(frames, bytes, [&](auto* codes) {
    Stages out = *stages;
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      retrieval->run(codes, out);
      codes += values_of<std::decay_t<decltype(*codes)>>(terms->front);
      constexpr std::int64_t PIXELS = std::int64_t(N) * N;
      out.front.next_cell();
      FrontStages::advance(out.spectrum, 2 * PIXELS), FrontStages::advance(out.spectrum_exponent, N);
      FrontStages::advance(out.quotient, 2 * PIXELS);
    }
  });
}
