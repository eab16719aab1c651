// Moments of the phase mask, a layer of the network: pixels in, the words of a cell out. Their law is stated in
// model/contract/mask_moments.py, its numbers are in mask_moments_law.hpp, which is generated.
//
// Three processes work at once: sums of a row's pixels, sums of a cell's rows, and the words when the cell's last row is
// in. A pixel is taken each clock, whatever comes behind: the words are due a cell later.
//
// Both headers lie with what hls4ml writes, so they include nothing else of this folder.
#pragma once

#include "ap_int.h"
#include "hls_stream.h"
#include "mask_moments_law.hpp"

namespace cytogate {

// Widths of sums: bounds of what they may come to, in integers, so that no sum can wrap.
constexpr int bits_for(unsigned long long most) { return most == 0 ? 0 : 1 + bits_for(most >> 1); }
constexpr unsigned long long to_power(unsigned long long base, int exponent) {
  return exponent == 0 ? 1 : base * to_power(base, exponent - 1);
}
constexpr int larger(int first, int second) { return first > second ? first : second; }

namespace mask {

using namespace mask_moments_law;

static_assert(kEmptyCode < kMaskCode && kMaskCode < (1 << kPhaseBits), "the phase of the mask is above the empty field's");
constexpr unsigned long long kMostAbove = (1 << kPhaseBits) - 1 - kEmptyCode;
constexpr int kAboveBits = bits_for(kMostAbove);
using above_t = ap_uint<kAboveBits>;

// Orders of power sums, and how many there are of a plane's.
constexpr int kMaskOrder = 4, kPhaseOrder = 2;
constexpr int sums_of(int order) { return (order + 1) * (order + 2) / 2; }

template <int Rows, int Columns>
struct Widths {
  static_assert(Rows > 0 && Columns > 0 && Rows <= kMostExtent && Columns <= kMostExtent, "the law's limit");
  static constexpr int kExtent = larger(Rows, Columns);
  static constexpr unsigned long long kPixels = Rows * Columns;
  // Coordinates are at most an extent less one from the image's center, and twice that from any center of a mask.
  static constexpr unsigned long long kFar = larger(kExtent - 1, 1);
  static constexpr unsigned long long kFarFromCenter = (2 * kFar) << kCenterBits;
  static constexpr int kPixelCountBits = bits_for(kPixels);
  static constexpr int row(int order) { return bits_for(Columns * to_power(kFar, order)) + 1; }
  static constexpr int phase_row(int order) { return bits_for(kMostAbove * Columns * to_power(kFar, order)) + 1; }
  static constexpr int cell(int order) { return bits_for(kPixels * to_power(kFar, order)) + 1; }
  static constexpr int phase_cell(int order) { return bits_for(kMostAbove * kPixels * to_power(kFar, order)) + 1; }
  static constexpr int kSquaresBits = bits_for(kMostAbove * kMostAbove * kPixels);
  static constexpr int kRowSquaresBits = bits_for(kMostAbove * kMostAbove * Columns);
  // While a center moves, each factor of a product is a coordinate about the old center or about the new one.
  static constexpr int kMomentBits = bits_for(kPixels * to_power(kFarFromCenter, kMaskOrder)) + 1;
  static constexpr int kPhaseMomentBits = bits_for(kMostAbove * kPixels * to_power(kFarFromCenter, kPhaseOrder)) + 1;
  static constexpr int kCenterWidth = bits_for(kFar << kCenterBits) + 1;
  // Combinations of moments of one order have factors that sum up to eight, (1, 6, 1) and (4, 4). A sum of two squares
  // of parts is a number as well.
  static constexpr int kCombinedBits = larger(kMomentBits, kPhaseMomentBits) - 1 + 3;
  static constexpr int kMagnitudeBits = larger(larger(kCombinedBits, kSquaresBits), 2 * kPartBits + 1);
};

// Powers of a coordinate, which goes by twos from 1 - Extent on: each from lower ones, by additions alone.
template <int Extent>
struct Powers {
  static constexpr int bits(int order) { return bits_for(to_power(larger(Extent - 1, 1), order)) + 1; }
  ap_int<bits(1)> first;
  ap_int<bits(2)> second;
  ap_int<bits(3)> third;
  ap_int<bits(4)> fourth;

