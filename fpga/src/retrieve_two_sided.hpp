// Phase retrieval by the law "two-sided" (model/contract/recursion.py): raw four-angle frames in, pixels of all angles and
// the phase for the network out.
//
// Frame after frame in one dataflow region: while rows of one frame arrive and go down the columns, the one before is on
// its way back up, and rows of the one before that leave. A frame's surface is its border's, or one of empty fields; then
// the half that starts at the cleaner edge tells it, or both do.
#pragma once

#include "edges.hpp"
#include "frames.hpp"
#include "gradients.hpp"
#include "hls_stream.h"
#include "phase_rows.hpp"
#include "row_words.hpp"
#include "surface_lines.hpp"

namespace cytogate {

constexpr int kFramesInFlight = 3;
static_assert(kFramesInFlight * kSize * kSize == kBrightFieldDepth, "the contract counts the buffer that waits");

// What a test bench may listen to, one call a word in stream order. The kernel itself is built with this one, which hears
// nothing and costs nothing.
struct NoTap {
  static void frame(ap_uint<kBeatBits>) {}
  static void binned(const binned_pixel&) {}
  static void gradient(const gradient_word&) {}
  static void rows(const row_pair&) {}
  static void column(const state_word&) {}
  static void phase(ap_int<kPhaseBits>) {}
};

// A column's row words, and the state of its downward recursion, as they wait for the way back.
struct waiting_column {
  row_pair words;
  state_word state;
};

// The recursion's answer to a surface, of one part.
struct response {
  state_t alpha;
  line_t beta;
};

inline void go_down(hls::stream<row_pair>& pairs, waiting_column frame[kSize * kRecursions]) {
  state_word states[kRecursions];
GoDown:
  for (int i = 0; i < kSize * kRecursions; ++i) {
#pragma HLS PIPELINE II = 1
    // A column comes again a row later.
#pragma HLS DEPENDENCE variable = states type = inter distance = kRecursions true
    const int y = i / kRecursions, column = i % kRecursions;
    state_word state = {0, 0};
    if (y > 0) state = states[column];
    const row_pair words = pairs.read();
    frame[i] = {words, state};
    states[column].re = next_state(state.re, words.plus.re, column + 1);
    states[column].im = next_state(state.im, words.plus.im, column + 1);
  }
}

inline response response_of(line_t constant, line_t slope, int k) {
#pragma HLS INLINE
  const ap_int<kConstantBits> r = kReciprocal[k - 1];
  const ap_int<kLineBits + kConstantBits> rise = slope * r;
  response answer;
  answer.beta = saturate<kLineBits>(shift_right(rise, kReciprocalFraction + kLineSlopeFraction - kResponseFraction));
  const ap_int<kLineBits + 3> rest =
      (ap_int<kLineBits + 3>(constant) << (kResponseFraction - kLineConstantFraction)) - answer.beta;
  const ap_int<kLineBits + 3 + kConstantBits> level = rest * r;
  answer.alpha = saturate<kStateBits>(shift_right(level, kReciprocalFraction + kResponseFraction - kStateFraction));
  return answer;
}

inline state_t less_response(state_t state, const response& answer, int k, int y) {
#pragma HLS INLINE
  constexpr int kBits = kLineBits + kSizeLog2 + kConstantFraction + kStateFraction - kResponseFraction + 4;
  const int place = k * y;
  const ap_int<kConstantBits + 1> decay = place < 2 * kSize ? kDecay[place] : 0;
  const ap_int<kBits> risen = answer.alpha * ap_int<kConstantBits + 1>((1 << kConstantFraction) - decay) +
                              (ap_int<kBits>(answer.beta * ap_int<kSizeLog2 + 1>(y))
                               << (kStateFraction + kConstantFraction - kResponseFraction));
  return saturate<kStateBits>(ap_int<kBits>(state - shift_right(risen, kConstantFraction)));
}

// From the last row up: the surface leaves words and states, and the second recursion meets the first.
inline void go_back(const waiting_column frame[kSize * kRecursions], const Surface& surface, Half half,
                    state_word columns[kSize * kRecursions]) {
  surface_line down[kRecursions], up[kRecursions];
  response answer_re[kRecursions], answer_im[kRecursions];
  state_word states[kRecursions];
Lines:
  for (int column = 0; column < kRecursions; ++column) {
    // The multipliers are shared.
#pragma HLS PIPELINE II = 4
    down[column] = line_of(surface, column + 1, false);
    up[column] = line_of(surface, column + 1, true);
    answer_re[column] = response_of(down[column].constant.re, down[column].slope.re, column + 1);
    answer_im[column] = response_of(down[column].constant.im, down[column].slope.im, column + 1);
  }
GoBack:
  for (int i = 0; i < kSize * kRecursions; ++i) {
#pragma HLS PIPELINE II = 1
    // A column comes again a row later.
#pragma HLS DEPENDENCE variable = states type = inter distance = kRecursions true
    const int y = kSize - 1 - i / kRecursions, column = i % kRecursions, k = column + 1;
    const waiting_column waiting = frame[y * kRecursions + column];
    const row_word near = flat_word(waiting.words.plus, down[column], y);
    const row_word far = flat_word(waiting.words.minus, up[column], y);
    state_word first = {0, 0}, second = {0, 0};
    if (y > 0) {
      first.re = less_response(waiting.state.re, answer_re[column], k, y);
      first.im = less_response(waiting.state.im, answer_im[column], k, y);
    }
    if (y < kSize - 1) second = states[column];
    states[column].re = next_state(second.re, far.re, k);
    states[column].im = next_state(second.im, far.im, k);
    const state_word upper = half == kUpward ? second : first, lower = half == kDownward ? first : second;
    const row_word word = half == kUpward ? far : near, other = half == kDownward ? near : far;
    columns[y * kRecursions + column].re = column_part(upper.re, lower.re, word.re, other.re, k);
    columns[y * kRecursions + column].im = column_part(upper.im, lower.im, word.im, other.im, k);
  }
}

// What the surface is needed for: the columns and that of kx = 0.
inline void go_back_all(const waiting_column frame[kSize * kRecursions], hls::stream<row_sum>& sums,
                        hls::stream<Surface>& fits, const KnownSurface& known, hls::stream<Half>& halves,
                        state_word columns[kSize * kRecursions], hls::stream<state_t>& means) {
  const Surface fit = fits.read();
  const Surface surface = kKnownSurface && known.is_known ? known.surface : fit;
  const Half half = halves.read();
  mean_column(sums, surface, half, means);
  go_back(frame, surface, half, columns);
}

// One frame a call. What is known does not change while frames are inside.
template <class Tap>
void retrieve_two_sided_frame(hls::stream<frame_beat>& in, hls::stream<pixel_beat>& out, const KnownSurface& known) {
#pragma HLS DATAFLOW
#pragma HLS STABLE variable = known
  hls::stream<binned_pixel> binned("binned");
  hls::stream<bool> intact("intact");
  hls::stream<input_word> gradient("gradient"), told("told"), sharp("sharp");
  hls::stream<Moments> moments("moments");
  hls::stream<Surface> fits("fits");
  hls::stream<Half> halves("halves");
  hls::stream<grown_word> grown("grown");
  hls::stream<row_pair> pairs("pairs");
  hls::stream<row_sum> sums("sums");
  hls::stream<state_t> means("means");
  hls::stream<state_word> lines("lines"), phases("phases");
  // Row sums and means of kx = 0 wait a frame for the rest of it.
#pragma HLS STREAM variable = sums depth = 2 * kSize
#pragma HLS STREAM variable = means depth = 2 * kSize
#pragma HLS STREAM variable = intact depth = kFramesInFlight
  bright_pixel waiting[kSize * kSize];
#pragma HLS STREAM variable = waiting type = pipo depth = kFramesInFlight
  waiting_column frame[kSize * kRecursions];
  state_word columns[kSize * kRecursions];

  receive<Tap>(in, binned, intact);
  gradients<Tap>(binned, gradient, waiting, moments);
  fit_surface(moments, fits);
  choose_half(gradient, told, known, halves);
  sharpen(told, sharp);
  transform_lines<Direction::kForward, kSize, kSize, grown_bits(0)>(sharp, grown);
  pair_words<Tap>(grown, pairs, sums);
  go_down(pairs, frame);

  go_back_all(frame, sums, fits, known, halves, columns, means);

  pair_rows<Tap>(columns, means, lines);
  SaturatingButterflies<0, kSizeLog2 == 1>::run(lines, phases);
  emit_rows<Tap>(phases, waiting, intact, out);
}

}  // namespace cytogate
