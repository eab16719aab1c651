// Off-axis retrieval on a desktop's processor, from a hologram to its map of path delay: model/contract/off_axis.py,
// item by item.
#include <memory>

#include "lines.hpp"

namespace {

// Of the contract, by the caller.
constexpr int N = CYTOGATE_SIZE;
constexpr int M = CYTOGATE_MAP_SIZE;
constexpr int WORD_BITS = CYTOGATE_WORD_BITS;
constexpr int TURN_BITS = CYTOGATE_TURN_BITS;
constexpr int MOST_TURNS = CYTOGATE_MOST_TURNS;
constexpr int PHASE_BITS = CYTOGATE_PHASE_BITS;
constexpr int OPD_BITS = CYTOGATE_OPD_BITS;
constexpr int CORDIC_STEPS = CYTOGATE_CORDIC_STEPS;
constexpr int CORDIC_BITS = CYTOGATE_CORDIC_BITS;
constexpr int CORDIC_GUARD_BITS = CYTOGATE_CORDIC_GUARD_BITS;
constexpr int DIVISOR_FRACTION = CYTOGATE_DIVISOR_FRACTION;
constexpr int BACKGROUND_BIN_BITS = CYTOGATE_BACKGROUND_BIN_BITS;
constexpr int BACKGROUND_REACH_BITS = CYTOGATE_BACKGROUND_REACH_BITS;

constexpr int LOG2_M = __builtin_ctz(M);
constexpr int BINS = 2 * (MOST_TURNS + 1) << BACKGROUND_BIN_BITS;  // of all phases that whole turns can give

struct Terms {
  const std::int64_t* twiddles;       // (N / 2, 2)
  const std::int64_t* map_twiddles;   // (M / 2, 2)
  const std::int64_t* half_turns;     // (M, 2), exp(-i pi k / 2M)
  const std::int64_t *rows, *columns; // (M,), frequencies that are kept
  const std::uint8_t* disk;           // (M, M), as [kx][ky]
  const std::int64_t* phasor;         // (M, M, 2), of the reference
  const std::int64_t* divisors;       // (M,)
  const std::int64_t* cordic_turns;   // (CORDIC_STEPS,)
  std::int64_t top, bottom, left, right;  // of what is believed of the map, the ends behind the last
  std::int64_t middle, shift;  // of a code of the hologram
  Gain delay;
};

// Arrays of the contract's stages.
struct Stages {
  std::int64_t *spectrum, *spectrum_exponent, *sideband, *sideband_exponent, *field, *field_exponent;
  std::int64_t *wrapped, *phase, *opd;
};

using MapLines = LinesOf<M>;

template <int BITS>
std::int32_t wrap(std::int32_t code) {
  constexpr std::int32_t END = 1 << (BITS - 1);
  return ((code + END) & (2 * END - 1)) - END;
}

std::int64_t floor_divided(std::int64_t value, std::int64_t by) {
  return value / by - (value % by != 0 && (value < 0) != (by < 0));
}

// Words of WORD_BITS, which float32 holds as they are.
template <int ROWS>
struct alignas(64) Words {
  float re[ROWS][M], im[ROWS][M];
};

class Retrieval {
 public:
  explicit Retrieval(const Terms& terms) : terms_(terms), tables_(terms.twiddles), map_tables_(terms.map_twiddles) {
    for (int k = 0; k < M; ++k) half_turns_[k] = {double(terms.half_turns[2 * k]), double(terms.half_turns[2 * k + 1])};
  }

  void run(const std::int32_t* hologram, const Stages& out) {
    spectrum(hologram, out);
    sideband(out);
    field(out);
    arguments(out);
    unwrap();
    const std::int64_t level = background();
    for (int y = 0; y < M; ++y)
      for (int x = 0; x < M; ++x) {
        const bool believed = y >= terms_.top && y < terms_.bottom && x >= terms_.left && x < terms_.right;
        const std::int64_t phase = believed ? limit<PHASE_BITS>(phase_[y][x] - level) : 0;
        out.phase[y * M + x] = phase;
        out.opd[y * M + x] = limit<OPD_BITS>(shift_right(phase * terms_.delay.mantissa, int(terms_.delay.shift)));
      }
  }

