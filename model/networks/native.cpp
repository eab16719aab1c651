// A quantized network on a desktop's processor: the operations of model/networks/operations.py on integers held in
// floating point, one cell after the other.
//
// The caller sees to it that every sum, in whichever order, stays where the type holds all integers: 2^24 of float, else
// 2^53 of double. Nothing is then lost whatever the order of sums and whether or not products are fused.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

enum Kind : std::int64_t { INPUT, ROUND, WEIGHTED, DEPTHWISE, SCALE, MAX_POOL, MEAN, ADD, SUBTRACT, MAXIMUM, MINIMUM, MOMENTS, MOVE };
enum Rounding : std::int64_t { TRUNCATE, HALF_UP, CONVERGENT };

constexpr int INPUTS = 8;  // words of as many operations enter one at most

struct Window {
  std::int64_t rows, columns, channels;              // of what enters
  std::int64_t out_rows, out_columns, out_channels;  // of what leaves
  std::int64_t height, width, down, right;           // of the window, and its steps
};

// Values that lie one after the other in what enters and in what leaves.
struct Run {
  std::int64_t input, from, to, length;
};

// Numbers of the law of model/contract/mask_moments.py.
extern "C" struct MomentsLaw {
  std::int64_t mask_code, empty_code, center_bits, table_bits, log_fraction_bits, part_bits, word_fraction_bits;
  std::int64_t lowest, highest, features;
  const std::int64_t* table;    // of logarithms
  const std::int64_t* factors;  // (features, LOGARITHMS)
  const std::int64_t* centers;  // in steps of a logarithm
  const std::int64_t* gains;    // log2 of them
};

extern "C" struct Operation {
  std::int64_t kind;
  std::int64_t inputs[INPUTS];  // numbers of operations
  double factors[INPUTS];       // that bring their words to the grid of what leaves
  std::int64_t size;            // words that leave
  Window window;
  const double *kernel, *bias;  // in steps of products; on the grid of what leaves
  std::int64_t rounding, wraps, slope_shift;
  double lowest, highest;
  std::int64_t count, mean_shift;  // of a mean
  const Run* runs;
  std::int64_t run_count;
  const MomentsLaw* moments;
};

// Codes of an input, of 1 or 2 bytes each with a sign or without, or of 8 with one.
extern "C" struct Codes {
  const void* codes;
  std::int64_t bytes, is_signed;
};

// The moments of a phase mask: the law of model/contract/mask_moments.py, in whose words things are named.
class Moments {
 public:
  static constexpr int LOGARITHMS = 13;

  explicit Moments(const MomentsLaw& law) : law_(law) {}

  template <typename Real>
  void compute(const Window& w, const Real* from, Real* to) const {
    Sums mask = {}, above = {};
    Integer squares = 0, most = 0;
    for (Integer y = 0; y < w.rows; ++y) {
      Integer of_mask[ORDERS] = {}, of_phase[ORDERS] = {};
      for (Integer x = 0; x < w.columns; ++x) {
        const Integer code = Integer(from[(y * w.columns + x + 1) * w.channels - 1]);
        if (code < law_.mask_code) continue;
        const Integer phase = code - law_.empty_code;
        Integer power = 1;
        for (int k = 0; k < ORDERS; ++k, power *= 2 * x - (w.columns - 1)) {
          of_mask[k] += power;
          if (k <= 2) of_phase[k] += power * phase;
        }
        squares += phase * phase;
        most = std::max(most, phase);
      }
      Integer power = 1;
      for (int j = 0; j < ORDERS; ++j, power *= 2 * y - (w.rows - 1))
        for (int i = 0; i + j < ORDERS; ++i) {
          mask[i][j] += of_mask[i] * power;
          if (i + j <= 2) above[i][j] += of_phase[i] * power;
        }
    }
    const Integer n = mask[0][0], x = center(mask[1][0], n), y = center(mask[0][1], n);
    const auto m = [&](int i, int j) { return central(mask, x, y, i, j); };
    const auto p = [&](int i, int j) { return central(above, x, y, i, j); };
    const Integer spread = m(2, 0) + m(0, 2);
    const Integer logarithms[LOGARITHMS] = {
        log2(n),
        log2(above[0][0]),
        log2(squares),
        log2(most),
        log2(spread),
        log2(m(4, 0) + 2 * m(2, 2) + m(0, 4)),
        log2(p(2, 0) + p(0, 2)),
        log2_of_square(p(1, 0), p(0, 1)),
        log2_of_square(m(2, 0) - m(0, 2), 2 * m(1, 1)),
        log2_of_square(m(3, 0) - 3 * m(1, 2), 3 * m(2, 1) - m(0, 3)),
        log2_of_square(m(3, 0) + m(1, 2), m(2, 1) + m(0, 3)),
        log2_of_square(m(4, 0) - 6 * m(2, 2) + m(0, 4), 4 * (m(3, 1) - m(1, 3))),
        log2_of_square(m(4, 0) - m(0, 4), 2 * (m(3, 1) + m(1, 3))),
    };
    for (Integer feature = 0; feature < law_.features; ++feature) {
      Integer total = -law_.centers[feature];
      for (int i = 0; i < LOGARITHMS; ++i) total += law_.factors[feature * LOGARITHMS + i] * logarithms[i];
      total = (total * (Integer(1) << law_.gains[feature])) >> (law_.log_fraction_bits - law_.word_fraction_bits);
      to[feature] = Real(std::min(law_.highest, std::max(law_.lowest, total)));
    }
  }

