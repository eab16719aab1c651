// Off-axis holograms to the cells of a map of path delay (Rubin 2019, section II): one sideband of the spectrum, the field,
// its argument over the reference's, unwrapped by least squares, less the background; cells and the squares about them.
// The law is stated in model/contract/off_axis.py.
//
// One hologram a call, in one dataflow region; what a calibration measures is loaded, so that another one needs no other
// kernel.
#pragma once

#include "cosine.hpp"
#include "hls_stream.h"
#include "lines.hpp"
#include "map_cells.hpp"

namespace cytogate {

using hologram_code = ap_uint<kFrameBits>;
using argument_t = ap_int<kTurnBits>;
using phase_t = ap_int<kPhaseBits>;

// What a calibration and a frame's size say beside the arrays: the carrier's bin, and what cells are told by.
struct Setting {
  int bin_y, bin_x;
  CellSetting cells;
};

// What a test bench may listen to; the kernel itself is built with this one, which hears nothing and costs nothing.
struct NoDelayTap {
  using spectrum = Nobody;
  using sideband = Nobody;
  using field = Nobody;
  static void wrapped(argument_t) {}
  static void phase(phase_t) {}
  static void delay(delay_t) {}
  static void found(const Found&) {}
  static void cell(const Cell&) {}
  static void pixel(pixel_t) {}
};

constexpr int kHologramWords = kSize * kSize;
constexpr int kInputBits = kWordBits + 1;
constexpr int kSourceBits = kTurnBits + 3;

inline void receive_hologram(hls::stream<hologram_code>& in, hls::stream<complex_t<kInputBits>>& out) {
Receive:
  for (int i = 0; i < kHologramWords; ++i) {
#pragma HLS PIPELINE II = 1
    complex_t<kInputBits> word;
    const ap_int<kFrameBits + 1> centered = ap_int<kFrameBits + 1>(in.read()) - (1 << (kFrameBits - 1));
    word.re = ap_int<kInputBits>(centered) << kHologramShift;
    word.im = 0;
    out.write(word);
  }
}

// The argument of a word times the conjugate of the reference's phasor.
inline argument_t argument_of(stored_word word, stored_word phasor) {
#pragma HLS INLINE
  constexpr int kProductBits = 2 * kWordBits + 2;
  const ap_int<kProductBits> product_re = word.re * phasor.re + word.im * phasor.im;
  const ap_int<kProductBits> product_im = word.im * phasor.re - word.re * phasor.im;
  constexpr int kRotatedBits = kProductBits - kTwiddleFraction;
  const ap_int<kRotatedBits> re = shift_right(product_re, kTwiddleFraction);
  const ap_int<kRotatedBits> im = shift_right(product_im, kTwiddleFraction);
  // The longer of the two is as long in bits as their OR.
  const int length = bit_length(ap_uint<kRotatedBits>(magnitude(re) | magnitude(im)));
  if (length == 0) return 0;

  // A vector grows by 1.65 on its way to the axis, and begins with two parts of kCordicBits.
  constexpr int kBits = kCordicBits + 3;
  constexpr int kAngleBits = kTurnBits + kCordicGuardBits + 2;
  const bool negative = re < 0;
  const int up = kCordicBits - length;
  ap_int<kBits> x = negative ? ap_int<kBits>(-re) : ap_int<kBits>(re);
  ap_int<kBits> y = negative ? ap_int<kBits>(-im) : ap_int<kBits>(im);
  x <<= up;
  y <<= up;
  ap_int<kAngleBits> angle = negative ? 1 << (kTurnBits + kCordicGuardBits - 1) : 0;
Cordic:
  for (int step = 0; step < kCordicSteps; ++step) {
#pragma HLS UNROLL
    const ap_int<kBits> along = x >> step, across = y >> step;
    const bool below = y < 0;
    x = below ? ap_int<kBits>(x - across) : ap_int<kBits>(x + across);
    y = below ? ap_int<kBits>(y + along) : ap_int<kBits>(y - along);
    angle += below ? -kCordicTurn[step] : kCordicTurn[step];
  }
  return shift_right(angle, kCordicGuardBits);
}

template <class Tap>
void arguments(hls::stream<stored_word>& in, hls::stream<exponent_t>& exponents, const stored_word reference[kMapWords],
               argument_t wrapped[kMapWords]) {
Arguments:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    // A common factor changes no argument.
    if (i % kMapSize == 0) exponents.read();
    const argument_t found = argument_of(in.read(), reference[i]);
    Tap::wrapped(found);
    wrapped[i] = found;
  }
}