 private:
  // Bring lines to words and return the exponent of each.
  static void to_words(MapLines& lines, int* exponents) {
    double factors[LANES];
    normalize<WORD_BITS>(lines, exponents, factors);
    for (int n = 0; n < M; ++n)
      for (int lane = 0; lane < LANES; ++lane) {
        lines.re[n][lane] = limit<WORD_BITS>(std::rint(lines.re[n][lane] * factors[lane]));
        lines.im[n][lane] = limit<WORD_BITS>(std::rint(lines.im[n][lane] * factors[lane]));
      }
  }

  // Take what is kept of transformed lines, in the order of `frequencies`.
  void keep(const std::int64_t* frequencies) {
    for (int k = 0; k < M; ++k) {
      const int place = tables_.reversed[frequencies[k]];
      std::copy(lines_.re[place], lines_.re[place] + LANES, map_lines_.re[k]);
      std::copy(lines_.im[place], lines_.im[place] + LANES, map_lines_.im[k]);
    }
  }

  // Transform the map's lines inversely, in natural order, to words.
  void inverse(int* exponents) {
    transform<true>(map_lines_, map_tables_);
    to_words(map_lines_, exponents);
  }

  static void save(std::int64_t* pair, double re, double im) {
    pair[0] = std::int64_t(re), pair[1] = std::int64_t(im);
  }

  void spectrum(const std::int32_t* hologram, const Stages& out) {
    for (int first = 0; first < N; first += LANES) {
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          const std::int64_t code = hologram[(first + lane) * N + n] - terms_.middle;
          lines_.re[n][lane] = double(code * (std::int64_t(1) << terms_.shift));
          lines_.im[n][lane] = 0;
        }
      transform<false>(lines_, tables_);
      keep(terms_.columns);
      to_words(map_lines_, row_exponents_ + first);
      for (int lane = 0; lane < LANES; ++lane) {
        const int y = first + lane;
        out.spectrum_exponent[y] = row_exponents_[y];
        for (int k = 0; k < M; ++k) {
          rows_.re[y][k] = float(map_lines_.re[k][lane]), rows_.im[y][k] = float(map_lines_.im[k][lane]);
          save(out.spectrum + 2 * (y * M + k), map_lines_.re[k][lane], map_lines_.im[k][lane]);
        }
      }
    }
  }

  void sideband(const Stages& out) {
    const int common = *std::max_element(row_exponents_, row_exponents_ + N);
    int growth[LANES];
    for (int first = 0; first < M; first += LANES) {
      for (int y = 0; y < N; ++y) {
        const double factor = std::ldexp(1.0, row_exponents_[y] - common);
        for (int lane = 0; lane < LANES; ++lane) {
          lines_.re[y][lane] = std::rint(rows_.re[y][first + lane] * factor);
          lines_.im[y][lane] = std::rint(rows_.im[y][first + lane] * factor);
        }
      }
      transform<false>(lines_, tables_);
      keep(terms_.rows);
      for (int k = 0; k < M; ++k)
        for (int lane = 0; lane < LANES; ++lane) {
          const bool within = terms_.disk[(first + lane) * M + k];
          map_lines_.re[k][lane] = within ? map_lines_.re[k][lane] : 0;
          map_lines_.im[k][lane] = within ? map_lines_.im[k][lane] : 0;
        }
      to_words(map_lines_, column_exponents_ + first);
      for (int lane = 0; lane < LANES; ++lane) out.sideband_exponent[first + lane] = column_exponents_[first + lane];
      for (int k = 0; k < M; ++k)
        for (int lane = 0; lane < LANES; ++lane)
          save(out.sideband + 2 * (k * M + first + lane), map_lines_.re[k][lane], map_lines_.im[k][lane]);
      inverse(growth);
      for (int lane = 0; lane < LANES; ++lane) column_exponents_[first + lane] += growth[lane];
      for (int n = 0; n < M; ++n) {
        const int y = map_tables_.reversed[n];
        for (int lane = 0; lane < LANES; ++lane) {
          turned_.re[y][first + lane] = float(map_lines_.re[n][lane]);
          turned_.im[y][first + lane] = float(map_lines_.im[n][lane]);
        }
      }
    }
  }