 private:
  using Integer = std::int64_t;
  static constexpr int ORDERS = 5;
  using Sums = Integer[ORDERS][ORDERS];

  Integer center(Integer moment, Integer n) const {
    if (!n) return 0;
    const Integer magnitude = ((std::abs(moment) << (law_.center_bits + 1)) + n) / (2 * n);
    return moment < 0 ? -magnitude : magnitude;
  }

  Integer central(const Sums& sums, Integer x, Integer y, int i, int j) const {
    static constexpr Integer BINOMIALS[ORDERS][ORDERS] = {{1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}, {1, 4, 6, 4, 1}};
    Integer total = 0;
    for (int k = 0; k <= i; ++k)
      for (int l = 0; l <= j; ++l) {
        Integer term = (BINOMIALS[i][k] * BINOMIALS[j][l] << (law_.center_bits * (k + l))) * sums[k][l];
        for (int n = k; n < i; ++n) term *= -x;
        for (int n = l; n < j; ++n) term *= -y;
        total += term;
      }
    return total;
  }

  static int bit_length(Integer value) { return value ? 64 - __builtin_clzll(std::uint64_t(value)) : 0; }

  Integer log2(Integer value) const {
    if (value <= 0) return 0;
    const Integer exponent = bit_length(value) - 1, bits = law_.table_bits;
    const Integer aligned = exponent > bits ? value >> (exponent - bits) : value << (bits - exponent);
    return exponent * (Integer(1) << law_.log_fraction_bits) + law_.table[aligned & ((Integer(1) << bits) - 1)];
  }

  Integer log2_of_square(Integer first, Integer second) const {
    first = std::abs(first), second = std::abs(second);
    const Integer shift = std::max<Integer>(0, bit_length(std::max(first, second)) - law_.part_bits);
    const Integer a = first >> shift, b = second >> shift;
    return log2(a * a + b * b) + shift * (Integer(2) << law_.log_fraction_bits);
  }

  const MomentsLaw& law_;
};

// Lanes of a vector of the compiler's, which it makes of whatever the processor has.
constexpr int VECTOR_BYTES = 64;
template <typename Real>
struct Vector;
template <>
struct Vector<float> {
  typedef float Type __attribute__((vector_size(VECTOR_BYTES), aligned(4)));
};
template <>
struct Vector<double> {
  typedef double Type __attribute__((vector_size(VECTOR_BYTES), aligned(8)));
};

template <typename Real>
class Network {
  using Lanes = typename Vector<Real>::Type;
  static constexpr int LANES = VECTOR_BYTES / sizeof(Real);

 public:
  Network(const Operation* operations, std::int64_t count) : operations_(operations, operations + count) {
    for (const Operation& each : operations_) {
      words_.emplace_back(each.size + LANES);
      constants_.push_back(constants_of(each));
    }
  }

