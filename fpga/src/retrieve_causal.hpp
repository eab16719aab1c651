// Phase retrieval by the law "causal" (model/contract/recursion.py): raw four-angle frames in, pixels of all angles and the
// phase for the network out.
//
// The surface is known before a frame comes, so that columns are told on the way down. The kernel remembers it from frame
// to frame; a frame is held until it is known to be whole.
#pragma once

#include "frames.hpp"
#include "gradients.hpp"
#include "hls_stream.h"
#include "phase_rows.hpp"
#include "row_words.hpp"
#include "surface_lines.hpp"

namespace cytogate {

constexpr int kFramesInFlight = 2;
static_assert(kFramesInFlight * kSize * kSize == kBrightFieldDepth, "the contract counts the buffer that waits");

// What the kernel remembers: the surface, and how many frames it was estimated from, as far as they count.
struct Background {
  Surface surface;
  ap_uint<8> frames;
};
static_assert(kSettlingFrames < 256, "they are counted in 8 bits");

// Before a run's first frame nothing is known.
inline Background unknown_background() {
  const complex_coefficient none = {0, 0};
  return {{none, none, none, none, none, none}, 0};
}

// What a test bench may listen to, one call a word in stream order. The kernel itself is built with this one, which hears
// nothing and costs nothing.
struct NoTap {
  static void frame(ap_uint<kBeatBits>) {}
  static void binned(const binned_pixel&) {}
  static void gradient(const gradient_word&) {}
  static void background(const Surface&) {}
  static void rows(const row_pair&) {}
  static void column(const state_word&) {}
  static void phase(ap_int<kPhaseBits>) {}
};

inline coefficient_t moved(coefficient_t now, coefficient_t fit, int step) {
#pragma HLS INLINE
  const ap_int<kCoefficientBits + 1> limit = ap_int<kCoefficientBits + 1>(kBackgroundLimit[step]) << kCoefficientFraction;
  ap_int<kCoefficientBits + 1> move = fit - now;
  if (move > limit) move = limit;
  if (move < -limit) move = -limit;
  return now + shift_right(move, kBackgroundGain[step]);
}

inline complex_coefficient moved_pair(const complex_coefficient& now, const complex_coefficient& fit, int step) {
#pragma HLS INLINE
  complex_coefficient next;
  next.re = moved(now.re, fit.re, step);
  next.im = moved(now.im, fit.im, step);
  return next;
}

// Hand on what is known before a frame, then let its border change it. A malformed frame changes it, too, as little as one
// with a cell at its border.
template <class Tap>
void follow_background(hls::stream<Surface>& fits, hls::stream<Surface>& known, Background& background) {
  Tap::background(background.surface);
  known.write(background.surface);
  const Surface fit = fits.read();
  const int last = kSettlingFrames / kStepFrames - 1;
  const int reached = background.frames / kStepFrames;
  const int step = reached < last ? reached : last;
  Surface& now = background.surface;
  now.one = moved_pair(now.one, fit.one, step);
  now.s = moved_pair(now.s, fit.s, step);
  now.t = moved_pair(now.t, fit.t, step);
  now.ss = moved_pair(now.ss, fit.ss, step);
  now.tt = moved_pair(now.tt, fit.tt, step);
  now.st = moved_pair(now.st, fit.st, step);
  if (background.frames < kSettlingFrames) ++background.frames;
}

// Columns of the downward recursion, row by row; and that of kx = 0.
inline void go_down_alone(hls::stream<row_pair>& pairs, const Surface& surface, state_word columns[kSize * kRecursions]) {
  surface_line lines[kRecursions];
  state_word states[kRecursions];
Lines:
  for (int column = 0; column < kRecursions; ++column) {
    // The multipliers are shared.
#pragma HLS PIPELINE II = 4
    lines[column] = line_of(surface, column + 1, false);
  }
GoDownAlone:
  for (int i = 0; i < kSize * kRecursions; ++i) {
#pragma HLS PIPELINE II = 1
    // A column comes again a row later.
#pragma HLS DEPENDENCE variable = states type = inter distance = kRecursions true
    const int y = i / kRecursions, column = i % kRecursions, k = column + 1;
    state_word state = {0, 0};
    if (y > 0) state = states[column];
    const row_word word = flat_word(pairs.read().plus, lines[column], y);
    columns[i].re = column_part(state.re, state.re, word.re, word.re, k);
    columns[i].im = column_part(state.im, state.im, word.im, word.im, k);
    states[column].re = next_state(state.re, word.re, k);
    states[column].im = next_state(state.im, word.im, k);
  }
}

inline void go_down_all(hls::stream<row_pair>& pairs, hls::stream<row_sum>& sums, hls::stream<Surface>& known,
                        state_word columns[kSize * kRecursions], hls::stream<state_t>& means) {
  const Surface surface = known.read();
  go_down_alone(pairs, surface, columns);
  mean_column(sums, surface, kDownward, means);
}

// One frame a call.
template <class Tap>
void retrieve_causal_frame(hls::stream<frame_beat>& in, hls::stream<pixel_beat>& out, Background& background) {
#pragma HLS DATAFLOW
  hls::stream<binned_pixel> binned("binned");
  hls::stream<bool> intact("intact");
  hls::stream<input_word> gradient("gradient"), sharp("sharp");
  hls::stream<Moments> moments("moments");
  hls::stream<Surface> fits("fits"), known("known");
  hls::stream<grown_word> grown("grown");
  hls::stream<row_pair> pairs("pairs");
  hls::stream<row_sum> sums("sums");
  hls::stream<state_t> means("means");
  hls::stream<state_word> lines("lines"), phases("phases");
  // Row sums of kx = 0 wait until the frame is in.
#pragma HLS STREAM variable = sums depth = 2 * kSize
#pragma HLS STREAM variable = means depth = 2 * kSize
#pragma HLS STREAM variable = intact depth = kFramesInFlight
  bright_pixel waiting[kSize * kSize];
#pragma HLS STREAM variable = waiting type = pipo depth = kFramesInFlight
  state_word columns[kSize * kRecursions];

  receive<Tap>(in, binned, intact);
  gradients<Tap>(binned, gradient, waiting, moments);
  fit_surface(moments, fits);
  follow_background<Tap>(fits, known, background);
  sharpen(gradient, sharp);
  transform_lines<Direction::kForward, kSize, kSize, grown_bits(0)>(sharp, grown);
  pair_words<Tap>(grown, pairs, sums);
  go_down_all(pairs, sums, known, columns, means);

  pair_rows<Tap>(columns, means, lines);
  SaturatingButterflies<0, kSizeLog2 == 1>::run(lines, phases);
  emit_rows<Tap>(phases, waiting, intact, out);
}

}  // namespace cytogate
