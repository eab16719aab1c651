// Phase retrieval on a desktop's processor by the laws "two-sided" and "causal": model/contract/recursion.py, item by
// item, one cell after the other.
//
// Words are integers held in float64, whose products stay below 2^53; sums of a surface are 64-bit integers.
#include "four_angle.hpp"

namespace {

// Of the contract, by the caller.
constexpr bool CAUSAL = CYTOGATE_CAUSAL;
constexpr int SHARPEN = CYTOGATE_SHARPEN;
constexpr int SHARPEN_SHIFT = CYTOGATE_SHARPEN_SHIFT;
constexpr int BEND_SHIFT = CYTOGATE_BEND_SHIFT;
constexpr int ROW_BITS = CYTOGATE_ROW_BITS;
constexpr int STATE_BITS = CYTOGATE_STATE_BITS;
constexpr int LINE_BITS = CYTOGATE_LINE_BITS;
constexpr int COEFFICIENT_FRACTION = CYTOGATE_COEFFICIENT_FRACTION;
constexpr int SURFACE_WORD_FRACTION = CYTOGATE_SURFACE_WORD_FRACTION;
constexpr int LOG2_UNIT = CYTOGATE_LOG2_UNIT;
constexpr int STATE_FRACTION = CYTOGATE_STATE_FRACTION;
constexpr int PHI_FRACTION = CYTOGATE_PHI_FRACTION;
constexpr int RECIPROCAL_FRACTION = CYTOGATE_RECIPROCAL_FRACTION;
constexpr int CONSTANT_FRACTION = CYTOGATE_CONSTANT_FRACTION;
constexpr int SLOPE_FRACTION = CYTOGATE_SLOPE_FRACTION;
constexpr int RESPONSE_FRACTION = CYTOGATE_RESPONSE_FRACTION;
constexpr int CLEANER_MORE = CYTOGATE_CLEANER_MORE;
constexpr int CLEANER_LESS = CYTOGATE_CLEANER_LESS;
constexpr int CLEANER_APART = CYTOGATE_CLEANER_APART;

constexpr int H = N / 2;  // columns kx = 0 ... N/2 - 1; of 0 there is no recursion
constexpr int POLYNOMIALS = 6;
constexpr int DECAYS = 2 * N;
static_assert(H % LANES == 0, "pairs of rows are transformed in whole blocks");

enum class Half { BOTH, DOWN, UP };

struct Terms {
  FrontTerms front;
  const std::int64_t *a, *q, *u, *r;  // (N / 2 - 1), of kx = 1 and up
  const std::int64_t* decay;          // (2 N)
};

// Arrays of the contract's stages, a cell after the other; those that are null are not written.
struct Stages {
  FrontStages front;
  std::int64_t *rows, *columns;
};

template <int SHIFT>
double rounded(double word) {
  return std::rint(word * (1.0 / (std::int64_t(1) << SHIFT)));
}

// Both parts of every column's word, row by row.
struct alignas(64) Columns {
  double part[2][N][H];
};

// A surface along y, of each column: A + B y, and the recursion's answer to it.
struct alignas(64) SurfaceLine {
  double constant[2][H], slope[2][H], alpha[2][H], beta[2][H];
};

class Recursion : FourAngle {
 public:
  explicit Recursion(const Terms& terms) : FourAngle(terms.front), terms_(terms), tables_(terms.front.twiddles) {
    const auto read = [](double* constants, const std::int64_t* table) {
      constants[0] = 0;
      for (int k = 1; k < H; ++k) constants[k] = double(table[k - 1]);
    };
    read(a_, terms.a), read(q_, terms.q), read(u_, terms.u), read(r_, terms.r);
    for (int y = 0; y < N; ++y)
      for (int k = 0; k < H; ++k) decay_[y][k] = y * k < DECAYS ? double(terms.decay[y * k]) : 0;
  }

  // The surface is known beforehand, (6, 2), or null: that of the frame's own border.
  template <typename Code>
  void run(const Code* frames, const std::int64_t* known, Stages out) {
    bin(frames);
    gradients();
    if (known)
      read_surface(known);
    else
      fit_surface();
    const Half half = CAUSAL ? Half::DOWN : known ? cleaner_half() : Half::BOTH;
    sharpen();
    forward_rows();
    write_rows(out);
    surface_line(1, down_line_);
    flatten(plus_, down_line_);
    if (CAUSAL) {
      recur(plus_, down_, false);
      combine(down_, down_, plus_, plus_);
    } else {
      surface_line(-1, up_line_);
      flatten(minus_, up_line_);
      subtract_response();
      recur(minus_, up_, true);
      const bool both = half == Half::BOTH, down = half == Half::DOWN;
      combine(both || down ? down_ : up_, both || !down ? up_ : down_, both || down ? plus_ : minus_,
              both || !down ? minus_ : plus_);
    }
    mean_column(half);
    if (out.columns)
      for (int y = 0; y < N; ++y)
        for (int k = 0; k < H; ++k)
          for (int part = 0; part < 2; ++part) *out.columns++ = std::int64_t(columns_.part[part][y][k]);
    inverse_rows();
    write(out.front);
  }