  // Codes of the inputs, and where the codes of each operation go that is not null.
  void run(const Codes* inputs, std::int64_t* const* out) {
    for (std::size_t number = 0; number < operations_.size(); ++number) {
      const Operation& operation = operations_[number];
      Real* to = words_[number].data();
      if (operation.kind == INPUT)
        read(*inputs++, operation.size, to);
      else
        compute(operation, constants_[number], to);
      if (out[number])
        for (std::int64_t i = 0; i < operation.size; ++i) out[number][i] = std::int64_t(to[i]);
    }
  }

 private:
  static void read(const Codes& input, std::int64_t size, Real* to) {
    const auto all = [&](auto* codes) { std::copy(codes, codes + size, to); };
    switch (input.bytes) {
      case 1:
        return input.is_signed ? all(static_cast<const std::int8_t*>(input.codes))
                               : all(static_cast<const std::uint8_t*>(input.codes));
      case 2:
        return input.is_signed ? all(static_cast<const std::int16_t*>(input.codes))
                               : all(static_cast<const std::uint16_t*>(input.codes));
      default: return all(static_cast<const std::int64_t*>(input.codes));
    }
  }

  // A vector that touches one line of the cache.
  struct alignas(VECTOR_BYTES) Line {
    Real lanes[LANES];
  };

  struct Constants {
    Real factor;  // that brings products to the grid of what leaves
    std::vector<Real> kernel, bias;
    std::vector<Line> lines;  // of a kernel, for WEIGHTED
    std::int64_t taps, row_vectors, blocks;  // of WEIGHTED, see in_vectors
  };

  static Constants constants_of(const Operation& operation) {
    const Window& w = operation.window;
    Constants found = {};
    found.factor = Real(operation.factors[0]);
    if (operation.kind != WEIGHTED && operation.kind != DEPTHWISE && operation.kind != SCALE) return found;
    found.bias.assign(operation.bias, operation.bias + w.out_channels);
    found.bias.resize(w.out_channels + LANES);
    if (operation.kind == WEIGHTED)
      in_vectors(operation, found);
    else
      found.kernel.assign(operation.kernel, operation.kernel + w.height * w.width * w.out_channels);
    return found;
  }

  void compute(const Operation& operation, const Constants& constants, Real* to) {
    const Real* from = words_[operation.inputs[0]].data();
    switch (operation.kind) {
      case ROUND: return round(operation, from, to);
      case WEIGHTED: return weighted(operation, constants, from, to);
      case DEPTHWISE: return depthwise(operation, constants, from, to);
      case SCALE: return scale(operation, constants, from, to);
      case MAX_POOL: return max_pool(operation.window, from, to);
      case MEAN: return mean(operation, from, to);
      case ADD: return of_two(operation, to, [](Real a, Real b) { return a + b; });
      case SUBTRACT: return of_two(operation, to, [](Real a, Real b) { return a - b; });
      case MAXIMUM: return of_two(operation, to, [](Real a, Real b) { return std::max(a, b); });
      case MINIMUM: return of_two(operation, to, [](Real a, Real b) { return std::min(a, b); });
      case MOMENTS: return Moments(*operation.moments).compute(operation.window, from, to);
      case MOVE: return move(operation, to);
    }
  }

  // Vectors of weights for the taps of a window's row, tap after tap, blocks of outputs outermost. With two taps at once
  // a lane and its neighbor hold the same output, and an odd tap is followed by zeros: whichever leaves fewer lanes idle.
  static void in_vectors(const Operation& operation, Constants& made) {
    const Window& w = operation.window;
    const std::int64_t row = w.width * w.channels;
    const auto blocks = [&](std::int64_t taps) { return (w.out_channels * taps + LANES - 1) / LANES; };
    const auto vectors = [&](std::int64_t taps) { return blocks(taps) * ((row + taps - 1) / taps); };
    made.taps = sizeof(Real) == sizeof(float) && vectors(2) < vectors(1) ? 2 : 1;
    made.row_vectors = (row + made.taps - 1) / made.taps;
    made.blocks = blocks(made.taps);
    made.lines.resize(made.blocks * w.height * made.row_vectors);
    const std::int64_t outputs = LANES / made.taps;
    for (std::int64_t i = 0; i < w.height; ++i)
      for (std::int64_t tap = 0; tap < row; ++tap)
        for (std::int64_t output = 0; output < w.out_channels; ++output) {
          const std::int64_t vector = (output / outputs * w.height + i) * made.row_vectors + tap / made.taps;
          const std::int64_t lane = output % outputs * made.taps + tap % made.taps;
          made.lines[vector].lanes[lane] = Real(operation.kernel[(i * row + tap) * w.out_channels + output]);
        }
  }

