// From AXI4-Stream beats of raw frames to sums of the central window: framing, crop and binning.
#pragma once

#include "axis.hpp"
#include "hls_stream.h"
#include "rounding.hpp"

namespace cytogate {

// One beat carries a pixel of all channels, each in a lane of whole bytes, the first channel in the lowest.
using frame_beat = beat_t<kBeatBits>;
static_assert(kFrameChannels * kLaneBits <= kBeatBits, "a pixel fits its beat");

struct binned_pixel {
  ap_uint<kBinnedBits> channel[kFrameChannels];
};

// Receive one frame, crop its central window and sum kBinning x kBinning codes.
//
// TLAST belongs on the last beat and nowhere else. A short frame is filled up with zeros and a long one swallowed up to its
// TLAST, so that the next frame is received from its first pixel; `intact` tells the last stage to drop such a frame.
template <class Tap>
void receive(hls::stream<frame_beat>& in, hls::stream<binned_pixel>& out, hls::stream<bool>& intact) {
  constexpr int kRawRows = kWindowRows * kBinning, kRawColumns = kWindowColumns * kBinning;
  binned_pixel above[kWindowColumns];
#pragma HLS AGGREGATE variable = above
  // A place is written and read again a raw row apart.
#pragma HLS DEPENDENCE variable = above type = inter false
  binned_pixel beside;
  bool ended = false;
  bool ended_early = false;
Rows:
  for (int row = 0; row < kFrameRows; ++row) {
  Columns:
    for (int column = 0; column < kFrameColumns; ++column) {
#pragma HLS PIPELINE II = 1
      ap_uint<kBeatBits> data = 0;
      ended_early |= ended;
      if (!ended) {
        const frame_beat beat = in.read();
        data = beat.data;
        ended = beat.last;
      }
      Tap::frame(data);
      const int y = row - kCropTop, x = column - kCropLeft;
      if (y < 0 || y >= kRawRows || x < 0 || x >= kRawColumns) continue;
      const bool first_row = y % kBinning == 0, last_row = y % kBinning == kBinning - 1;
      const bool first_column = x % kBinning == 0, last_column = x % kBinning == kBinning - 1;
      binned_pixel sum;
    Channels:
      for (int channel = 0; channel < kFrameChannels; ++channel) {
#pragma HLS UNROLL
        const ap_uint<kFrameBits> code = data.range(channel * kLaneBits + kFrameBits - 1, channel * kLaneBits);
        ap_uint<kBinnedBits> partial = code;
        if (!first_column) partial += beside.channel[channel];
        beside.channel[channel] = partial;
        if (last_column && !first_row) partial += above[x / kBinning].channel[channel];
        if (last_column) above[x / kBinning].channel[channel] = partial;
        sum.channel[channel] = partial;
      }
      if (last_row && last_column) {
        Tap::binned(sum);
        out.write(sum);
      }
    }
  }
  bool too_long = !ended;
Resynchronize:
  while (!ended) {
#pragma HLS PIPELINE II = 1
    ended = in.read().last;
  }
  intact.write(!ended_early && !too_long);
}

}  // namespace cytogate