inline argument_t nearest_believed(const argument_t wrapped[kMapWords], CellSetting setting, int row, int column) {
#pragma HLS INLINE
  const int y = row < setting.top ? setting.top : row >= setting.bottom ? setting.bottom - 1 : row;
  const int x = column < setting.left ? setting.left : column >= setting.right ? setting.right - 1 : column;
  return wrapped[y * kMapSize + x];
}

// The divergence of the wrapped differences.
inline void sources(const argument_t wrapped[kMapWords], CellSetting setting, hls::stream<ap_int<kSourceBits>>& out) {
Sources:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 4
    const int row = i / kMapSize, column = i % kMapSize;
    const argument_t own = nearest_believed(wrapped, setting, row, column);
    ap_int<kSourceBits> sum = 0;
    if (row + 1 < kMapSize) sum += argument_t(nearest_believed(wrapped, setting, row + 1, column) - own);
    if (row > 0) sum -= argument_t(own - nearest_believed(wrapped, setting, row - 1, column));
    if (column + 1 < kMapSize) sum += argument_t(nearest_believed(wrapped, setting, row, column + 1) - own);
    if (column > 0) sum -= argument_t(own - nearest_believed(wrapped, setting, row, column - 1));
    out.write(sum);
  }
}

// Divide by what a second difference does to each frequency, with the opposite sign, toward zero.
inline void divide_poisson(hls::stream<real_word>& in, hls::stream<real_word>& words, hls::stream<exponent_t>& exponents) {
  constexpr int kBits = kWordBits + kDivisorFraction;
  ap_int<kBits> line[kMapSize];
DividePoisson:
  for (int number = 0; number < kMapSize; ++number) {
    ap_uint<kBits> magnitudes = 0;
  ReadLine:
    for (int k = 0; k < kMapSize; ++k) {
#pragma HLS PIPELINE II = 1
      const real_word word = in.read();
      const ap_int<kDivisorFraction + 5> divisor = ap_int<kDivisorFraction + 5>(kDivisor[number]) + kDivisor[k];
      ap_int<kBits> quotient = 0;
      if (number != 0 || k != 0) quotient = -((ap_int<kBits>(word) << kDivisorFraction) / divisor);
      line[k] = quotient;
      magnitudes |= magnitude(quotient);
    }
    to_real_words(line, magnitudes, words, exponents);
  }
}

// Add the whole turns that bring an argument nearest to the surface.
inline void add_turns(hls::stream<real_word>& surface, hls::stream<exponent_t>& line_exponents,
                      hls::stream<exponent_t>& base, const argument_t wrapped[kMapWords], CellSetting setting,
                      phase_t phase[kMapWords]) {
  const exponent_t common = base.read();
  constexpr int kScale = 2 * kMapLog2;
  exponent_t exponent = 0;
AddTurns:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    if (i % kMapSize == 0) exponent = common + line_exponents.read();
    const argument_t own = nearest_believed(wrapped, setting, i / kMapSize, i % kMapSize);
    const ap_int<64> apart = (ap_int<64>(surface.read()) << exponent) - (ap_int<64>(own) << kScale);
    const ap_int<64> turns = (apart + (ap_int<64>(1) << (kTurnBits + kScale - 1))) >> (kTurnBits + kScale);
    const int added = turns > kMostTurns ? kMostTurns : turns < -kMostTurns ? -kMostTurns : int(turns);
    phase[i] = phase_t(own) + (phase_t(added) << kTurnBits);
  }
}

inline bool is_believed(CellSetting setting, int i) {
#pragma HLS INLINE
  const int row = i / kMapSize, column = i % kMapSize;
  return row >= setting.top && row < setting.bottom && column >= setting.left && column < setting.right;
}

// The background: what lies near the fullest bin of the histogram, the first of equal ones.
inline void measure_background(const phase_t phase[kMapWords], CellSetting setting, hls::stream<phase_t>& background) {
  constexpr int kBinShift = kTurnBits - kBackgroundBinBits;
  constexpr int kBins = 1 << (kPhaseBits - kBinShift);
  ap_uint<2 * kMapLog2 + 1> counts[kBins];
Clear:
  for (int bin = 0; bin < kBins; ++bin) {
#pragma HLS PIPELINE II = 1
    counts[bin] = 0;
  }
Count:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 2
    if (is_believed(setting, i)) counts[int(phase[i] >> kBinShift) + kBins / 2] += 1;
  }
  int fullest = 0;