  // Surface (6, 2) of the border of a cell's frames.
  template <typename Code>
  void fit(const Code* frames, std::int64_t* surface) {
    bin(frames);
    gradients();
    fit_surface();
    for (int part = 0; part < 2; ++part) {
      const Coefficients& c = surface_[part];
      const std::int64_t values[POLYNOMIALS] = {c.one, c.s, c.t, c.ss, c.tt, c.st};
      for (int i = 0; i < POLYNOMIALS; ++i) surface[2 * i + part] = values[i];
    }
  }

 private:
  void read_surface(const std::int64_t* known) {
    for (int part = 0; part < 2; ++part)
      surface_[part] = {known[part],     known[2 + part], known[4 + part],
                        known[6 + part], known[8 + part], known[10 + part]};
  }

  Half cleaner_half() const {
    std::int64_t edges[2] = {};
    for (int edge = 0; edge < 2; ++edge)
      for (const auto& gradient : gradient_)
        for (int row = 0; row < BORDER; ++row) {
          const auto* words = gradient + (edge ? N - BORDER + row : row) * N;
          for (int x = CLEANER_APART; x < N; ++x)
            edges[edge] += std::abs(std::int64_t(words[x]) - std::int64_t(words[x - CLEANER_APART]));
        }
    if (CLEANER_LESS * edges[0] > CLEANER_MORE * edges[1]) return Half::UP;
    if (CLEANER_LESS * edges[1] > CLEANER_MORE * edges[0]) return Half::DOWN;
    return Half::BOTH;
  }

  void sharpen() {
    for (int part = 0; part < 2; ++part)
      for (int y = 0; y < N; ++y)
        for (int x = 0; x < N; ++x) {
          const float* word = gradient_[part] + y * N + x;
          double sharp = *word;
          if (y > 0 && y < N - 1)
            sharp -= rounded<SHARPEN_SHIFT>(SHARPEN * (double(word[-N]) - 2 * double(*word) + double(word[N])));
          sharp_[part][y * N + x] = sharp;
        }
  }

  // Row words G[k] and conj G[-k], and the exact sums of the y gradient.
  void forward_rows() {
    const auto word = [](double grown) {
      constexpr double END = (std::int64_t(1) << (ROW_BITS - 1)) - 1;
      const double nearest = rounded<LOG2_UNIT>(grown);
      return nearest > END ? END : nearest < -END ? -END : nearest;
    };
    for (int first = 0; first < N; first += LANES) {
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          lines_.re[n][lane] = sharp_[0][(first + lane) * N + n];
          lines_.im[n][lane] = sharp_[1][(first + lane) * N + n];
        }
      transform<false>(lines_, tables_);
      for (int lane = 0; lane < LANES; ++lane) sums_[first + lane] = std::int64_t(lines_.im[0][lane]);
      for (int n = 1; n < N; ++n) {
        const int k = tables_.reversed[n];
        if (k == H) continue;
        Columns& columns = k < H ? plus_ : minus_;
        const int place = k < H ? k : N - k;
        const double sign = k < H ? 1 : -1;
        for (int lane = 0; lane < LANES; ++lane) {
          columns.part[0][first + lane][place] = word(lines_.re[n][lane]);
          columns.part[1][first + lane][place] = sign * word(lines_.im[n][lane]);
        }
      }
    }
  }

  void write_rows(Stages out) const {
    if (!out.rows) return;
    for (int y = 0; y < N; ++y)
      for (int k = 1; k < H; ++k)
        for (const Columns* columns : {&plus_, &minus_})
          for (int part = 0; part < 2; ++part) *out.rows++ = std::int64_t(columns->part[part][y][k]);
  }