  // Vectors of sums that are held for a position, and in all: no more than a processor has registers.
  static constexpr int MOST_BLOCKS = 7, SUMS = 24;

  static void weighted(const Operation& operation, const Constants& constants, const Real* from, Real* to) {
    const Window& w = operation.window;
    for (std::int64_t block = 0; block < constants.blocks;) {
      const std::int64_t left = constants.blocks - block, now = left > MOST_BLOCKS ? MOST_BLOCKS / 2 : left;
      if constexpr (sizeof(Real) == sizeof(float))
        if (constants.taps == 2) outputs<MOST_BLOCKS, 2>(now, w, constants, block, from, to);
      if (constants.taps == 1) outputs<MOST_BLOCKS, 1>(now, w, constants, block, from, to);
      block += now;
    }
  }

  // Sums are held in registers: those of several positions of a row at a time, then of single ones.
  template <int BLOCKS, int TAPS>
  static void outputs(std::int64_t blocks, const Window& w, const Constants& constants, std::int64_t block,
                      const Real* from, Real* to) {
    if constexpr (BLOCKS > 1)
      if (blocks < BLOCKS) return outputs<BLOCKS - 1, TAPS>(blocks, w, constants, block, from, to);
    constexpr int POSITIONS = std::min(8, SUMS / BLOCKS);
    for (std::int64_t y = 0; y < w.out_rows; ++y) {
      const Real* words = from + y * w.down * w.columns * w.channels;
      Real* out = to + y * w.out_columns * w.out_channels;
      std::int64_t x = 0;
      for (; x + POSITIONS <= w.out_columns; x += POSITIONS)
        sums<BLOCKS, TAPS, POSITIONS>(w, constants, block, words + x * w.right * w.channels, out + x * w.out_channels);
      for (; x < w.out_columns; ++x)
        sums<BLOCKS, TAPS, 1>(w, constants, block, words + x * w.right * w.channels, out + x * w.out_channels);
    }
  }

  // Outputs of BLOCKS vectors at COUNT positions of a row; the window's rows lie without a gap in what enters.
  template <int BLOCKS, int TAPS, int COUNT>
  static void sums(const Window& w, const Constants& constants, std::int64_t block, const Real* from, Real* to) {
    const std::int64_t vectors = constants.row_vectors, step = w.right * w.channels;
    const Line* weights = constants.lines.data() + block * w.height * vectors;
    Lanes sum[COUNT][BLOCKS] = {};
    for (std::int64_t i = 0; i < w.height; ++i, from += w.columns * w.channels, weights += vectors)
      for (std::int64_t vector = 0; vector < vectors; ++vector) {
        Lanes weight[BLOCKS];
        for (int b = 0; b < BLOCKS; ++b)
          weight[b] = *reinterpret_cast<const Lanes*>(weights + b * w.height * vectors + vector);
        for (int n = 0; n < COUNT; ++n) {
          const auto word = in_all_lanes<TAPS>(from + vector * TAPS + n * step);
          for (int b = 0; b < BLOCKS; ++b) sum[n][b] += weight[b] * word;
        }
      }
    const std::int64_t first = block * LANES / TAPS;
    const Real *bias = constants.bias.data() + first;
    const Real factor = constants.factor;
    for (int n = 0; n < COUNT; ++n)
      for (int v = 0; v * TAPS < BLOCKS; ++v) {
        Lanes all = sum[n][v * TAPS];
        if constexpr (TAPS == 2) all = pairs_added(all, 2 * v + 1 < BLOCKS ? sum[n][2 * v + 1] : Lanes{});
        all = all * factor + *reinterpret_cast<const Lanes*>(bias + v * LANES);
        const std::int64_t left = w.out_channels - first - v * LANES;
        Real* out = to + n * w.out_channels + first + v * LANES;
        if (left >= LANES) {
          std::memcpy(out, &all, sizeof all);
          continue;
        }
        std::int64_t lane = 0;
        for (; lane + 4 <= left; lane += 4)
          for (int k = 0; k < 4; ++k) out[lane + k] = all[lane + k];
        for (; lane < left; ++lane) out[lane] = all[lane];
      }
  }