  void field(const Stages& out) {
    const int common = *std::max_element(column_exponents_, column_exponents_ + M);
    int growth[LANES];
    for (int first = 0; first < M; first += LANES) {
      for (int x = 0; x < M; ++x) {
        const double factor = std::ldexp(1.0, column_exponents_[x] - common);
        for (int lane = 0; lane < LANES; ++lane) {
          map_lines_.re[x][lane] = std::rint(turned_.re[first + lane][x] * factor);
          map_lines_.im[x][lane] = std::rint(turned_.im[first + lane][x] * factor);
        }
      }
      inverse(growth);
      for (int lane = 0; lane < LANES; ++lane) {
        const int y = first + lane;
        out.field_exponent[y] = growth[lane];
        for (int n = 0; n < M; ++n) {
          const int x = map_tables_.reversed[n];
          field_.re[y][x] = float(map_lines_.re[n][lane]), field_.im[y][x] = float(map_lines_.im[n][lane]);
          save(out.field + 2 * (y * M + x), map_lines_.re[n][lane], map_lines_.im[n][lane]);
        }
      }
    }
  }

  void arguments(const Stages& out) {
    for (int y = 0; y < M; ++y)
      for (int first = 0; first < M; first += LANES) {
        std::int32_t x_part[LANES], y_part[LANES], angle[LANES];
        bool dark[LANES];
        for (int lane = 0; lane < LANES; ++lane) {
          const std::int64_t* phasor = terms_.phasor + 2 * (y * M + first + lane);
          const double re = field_.re[y][first + lane], im = field_.im[y][first + lane];
          const double by_re = double(phasor[0]), by_im = -double(phasor[1]);
          const auto product_re = std::int32_t(std::rint((re * by_re - im * by_im) * UNIT));
          const auto product_im = std::int32_t(std::rint((re * by_im + im * by_re) * UNIT));
          const auto largest = std::uint32_t(std::max(std::abs(product_re), std::abs(product_im)));
          dark[lane] = largest == 0;
          const int up = CORDIC_BITS - (32 - __builtin_clz(largest | 1));
          const std::int32_t sign = product_re < 0 ? -1 : 1;
          x_part[lane] = sign * product_re * (1 << up), y_part[lane] = sign * product_im * (1 << up);
          angle[lane] = product_re < 0 ? 1 << (TURN_BITS + CORDIC_GUARD_BITS - 1) : 0;
        }
        for (int step = 0; step < CORDIC_STEPS; ++step) {
          const auto turn = std::int32_t(terms_.cordic_turns[step]);
          for (int lane = 0; lane < LANES; ++lane) {
            const std::int32_t across = y_part[lane] >> step, along = x_part[lane] >> step;
            const bool below = y_part[lane] < 0;
            x_part[lane] += below ? -across : across;
            y_part[lane] += below ? along : -along;
            angle[lane] += below ? -turn : turn;
          }
        }
        for (int lane = 0; lane < LANES; ++lane) {
          const std::int32_t code = dark[lane] ? 0 : wrap<TURN_BITS>(shift_right(angle[lane], CORDIC_GUARD_BITS));
          wrapped_[y][first + lane] = out.wrapped[y * M + first + lane] = code;
        }
      }
  }

  // Of the place of an ordered line, which has its odd places behind the even ones, in reverse.
  static int natural(int place) { return place < M / 2 ? 2 * place : 2 * (M - place) - 1; }