  // The lines of G[k], or with a sign of -1 of conj G[-k].
  void surface_line(int sign, SurfaceLine& line) const {
    const Coefficients &re = surface_[0], &im = surface_[1];
    const auto product = [&](std::int64_t x, std::int64_t y, const std::int64_t* table, int part) {
      return part == 0 ? x * table[0] - sign * y * table[1] : x * table[1] + sign * y * table[0];
    };
    for (int k = 1; k < H; ++k) {
      const std::int64_t *s = front_.spectra + 2 * k, *ss = front_.spectra + 2 * (N + k);
      for (int part = 0; part < 2; ++part) {
        const std::int64_t along = product(re.s, im.s, s, part) + product(re.ss, im.ss, ss, part);
        const std::int64_t across = product(re.st, im.st, s, part);
        const std::int64_t a = limit<LINE_BITS>(
            shift_right(along * N - (N - 1) * across, SURFACE_WORD_FRACTION - CONSTANT_FRACTION));
        const std::int64_t b = limit<LINE_BITS>(shift_right(2 * across, SURFACE_WORD_FRACTION - SLOPE_FRACTION));
        const auto r = std::int64_t(r_[k]);
        const std::int64_t beta =
            limit<LINE_BITS>(shift_right(b * r, RECIPROCAL_FRACTION + SLOPE_FRACTION - RESPONSE_FRACTION));
        const std::int64_t alpha = limit<STATE_BITS>(shift_right(
            (a * (1 << (RESPONSE_FRACTION - CONSTANT_FRACTION)) - beta) * r,
            RECIPROCAL_FRACTION + RESPONSE_FRACTION - STATE_FRACTION));
        line.constant[part][k] = double(a), line.slope[part][k] = double(b);
        line.alpha[part][k] = double(alpha), line.beta[part][k] = double(beta);
      }
    }
  }

  // Row words less their surface; two-sided, the states of those with it are made before.
  void flatten(Columns& columns, const SurfaceLine& line) {
    if (!CAUSAL && &columns == &plus_) recur(plus_, down_, false);
    for (int part = 0; part < 2; ++part)
      for (int y = 0; y < N; ++y)
        for (int k = 1; k < H; ++k) {
          const double value = line.constant[part][k] * (1 << (SLOPE_FRACTION - CONSTANT_FRACTION)) + line.slope[part][k] * y;
          double& word = columns.part[part][y][k];
          word = limit<ROW_BITS>(word - rounded<SLOPE_FRACTION>(value));
        }
  }

  // States of a recursion from the first row down, or from the last row up.
  void recur(const Columns& drive, Columns& states, bool upward) const {
    for (int part = 0; part < 2; ++part) {
      int y = upward ? N - 1 : 0;
      const int step = upward ? -1 : 1;
      for (int k = 0; k < H; ++k) states.part[part][y][k] = 0;
      for (int row = 1; row < N; ++row, y += step) {
        const double *word = drive.part[part][y], *state = states.part[part][y];
        double* next = states.part[part][y + step];
#pragma GCC ivdep
        for (int k = 0; k < H; ++k)
          next[k] = rounded<COEFFICIENT_FRACTION>(a_[k] * state[k]) + word[k] * (1 << STATE_FRACTION);
      }
    }
  }

  // States of the downward recursion less its answer to the surface.
  void subtract_response() {
    constexpr double ONE = 1 << COEFFICIENT_FRACTION;
    constexpr double RISE = 1 << (STATE_FRACTION + COEFFICIENT_FRACTION - RESPONSE_FRACTION);
    for (int part = 0; part < 2; ++part)
      for (int y = 1; y < N; ++y)
        for (int k = 1; k < H; ++k) {
          const double answer = down_line_.alpha[part][k] * (ONE - decay_[y][k]) + down_line_.beta[part][k] * y * RISE;
          double& state = down_.part[part][y][k];
          state = limit<STATE_BITS>(state - rounded<COEFFICIENT_FRACTION>(answer));
        }
  }

  // i phi^ of kx != 0.
  void combine(const Columns& first, const Columns& second, const Columns& near, const Columns& far) {
    constexpr int SHIFT = COEFFICIENT_FRACTION + STATE_FRACTION - PHI_FRACTION;
    constexpr double HALF_STEP = 1 << (STATE_FRACTION - 1);
    for (int part = 0; part < 2; ++part)
      for (int y = 0; y < N; ++y)
        for (int k = 1; k < H; ++k) {
          const double state = std::rint((first.part[part][y][k] + second.part[part][y][k]) * 0.5);
          const double word = (near.part[part][y][k] + far.part[part][y][k]) * HALF_STEP;
          columns_.part[part][y][k] = rounded<SHIFT>(state * q_[k] + word * u_[k]);
        }
  }