  // TAPS words, again and again.
  template <int TAPS>
  static auto in_all_lanes(const Real* words) {
    if constexpr (TAPS == 1) {
      return *words;
    } else {
      typedef double Pairs __attribute__((vector_size(VECTOR_BYTES)));
      static_assert(TAPS * sizeof(Real) == sizeof(double) && VECTOR_BYTES == 8 * sizeof(double));
      double pair;
      std::memcpy(&pair, words, sizeof pair);
      return Lanes(Pairs{pair, pair, pair, pair, pair, pair, pair, pair});
    }
  }

  // Sums of neighbors, those of the first vector in front of those of the second.
  static Lanes pairs_added(Lanes first, Lanes second) {
    static_assert(LANES == 16);
#if defined(__clang__)
    return __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
           __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#else
    typedef std::int32_t Order __attribute__((vector_size(VECTOR_BYTES)));
    return __builtin_shuffle(first, second, Order{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30}) +
           __builtin_shuffle(first, second, Order{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31});
#endif
  }

  static void depthwise(const Operation& operation, const Constants& constants, const Real* from, Real* to) {
    const Window& w = operation.window;
    const Real factor = constants.factor;
    for (std::int64_t y = 0; y < w.out_rows; ++y)
      for (std::int64_t x = 0; x < w.out_columns; ++x, to += w.channels) {
        std::fill(to, to + w.channels, Real(0));
        for (std::int64_t i = 0; i < w.height; ++i)
          for (std::int64_t j = 0; j < w.width; ++j) {
            const Real* words = from + ((y * w.down + i) * w.columns + x * w.right + j) * w.channels;
            const Real* own = constants.kernel.data() + (i * w.width + j) * w.channels;
            for (std::int64_t c = 0; c < w.channels; ++c) to[c] += words[c] * own[c];
          }
        for (std::int64_t c = 0; c < w.channels; ++c) to[c] = to[c] * factor + constants.bias[c];
      }
  }

  static void scale(const Operation& operation, const Constants& constants, const Real* from, Real* to) {
    const std::int64_t channels = operation.window.out_channels;
    const Real factor = constants.factor;
    for (std::int64_t i = 0; i < operation.size; i += channels)
      for (std::int64_t c = 0; c < channels; ++c)
        to[i + c] = from[i + c] * constants.kernel[c] * factor + constants.bias[c];
  }

  void max_pool(const Window& w, const Real* from, Real* to) {
    const std::int64_t row = w.columns * w.channels;
    largest_.resize(row);
    for (std::int64_t y = 0; y < w.out_rows; ++y) {
      // Down the window first, for whole rows.
      const Real* rows = from + y * w.down * row;
      std::copy(rows, rows + row, largest_.begin());
      for (std::int64_t i = 1; i < w.height; ++i)
        for (std::int64_t n = 0; n < row; ++n) largest_[n] = std::max(largest_[n], rows[i * row + n]);
      for (std::int64_t x = 0; x < w.out_columns; ++x, to += w.channels) {
        const Real* words = largest_.data() + x * w.right * w.channels;
        std::copy(words, words + w.channels, to);
        for (std::int64_t j = 1; j < w.width; ++j)
          for (std::int64_t c = 0; c < w.channels; ++c) to[c] = std::max(to[c], words[j * w.channels + c]);
      }
    }
  }