  // Transform the map's lines, ordered and real, to words of their cosines.
  void cosine(int* exponents) {
    transform<false>(map_lines_, map_tables_);
    for (int k = 0; k < M; ++k) {
      const int place = map_tables_.reversed[k];
      const Complex by = half_turns_[k];
      for (int lane = 0; lane < LANES; ++lane)
        scratch_.re[k][lane] = std::rint((map_lines_.re[place][lane] * by.re - map_lines_.im[place][lane] * by.im) * UNIT);
    }
    to_words(scratch_, exponents);
  }

  // Undo it but for a factor of M: words of cosines in the scratch lines, values in the map's lines, by place.
  void inverse_cosine(int* exponents) {
    for (int k = 0; k < M; ++k) {
      const Complex by = half_turns_[k];
      for (int lane = 0; lane < LANES; ++lane) {
        const double word = scratch_.re[k][lane], mirrored = k ? scratch_.re[M - k][lane] : 0;
        map_lines_.re[k][lane] = std::rint((word * by.re - mirrored * by.im) * UNIT);
        map_lines_.im[k][lane] = std::rint(-(word * by.im + mirrored * by.re) * UNIT);
      }
    }
    transform<true>(map_lines_, map_tables_);
    for (int n = 0; n < M; ++n) {
      const int place = natural(map_tables_.reversed[n]);
      std::copy(map_lines_.re[n], map_lines_.re[n] + LANES, scratch_.re[place]);
    }
    to_words(scratch_, exponents);
    std::swap(scratch_, map_lines_);
    std::fill(scratch_.im[0], scratch_.im[0] + M * LANES, 0.0);
  }

  // From arguments to phases: the surface by Poisson's equation, and the whole turns that bring arguments to it.
  void unwrap() {
    for (int y = 0; y < M; ++y)
      for (int x = 0; x < M; ++x) {
        const auto row = std::min(terms_.bottom - 1, std::max<std::int64_t>(terms_.top, y));
        const auto column = std::min(terms_.right - 1, std::max<std::int64_t>(terms_.left, x));
        continued_[y][x] = wrapped_[row][column];
      }
    int growth[LANES];
    std::fill(scratch_.im[0], scratch_.im[0] + M * LANES, 0.0);
    for (int first = 0; first < M; first += LANES) {
      for (int place = 0; place < M; ++place)
        for (int lane = 0; lane < LANES; ++lane) {
          map_lines_.re[place][lane] = source(first + lane, natural(place));
          map_lines_.im[place][lane] = 0;
        }
      cosine(line_exponents_ + first);
      for (int lane = 0; lane < LANES; ++lane)
        for (int k = 0; k < M; ++k) turned_.re[first + lane][k] = float(scratch_.re[k][lane]);
    }
    const int along_rows = *std::max_element(line_exponents_, line_exponents_ + M);
    for (int first = 0; first < M; first += LANES) {
      for (int place = 0; place < M; ++place) {
        const int y = natural(place);
        const double factor = std::ldexp(1.0, line_exponents_[y] - along_rows);
        for (int lane = 0; lane < LANES; ++lane) {
          map_lines_.re[place][lane] = std::rint(turned_.re[y][first + lane] * factor);
          map_lines_.im[place][lane] = 0;
        }
      }
      int* exponents = column_exponents_ + first;
      cosine(exponents);
      divide(first);
      to_words(scratch_, growth);
      for (int lane = 0; lane < LANES; ++lane) exponents[lane] += growth[lane];
      inverse_cosine(growth);
      for (int lane = 0; lane < LANES; ++lane) exponents[lane] += growth[lane] + along_rows;
      for (int y = 0; y < M; ++y)
        for (int lane = 0; lane < LANES; ++lane) turned_.im[y][first + lane] = float(map_lines_.re[y][lane]);
    }
    const int along_columns = *std::max_element(column_exponents_, column_exponents_ + M);
    for (int first = 0; first < M; first += LANES) {
      for (int k = 0; k < M; ++k) {
        const double factor = std::ldexp(1.0, column_exponents_[k] - along_columns);
        for (int lane = 0; lane < LANES; ++lane) scratch_.re[k][lane] = std::rint(turned_.im[first + lane][k] * factor);
      }
      inverse_cosine(growth);
      for (int lane = 0; lane < LANES; ++lane)
        for (int x = 0; x < M; ++x) add_turns(first + lane, x, map_lines_.re[x][lane], along_columns + growth[lane]);
    }
  }