Fullest:
  for (int bin = 1; bin < kBins; ++bin) {
#pragma HLS PIPELINE II = 1
    if (counts[bin] > counts[fullest]) fullest = bin;
  }
  const ap_int<kPhaseBits + 2> middle = ((fullest - kBins / 2) << kBinShift) + (1 << (kBinShift - 1));
  const int reach = 1 << (kTurnBits - kBackgroundReachBits);
  ap_int<kPhaseBits + 2 * kMapLog2 + 2> sum = 0;
  ap_int<2 * kMapLog2 + 2> count = 0;
Near:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    const ap_int<kPhaseBits + 2> apart = phase[i] - middle;
    if (!is_believed(setting, i) || apart > reach || apart < -reach) continue;
    sum += phase[i];
    count += 1;
  }
  // Rounded half up: the quotient toward minus infinity of 2 sum + count by 2 count.
  const ap_int<64> numerator = ap_int<64>(sum) * 2 + count, denominator = ap_int<64>(count) * 2;
  ap_int<64> quotient = numerator / denominator;
  if (numerator < 0 && quotient * denominator != numerator) quotient -= 1;
  background.write(quotient);
}

template <class Tap>
void emit_delay(const phase_t phase[kMapWords], CellSetting setting, hls::stream<phase_t>& background,
                hls::stream<delay_t>& out) {
  const phase_t level = background.read();
EmitDelay:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    phase_t zeroed = 0;
    if (is_believed(setting, i)) zeroed = saturate<kPhaseBits>(ap_int<kPhaseBits + 1>(phase[i] - level));
    Tap::phase(zeroed);
    constexpr int kBits = kPhaseBits + kGainBits + 1 > kDelayShift ? kPhaseBits + kGainBits + 1 : kDelayShift;
    const ap_int<kBits> product = ap_int<kBits>(zeroed) * ap_int<kGainBits + 1>(kDelayGain);
    const delay_t delay = saturate<kOpdBits>(shift_right(product, kDelayShift));
    Tap::delay(delay);
    out.write(delay);
  }
}

// Codes of a hologram to the words of its field, row by row.
template <class Tap>
void field_of(hls::stream<hologram_code>& in, Setting setting, const bool mask[kMapWords], hls::stream<stored_word>& field,
              hls::stream<exponent_t>& exponents) {
#pragma HLS DATAFLOW
  hls::stream<complex_t<kInputBits>> input("input"), columns("columns"), band("band"), rows("rows");
  hls::stream<complex_t<kInputBits + log2_of(kSize)>> grown_rows("grown_rows"), grown_columns("grown_columns");
  hls::stream<complex_t<kInputBits + kMapLog2>> grown_band("grown_band"), grown_field("grown_field");
  hls::stream<stored_word> spectrum("spectrum"), turned("turned_rows"), sideband("sideband"), lines("lines"),
      turned_lines("turned_lines");
  hls::stream<exponent_t> row_exponents("row_exponents"), largest("largest"), base("base"),
      band_exponents("band_exponents"), gained("gained"), line_exponents("line_exponents"), most("most"), unused("unused");
#pragma HLS STREAM variable = band_exponents depth = 4
  static stored_word by_rows[kSize * kMapSize], by_columns[kMapWords];
  exponent_t by_rows_exponents[kSize], by_columns_exponents[kMapSize];

  receive_hologram(in, input);
  transform_lines<Direction::kForward, kSize, kSize, kInputBits>(input, grown_rows);
  keep_about<typename Tap::spectrum, kSize, kMapSize, kSize, kInputBits + log2_of(kSize), false>(
      grown_rows, setting.bin_x, mask, spectrum, row_exponents);
  store_lines<stored_word, kSize, kMapSize>(spectrum, row_exponents, by_rows, by_rows_exponents, largest);

  load_columns<stored_word, align_complex, kSize, kMapSize>(by_rows, by_rows_exponents, largest, turned, base);
  widen<kSize * kMapSize>(turned, columns);
  transform_lines<Direction::kForward, kSize, kMapSize, kInputBits>(columns, grown_columns);
  keep_about<typename Tap::sideband, kSize, kMapSize, kMapSize, kInputBits + log2_of(kSize), true>(
      grown_columns, setting.bin_y, mask, sideband, band_exponents);
  widen<kMapWords>(sideband, band);
  transform_lines<Direction::kInverse, kMapSize, kMapSize, kInputBits>(band, grown_band);
  keep_about<Nobody, kMapSize, kMapSize, kMapSize, kInputBits + kMapLog2, false>(grown_band, 0, mask, lines, gained);
  sum_exponents<kMapSize>(band_exponents, gained, line_exponents);
  store_lines<stored_word, kMapSize, kMapSize>(lines, line_exponents, by_columns, by_columns_exponents, most);

  load_columns<stored_word, align_complex, kMapSize, kMapSize>(by_columns, by_columns_exponents, most, turned_lines, unused);
  widen<kMapWords>(turned_lines, rows);
  transform_lines<Direction::kInverse, kMapSize, kMapSize, kInputBits>(rows, grown_field);
  keep_about<typename Tap::field, kMapSize, kMapSize, kMapSize, kInputBits + kMapLog2, false>(grown_field, 0, mask, field,
                                                                                              exponents);
  // The frame's exponents change no argument.
  base.read();
  unused.read();
}