  void restart() {
#pragma HLS INLINE
    constexpr long long kFirst = 1 - Extent;
    first = kFirst;
    second = kFirst * kFirst;
    third = kFirst * kFirst * kFirst;
    fourth = kFirst * kFirst * kFirst * kFirst;
  }

  // Behind the last place the powers may wrap: they are restarted before they are used.
  void go_on() {
#pragma HLS INLINE
    fourth += 8 * third + 24 * second + 32 * first + 16;
    third += 6 * second + 12 * first + 8;
    second += 4 * first + 4;
    first += 2;
  }
};

// Of a row: power sums in x, of the mask and of the phase above the empty field's.
template <class Sizes>
struct Row {
  ap_uint<Sizes::kPixelCountBits> mask;
  ap_int<Sizes::row(1)> mask_x;
  ap_int<Sizes::row(2)> mask_xx;
  ap_int<Sizes::row(3)> mask_xxx;
  ap_int<Sizes::row(4)> mask_xxxx;
  ap_int<Sizes::phase_row(0)> phase;
  ap_int<Sizes::phase_row(1)> phase_x;
  ap_int<Sizes::phase_row(2)> phase_xx;
  ap_uint<Sizes::kRowSquaresBits> squares;
  above_t most;
};

// Of a cell: power sums of x^i y^j, all j of i = 0 first.
template <class Sizes>
struct Cell {
  ap_int<Sizes::cell(kMaskOrder)> mask[sums_of(kMaskOrder)];
  ap_int<Sizes::phase_cell(kPhaseOrder)> phase[sums_of(kPhaseOrder)];
  ap_uint<Sizes::kSquaresBits> squares;
  above_t most;
};

// A pixel a clock. Three multipliers: of the phase above the empty field's by x, by its square, and by itself.
template <int Rows, int Columns, class Pixel, class Sizes>
void sum_rows(hls::stream<Pixel>& pixels, hls::stream<Row<Sizes>>& rows) {
  static_assert(Pixel::value_type::width == kPhaseBits, "the last channel is codes of the phase");
  Row<Sizes> row;
  Powers<Columns> x;
  int column = 0;
MaskPixels:
  for (int i = 0; i < Rows * Columns; ++i) {
#pragma HLS PIPELINE II = 1
    const Pixel pixel = pixels.read();
    typename Pixel::value_type phase = pixel[Pixel::size - 1];
    const ap_uint<kPhaseBits> code = phase.range();
    if (column == 0) {
      row.mask = 0;
      row.mask_x = row.mask_xx = row.mask_xxx = row.mask_xxxx = 0;
      row.phase = row.phase_x = row.phase_xx = 0;
      row.squares = 0;
      row.most = 0;
      x.restart();
    }
    if (code >= kMaskCode) {
      const above_t above = code - kEmptyCode;
      row.mask += 1;
      row.mask_x += x.first;
      row.mask_xx += x.second;
      row.mask_xxx += x.third;
      row.mask_xxxx += x.fourth;
      row.phase += above;
      row.phase_x += above * x.first;
      row.phase_xx += above * x.second;
      row.squares += above * above;
      if (above > row.most) row.most = above;
    }
    x.go_on();
    const bool last = column == Columns - 1;
    if (last) rows.write(row);
    column = last ? 0 : column + 1;
  }
}

// A row every eight clocks: its thirteen products by powers of y share multipliers.
template <int Rows, class Sizes>
void sum_cell(hls::stream<Row<Sizes>>& rows, hls::stream<Cell<Sizes>>& cells) {
  Cell<Sizes> cell;
ClearMask:
  for (int i = 0; i < sums_of(kMaskOrder); ++i) {
#pragma HLS UNROLL
    cell.mask[i] = 0;
  }
ClearPhase:
  for (int i = 0; i < sums_of(kPhaseOrder); ++i) {
#pragma HLS UNROLL
    cell.phase[i] = 0;
  }
  cell.squares = 0;
  cell.most = 0;
  Powers<Rows> y;
  y.restart();
MaskRows:
  for (int i = 0; i < Rows; ++i) {
#pragma HLS PIPELINE II = 8
    const Row<Sizes> row = rows.read();
    cell.mask[0] += row.mask;
    cell.mask[1] += row.mask * y.first;
    cell.mask[2] += row.mask * y.second;
    cell.mask[3] += row.mask * y.third;
    cell.mask[4] += row.mask * y.fourth;
    cell.mask[5] += row.mask_x;
    cell.mask[6] += row.mask_x * y.first;
    cell.mask[7] += row.mask_x * y.second;
    cell.mask[8] += row.mask_x * y.third;
    cell.mask[9] += row.mask_xx;
    cell.mask[10] += row.mask_xx * y.first;
    cell.mask[11] += row.mask_xx * y.second;
    cell.mask[12] += row.mask_xxx;
    cell.mask[13] += row.mask_xxx * y.first;
    cell.mask[14] += row.mask_xxxx;
    cell.phase[0] += row.phase;
    cell.phase[1] += row.phase * y.first;
    cell.phase[2] += row.phase * y.second;
    cell.phase[3] += row.phase_x;
    cell.phase[4] += row.phase_x * y.first;
    cell.phase[5] += row.phase_xx;
    cell.squares += row.squares;
    if (row.most > cell.most) cell.most = row.most;
    y.go_on();
  }
  cells.write(cell);
}

// moment / n in steps of the center, halves away from zero; 0 of no pixels. A bit of the quotient each turn.
template <class Sizes, int Bits>
ap_int<Sizes::kCenterWidth> center_of(ap_int<Bits> moment, ap_uint<Sizes::kPixelCountBits> n) {
#pragma HLS INLINE off
  constexpr int kQuotientBits = Sizes::kCenterWidth - 1;
  constexpr int kLeftBits = larger(Bits + kCenterBits + 2, Sizes::kPixelCountBits + 1 + kQuotientBits);
  const bool negative = moment < 0;
  const ap_uint<Bits> magnitude = negative ? ap_int<Bits + 1>(-moment) : ap_int<Bits + 1>(moment);
  ap_uint<kLeftBits> left = (ap_uint<kLeftBits>(magnitude) << (kCenterBits + 1)) + n;
  ap_uint<kLeftBits> divisor = ap_uint<kLeftBits>(n) << kQuotientBits;
  ap_uint<kQuotientBits> quotient = 0;
CenterBits:
  for (int bit = kQuotientBits - 1; bit >= 0; --bit) {
    const bool fits = n != 0 && left >= divisor;
    if (fits) left -= divisor;
    quotient[bit] = fits;
    divisor >>= 1;
  }
  return negative ? ap_int<Sizes::kCenterWidth>(-quotient) : ap_int<Sizes::kCenterWidth>(quotient);
}

// Power sums (i, j) at i (Order + 1) + j, in steps of a center.
template <int Order, int Bits, int SumBits>
void in_steps_of_center(const ap_int<SumBits> sums[sums_of(Order)], ap_int<Bits> moments[(Order + 1) * (Order + 1)]) {
  int next = 0;
StepsOfX:
  for (int i = 0; i <= Order; ++i) {
  StepsOfY:
    for (int j = 0; j <= Order - i; ++j) {
      moments[i * (Order + 1) + j] = ap_int<Bits>(sums[next]) << (kCenterBits * (i + j));
      ++next;
    }
  }
}

// Moments about a center instead of 0 along one axis, whose orders lie ``along`` apart; the binomials come of additions,
// as in Pascal's triangle. One multiplier, a moment by a center.
template <int Order, int Bits, int CenterWidth>
void move_center(ap_int<Bits> moments[(Order + 1) * (Order + 1)], ap_int<CenterWidth> center, int along, int across) {
#pragma HLS INLINE off
MoveLines:
  for (int line = 0; line < Order; ++line) {
  MoveTurns:
    for (int turn = 0; turn < Order - line; ++turn) {
    MoveOrders:
      for (int order = Order - line; order > turn; --order) {
        const int place = line * across + order * along;
        moments[place] -= center * moments[place - along];
      }
    }
  }
}

template <int Order, int Bits, int SumBits, int CenterWidth>
void central_moments(const ap_int<SumBits> sums[sums_of(Order)], ap_int<CenterWidth> x, ap_int<CenterWidth> y,
                     ap_int<Bits> moments[(Order + 1) * (Order + 1)]) {
  in_steps_of_center<Order>(sums, moments);
  move_center<Order>(moments, x, Order + 1, 1);
  move_center<Order>(moments, y, 1, Order + 1);
}

// Position of the leading one, counted from 1; 0 for 0.
template <int Bits>
int length_of(ap_uint<Bits> value) {
#pragma HLS INLINE
  int length = 0;
LengthBits:
  for (int bit = 0; bit < Bits; ++bit) {
#pragma HLS UNROLL
    if (value[bit]) length = bit + 1;
  }
  return length;
}

// Twice as long as a magnitude is a sum of two squares at most; it has a bit more.
template <int Bits>
struct Logarithm {
  static constexpr unsigned long long kMost = (2ULL * Bits + 2) << kLogFractionBits;
  static constexpr int kBits = bits_for(kMost) + 1;
  using type = ap_int<kBits>;
};

// log2 with kLogFractionBits behind the point; of zero, 0.
template <int Bits>
typename Logarithm<Bits>::type log2_from_table(ap_uint<Bits> value) {
#pragma HLS INLINE off
  if (value == 0) return 0;
  const int exponent = length_of(value) - 1;
  const ap_uint<kTableBits> address = (ap_uint<Bits + kTableBits>(value) << kTableBits) >> exponent;
  return (exponent << kLogFractionBits) + kLogTable[address];
}

// Both parts are cut to kPartBits together: one multiplier, or two, of so many bits.
template <int Bits>
typename Logarithm<Bits>::type log2_of_square(ap_uint<Bits> first, ap_uint<Bits> second) {
#pragma HLS INLINE
  const int shift = larger(length_of(ap_uint<Bits>(first > second ? first : second)) - kPartBits, 0);
  const ap_uint<kPartBits> a = first >> shift, b = second >> shift;
  const ap_uint<Bits> sum = a * a + b * b;
  return log2_from_table(sum) + (shift << (kLogFractionBits + 1));
}

// Of all features, the largest sum of factors' magnitudes.
constexpr int magnitude_of(int factor) { return factor < 0 ? -factor : factor; }
constexpr int factors_from(int place, int end) {
  return place == end ? 0 : magnitude_of(kFactors[place]) + factors_from(place + 1, end);
}
constexpr int most_factors(int feature) {
  return feature == kFeatures ? 0 : larger(factors_from(feature * kLogarithms, (feature + 1) * kLogarithms),
                                           most_factors(feature + 1));
}
constexpr int most_gain(int feature) {
  return feature == kFeatures ? 0 : larger(kGains[feature], most_gain(feature + 1));
}

// Once a cell, one thing after the other; there is a cell's time for it.
template <class Words, class Sizes>
void word_cell(hls::stream<Cell<Sizes>>& cells, hls::stream<Words>& words) {
  static_assert(Words::size == kFeatures && Words::value_type::width == kWordBits, "the words of the law");
  const Cell<Sizes> cell = cells.read();
  const ap_uint<Sizes::kPixelCountBits> n = cell.mask[0];
  const ap_int<Sizes::kCenterWidth> y = center_of<Sizes>(cell.mask[1], n);
  const ap_int<Sizes::kCenterWidth> x = center_of<Sizes>(cell.mask[kMaskOrder + 1], n);

  ap_int<Sizes::kMomentBits> mask[(kMaskOrder + 1) * (kMaskOrder + 1)];
  ap_int<Sizes::kPhaseMomentBits> phase[(kPhaseOrder + 1) * (kPhaseOrder + 1)];
  central_moments<kMaskOrder>(cell.mask, x, y, mask);
  central_moments<kPhaseOrder>(cell.phase, x, y, phase);

  using magnitude_t = ap_int<Sizes::kMagnitudeBits + 1>;
  const magnitude_t xx = mask[10], xy = mask[6], yy = mask[2];
  const magnitude_t xxx = mask[15], xxy = mask[11], xyy = mask[7], yyy = mask[3];
  const magnitude_t xxxx = mask[20], xxxy = mask[16], xxyy = mask[12], xyyy = mask[8], yyyy = mask[4];
  magnitude_t first[kLogarithms], second[kLogarithms];
  first[kNumberPixels] = n;
  first[kNumberPhase] = cell.phase[0];
  first[kNumberPhaseSquares] = cell.squares;
  first[kNumberPhaseMost] = cell.most;
  first[kNumberSpread] = xx + yy;
  first[kNumberQuartic] = xxxx + 2 * xxyy + yyyy;
  first[kNumberPhaseSpread] = phase[6] + phase[2];
  first[kNumberTilt] = phase[3];
  second[kNumberTilt] = phase[1];
  first[kNumberElongation] = xx - yy;
  second[kNumberElongation] = 2 * xy;
  first[kNumberTriangle] = xxx - 3 * xyy;
  second[kNumberTriangle] = 3 * xxy - yyy;
  first[kNumberEgg] = xxx + xyy;
  second[kNumberEgg] = xxy + yyy;
  first[kNumberSquare] = xxxx - 6 * xxyy + yyyy;
  second[kNumberSquare] = 4 * (xxxy - xyyy);
  first[kNumberBean] = xxxx - yyyy;
  second[kNumberBean] = 2 * (xxxy + xyyy);

  using log_t = Logarithm<Sizes::kMagnitudeBits>;
  typename log_t::type logarithms[kLogarithms];
Logarithms:
  for (int i = 0; i < kLogarithms; ++i) {
    const ap_uint<Sizes::kMagnitudeBits> a = first[i] < 0 ? magnitude_t(-first[i]) : first[i];
    if (i < kFirstSquare) {
      logarithms[i] = log2_from_table(a);
    } else {
      const ap_uint<Sizes::kMagnitudeBits> b = second[i] < 0 ? magnitude_t(-second[i]) : second[i];
      logarithms[i] = log2_of_square(a, b);
    }
  }

  constexpr int kDropped = kLogFractionBits - kWordFraction;
  constexpr int kMostWord = (1 << (kWordBits - 1)) - 1;
  // As many logarithms, and a center, which is no larger than one of them may be.
  constexpr int kTotalBits = bits_for(log_t::kMost * (most_factors(0) + 1)) + 1 + most_gain(0);
  Words cell_words;
Features:
  for (int feature = 0; feature < kFeatures; ++feature) {
    ap_int<kTotalBits> total = -kCenters[feature];
  FeatureTerms:
    for (int i = 0; i < kLogarithms; ++i) total += kFactors[feature * kLogarithms + i] * logarithms[i];
    // Rounded toward minus infinity.
    const ap_int<kTotalBits> word = (total << kGains[feature]) >> kDropped;
    const ap_int<kWordBits> limited = word > kMostWord ? kMostWord : word < -kMostWord - 1 ? -kMostWord - 1 : int(word);
    cell_words[feature].range() = limited.range();
  }
  words.write(cell_words);
}

}  // namespace mask

// One cell a call: pixels of a map, row by row, the phase in their last channel.
template <int Rows, int Columns, class Pixel, class Words>
void mask_moments(hls::stream<Pixel>& pixels, hls::stream<Words>& words) {
#pragma HLS DATAFLOW
  using sizes = mask::Widths<Rows, Columns>;
  hls::stream<mask::Row<sizes>> rows("rows");
  hls::stream<mask::Cell<sizes>> cells("cells");
  mask::sum_rows<Rows, Columns>(pixels, rows);
  mask::sum_cell<Rows>(rows, cells);
  mask::word_cell(cells, words);
}

}  // namespace cytogate