  // Toward zero; a sum of integers and its quotient need not fit the type.
  static void mean(const Operation& operation, const Real* from, Real* to) {
    const Window& w = operation.window;
    std::vector<std::int64_t> sums(w.channels);
    for (std::int64_t y = 0; y < w.out_rows; ++y)
      for (std::int64_t x = 0; x < w.out_columns; ++x, to += w.channels) {
        std::fill(sums.begin(), sums.end(), 0);
        for (std::int64_t i = 0; i < w.height; ++i)
          for (std::int64_t j = 0; j < w.width; ++j) {
            const Real* words = from + ((y * w.down + i) * w.columns + x * w.right + j) * w.channels;
            for (std::int64_t c = 0; c < w.channels; ++c) sums[c] += std::int64_t(words[c]);
          }
        for (std::int64_t c = 0; c < w.channels; ++c) {
          // In two parts: the sum with all bits of the quotient behind it may be wider than 64 bits.
          const std::int64_t sum = std::abs(sums[c]), count = operation.count;
          const std::int64_t quotient =
              ((sum / count) << operation.mean_shift) + ((sum % count) << operation.mean_shift) / count;
          to[c] = Real(sums[c] < 0 ? -quotient : quotient);
        }
      }
  }

  static void round(const Operation& operation, const Real* from, Real* to) {
    const Real factor = Real(operation.factors[0]);
    const Real slope = Real(std::ldexp(1.0, -int(operation.slope_shift)));
    const Real lowest = Real(operation.lowest), highest = Real(operation.highest);
    const auto first = std::int64_t(operation.lowest), codes = std::int64_t(operation.highest) - first + 1;
    const auto all = [&](auto nearest) {
      for (std::int64_t i = 0; i < operation.size; ++i) {
        const Real word = from[i] * factor;
        to[i] = nearest(word < 0 ? word * slope : word);
      }
      if (operation.wraps)
        for (std::int64_t i = 0; i < operation.size; ++i)
          to[i] = Real(((std::int64_t(to[i]) - first) & (codes - 1)) + first);
      else
        for (std::int64_t i = 0; i < operation.size; ++i) to[i] = std::min(highest, std::max(lowest, to[i]));
    };
    if (operation.rounding == TRUNCATE) all([](Real word) { return std::floor(word); });
    if (operation.rounding == CONVERGENT) all([](Real word) { return std::rint(word); });
    if (operation.rounding == HALF_UP)
      all([](Real word) { return std::floor(word) + (word - std::floor(word) >= Real(0.5) ? 1 : 0); });
  }

  template <typename Function>
  void of_two(const Operation& operation, Real* to, Function function) {
    const Real *first = words_[operation.inputs[0]].data(), *second = words_[operation.inputs[1]].data();
    const Real a = Real(operation.factors[0]), b = Real(operation.factors[1]);
    for (std::int64_t i = 0; i < operation.size; ++i) to[i] = function(first[i] * a, second[i] * b);
  }

  // Places that no run reaches stay zero, as they were made.
  void move(const Operation& operation, Real* to) {
    for (const Run* run = operation.runs; run != operation.runs + operation.run_count; ++run) {
      const Real* from = words_[operation.inputs[run->input]].data() + run->from;
      const Real factor = Real(operation.factors[run->input]);
      for (std::int64_t i = 0; i < run->length; ++i) to[run->to + i] = from[i] * factor;
    }
  }

  const std::vector<Operation> operations_;
  std::vector<std::vector<Real>> words_;
  std::vector<Constants> constants_;
  std::vector<Real> largest_;  // of a row of windows
};

template <typename Real>
void compute(const Operation* operations, std::int64_t count, std::int64_t cells, const Codes* inputs,
             std::int64_t* const* out) {
  Network<Real> network(operations, count);
  std::vector<Codes> codes;
  std::vector<std::int64_t> sizes;
  for (std::int64_t number = 0; number < count; ++number)
    if (operations[number].kind == INPUT) codes.push_back(*inputs++), sizes.push_back(operations[number].size);
  std::vector<std::int64_t*> words(out, out + count);
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    network.run(codes.data(), words.data());
    for (std::size_t input = 0; input < codes.size(); ++input)
      codes[input].codes = static_cast<const char*>(codes[input].codes) + sizes[input] * codes[input].bytes;
    for (std::int64_t number = 0; number < count; ++number)
      if (words[number]) words[number] += operations[number].size;
  }
}

}  // namespace

// Codes are (cells, ...) of each input, and int64 of each operation whose words are asked for.
extern "C" void cytogate_network(const Operation* operations, std::int64_t count, int narrow, std::int64_t cells,
                                 const Codes* inputs, std::int64_t* const* out) {
  if (narrow)
    compute<float>(operations, count, cells, inputs, out);
  else
    compute<double>(operations, count, cells, inputs, out);
}