// Arguments to phases, before their background is known.
inline void unwrap(const argument_t wrapped[kMapWords], CellSetting setting, phase_t phase[kMapWords]) {
#pragma HLS DATAFLOW
  hls::stream<ap_int<kSourceBits>> divergence("divergence");
  hls::stream<real_word> along_rows("along_rows"), columns("columns"), along_columns("along_columns"),
      divided("divided"), back("back"), rows("rows"), surface("surface");
  hls::stream<exponent_t> row_exponents("row_exponents"), largest("largest"), common("common"),
      column_exponents("column_exponents"), grown("grown"), gained("gained"), sums("sums"), all("all"), most("most"),
      base("base"), line_exponents("line_exponents"), both("both");
#pragma HLS STREAM variable = column_exponents depth = 8
#pragma HLS STREAM variable = grown depth = 4
  static real_word by_rows[kMapWords], by_columns[kMapWords];
  exponent_t by_rows_exponents[kMapSize], by_columns_exponents[kMapSize];

  sources(wrapped, setting, divergence);
  cosine_transform(divergence, along_rows, row_exponents);
  store_lines<real_word, kMapSize, kMapSize>(along_rows, row_exponents, by_rows, by_rows_exponents, largest);
  load_columns<real_word, align_real, kMapSize, kMapSize>(by_rows, by_rows_exponents, largest, columns, common);
  cosine_transform(columns, along_columns, column_exponents);
  divide_poisson(along_columns, divided, grown);
  inverse_cosine_transform(divided, back, gained);
  sum_exponents<kMapSize>(column_exponents, grown, sums);
  sum_exponents<kMapSize>(sums, gained, all);
  store_lines<real_word, kMapSize, kMapSize>(back, all, by_columns, by_columns_exponents, most);
  load_columns<real_word, align_real, kMapSize, kMapSize>(by_columns, by_columns_exponents, most, rows, base);
  inverse_cosine_transform(rows, surface, line_exponents);
  sum_exponents<1>(common, base, both);
  add_turns(surface, line_exponents, both, wrapped, setting, phase);
}

// One hologram a call: how many cells leave, each of them, and its square row by row.
template <class Tap>
void retrieve_hologram(hls::stream<hologram_code>& in, Setting setting, const stored_word reference[kMapWords],
                       const bool mask[kMapWords], hls::stream<Found>& found, hls::stream<Cell>& cells,
                       hls::stream<pixel_t>& squares) {
#pragma HLS DATAFLOW
  hls::stream<stored_word> field("field");
  hls::stream<exponent_t> exponents("field_exponents");
  hls::stream<phase_t> background("background");
  hls::stream<delay_t> delays("delays");
  hls::stream<Run> runs("runs");
  hls::stream<Found> told("told");
  hls::stream<Cell> regions("regions");
  static argument_t wrapped[kMapWords];
  static phase_t phase[kMapWords];
  static pixel_t codes[kMapWords];

  field_of<Tap>(in, setting, mask, field, exponents);
  arguments<Tap>(field, exponents, reference, wrapped);
  unwrap(wrapped, setting.cells, phase);
  measure_background(phase, setting.cells, background);
  emit_delay<Tap>(phase, setting.cells, background, delays);
  mark_runs(delays, runs, codes);
  find_cells(runs, setting.cells, told, regions);
  cut_squares<Tap>(codes, told, regions, found, cells, squares);
}

}  // namespace cytogate