  // The divergence of the wrapped differences.
  double source(int y, int x) const {
    const std::int32_t own = continued_[y][x];
    std::int32_t sum = 0;
    if (y + 1 < M) sum += wrap<TURN_BITS>(continued_[y + 1][x] - own);
    if (y > 0) sum -= wrap<TURN_BITS>(own - continued_[y - 1][x]);
    if (x + 1 < M) sum += wrap<TURN_BITS>(continued_[y][x + 1] - own);
    if (x > 0) sum -= wrap<TURN_BITS>(own - continued_[y][x - 1]);
    return sum;
  }

  // Divide words of columns by what a second difference does to their frequencies, with the opposite sign.
  void divide(int first) {
    for (int ky = 0; ky < M; ++ky)
      for (int lane = 0; lane < LANES; ++lane) {
        const int kx = first + lane;
        const std::int64_t divisor = terms_.divisors[kx] + terms_.divisors[ky];
        const auto word = std::int64_t(scratch_.re[ky][lane]) * (std::int64_t(1) << DIVISOR_FRACTION);
        scratch_.re[ky][lane] = kx || ky ? double(-(word / divisor)) : 0;
      }
  }

  // A surface that is not scaled by the 1 / M of two inverse transforms.
  void add_turns(int y, int x, double word, int exponent) {
    constexpr int BITS = 2 * LOG2_M;
    const std::int64_t own = continued_[y][x];
    const auto surface = std::int64_t(std::uint64_t(std::int64_t(word)) << exponent);
    const std::int64_t half = std::int64_t(1) << (TURN_BITS + BITS - 1);
    const std::int64_t turns = (surface - own * (std::int64_t(1) << BITS) + half) >> (TURN_BITS + BITS);
    const std::int64_t most = MOST_TURNS;
    phase_[y][x] = own + std::min(most, std::max(-most, turns)) * (std::int64_t(1) << TURN_BITS);
  }

  std::int64_t background() {
    constexpr int WIDTH = TURN_BITS - BACKGROUND_BIN_BITS;
    std::fill(counts_, counts_ + BINS, 0);
    for (auto y = terms_.top; y < terms_.bottom; ++y)
      for (auto x = terms_.left; x < terms_.right; ++x) ++counts_[(phase_[y][x] >> WIDTH) + BINS / 2];
    const auto fullest = std::max_element(counts_, counts_ + BINS) - counts_ - BINS / 2;
    const std::int64_t middle = fullest * (1 << WIDTH) + (1 << (WIDTH - 1));
    std::int64_t sum = 0, count = 0;
    for (auto y = terms_.top; y < terms_.bottom; ++y)
      for (auto x = terms_.left; x < terms_.right; ++x)
        if (std::abs(phase_[y][x] - middle) <= 1 << (TURN_BITS - BACKGROUND_REACH_BITS)) sum += phase_[y][x], ++count;
    return floor_divided(2 * sum + count, 2 * count);
  }

  const Terms& terms_;
  const TwiddlesOf<N> tables_;
  const TwiddlesOf<M> map_tables_;
  Complex half_turns_[M];
  LinesOf<N> lines_;
  MapLines map_lines_, scratch_;
  Words<N> rows_;
  Words<M> turned_, field_;
  int row_exponents_[N], column_exponents_[M], line_exponents_[M];
  std::int32_t wrapped_[M][M], continued_[M][M];
  std::int64_t phase_[M][M];
  int counts_[BINS];
};

}  // namespace

// Retrieve one hologram of N x N codes.
extern "C" void cytogate_retrieve_delay(const Terms* terms, const std::int32_t* hologram, const Stages* out) {
  std::make_unique<Retrieval>(*terms)->run(hologram, *out);
}