  // i phi^ of kx = 0, which is imaginary.
  void mean_column(Half half) {
    const Coefficients& c = surface_[1];
    constexpr std::int64_t THIRD = (std::int64_t(N) * N - 1) / 3;
    std::int64_t trend = c.one * (N * N) + c.ss * THIRD - shift_right(SHARPEN * c.tt, BEND_SHIFT);
    if (half == Half::BOTH) {
      trend = -c.tt * THIRD;
      for (const std::int64_t sum : sums_) trend += sum * (1 << SURFACE_FRACTION);
    }
    std::int64_t numbers[N], steps = 0, bends = 0;
    for (std::int64_t y = 0; y < N; ++y) {
      const std::int64_t v = 2 * y - (N - 1);
      if (y > 0) steps += sums_[y - 1] + sums_[y], bends += (v - 2) * (v - 2) + v * v;
      numbers[y] = steps * (N << SURFACE_FRACTION) - 2 * y * trend - c.t * (2 * N * y * (y + 1 - N)) - c.tt * bends;
    }
    constexpr int ROWS = 1 << OFFSET_ROWS_LOG2;
    std::int64_t zero = 0;
    for (int row = 0; row < ROWS; ++row) zero += numbers[half == Half::UP ? N - ROWS + row : row];
    constexpr int SHIFT = OFFSET_ROWS_LOG2 + 1 + LOG2_N + SURFACE_FRACTION + LOG2_UNIT - PHI_FRACTION;
    for (int y = 0; y < N; ++y) {
      columns_.part[0][y][0] = 0;
      columns_.part[1][y][0] = double(limit<STATE_BITS>(shift_right(numbers[y] * ROWS - zero, SHIFT)));
    }
  }

  // Rows 2 n + 1 and 2 n are the real and the imaginary part of one line.
  void inverse_rows() {
    const double gain = std::ldexp(double(front_.phase_gain.mantissa), -int(front_.phase_gain.shift));
    for (int first = 0; first < H; first += LANES) {
      for (int lane = 0; lane < LANES; ++lane) {
        const int even = 2 * (first + lane), odd = even + 1;
        const auto &re = columns_.part[1], &minus_im = columns_.part[0];  // of phi^ = -i (i phi^)
        lines_.re[H][lane] = lines_.im[H][lane] = 0;
        for (int k = 0; k < H; ++k) {
          const double odd_im = -minus_im[odd][k], even_im = -minus_im[even][k];
          lines_.re[k][lane] = limit<STATE_BITS>(re[odd][k] - even_im);
          lines_.im[k][lane] = limit<STATE_BITS>(odd_im + re[even][k]);
          if (k == 0) continue;
          lines_.re[N - k][lane] = limit<STATE_BITS>(re[odd][k] + even_im);
          lines_.im[N - k][lane] = limit<STATE_BITS>(re[even][k] - odd_im);
        }
      }
      transform<true, STATE_BITS>(lines_, tables_);
      for (int n = 0; n < N; ++n)
        for (int lane = 0; lane < LANES; ++lane) {
          float* row = phase_ + 2 * (first + lane) * N + tables_.reversed[n];
          row[N] = float(limit<PHASE_BITS>(std::rint(lines_.re[n][lane] * gain)));
          row[0] = float(limit<PHASE_BITS>(std::rint(lines_.im[n][lane] * gain)));
        }
    }
  }

  const Terms& terms_;
  const Twiddles tables_;
  double a_[H], q_[H], u_[H], r_[H], decay_[N][H];
  double sharp_[2][N * N];
  std::int64_t sums_[N];
  Lines lines_;
  Columns plus_, minus_, down_, up_, columns_;
  SurfaceLine down_line_, up_line_;
};

}  // namespace

// Surfaces (cells, 6, 2) are known beforehand, or null: those of the frames' own borders.
extern "C" void cytogate_retrieve(const Terms* terms, const void* frames, int bytes, std::int64_t cells,
                                  const std::int64_t* surfaces, const Stages* stages) {
  const auto recursion = std::make_unique<Recursion>(*terms);
  with_type(frames, bytes, [&](auto* codes) {
    Stages out = *stages;
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      recursion->run(codes, surfaces ? surfaces + cell * 2 * POLYNOMIALS : nullptr, out);
      codes += values_of<std::decay_t<decltype(*codes)>>(terms->front);
      out.front.next_cell();
      FrontStages::advance(out.rows, 2 * std::int64_t(N) * (N - 2)), FrontStages::advance(out.columns, std::int64_t(N) * N);
    }
  });
}

// Surfaces (cells, 6, 2) of the borders of frames.
extern "C" void cytogate_fit(const Terms* terms, const void* frames, int bytes, std::int64_t cells,
                             std::int64_t* surfaces) {
  const auto recursion = std::make_unique<Recursion>(*terms);
  with_type(frames, bytes, [&](auto* codes) {
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      recursion->fit(codes, surfaces + cell * 2 * POLYNOMIALS);
      codes += values_of<std::decay_t<decltype(*codes)>>(terms->front);
    }
  });
}
