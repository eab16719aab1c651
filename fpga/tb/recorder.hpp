// Packets to the kernel under test, and what leaves it: the folder of that kernel's kernel.hpp is an include folder.
#pragma once

#include <cstdint>

#include "kernel.hpp"

namespace testbench {

// Beats of `pixels` pixels of one packet from codes (channels, rows, columns); a pixel count other than a frame's makes a
// malformed packet, whose pixels beyond the frame are zero.
inline void send(const std::uint16_t* codes, int pixels, hls::stream<cytogate::frame_beat>& out) {
  constexpr int kRaw = cytogate::kFrameRows * cytogate::kFrameColumns;
  for (int i = 0; i < pixels; ++i) {
    ap_uint<cytogate::kBeatBits> data = 0;
    for (int channel = 0; channel < cytogate::kFrameChannels && i < kRaw; ++channel) {
      const int low = channel * cytogate::kLaneBits;
      data.range(low + cytogate::kLaneBits - 1, low) = codes[channel * kRaw + i];
    }
    out.write(cytogate::make_beat<cytogate::kBeatBits>(data, i == pixels - 1));
  }
}

// Record pixel beats and hand them on; returns the number of packets, -1 where TLAST is not on a frame's last pixel.
template <class Next>
int record(hls::stream<cytogate::pixel_beat>& in, Next next) {
  constexpr int kPixels = cytogate::kPixels;
  int count = 0;
  bool framed = true;
  while (!in.empty()) {
    const cytogate::pixel_beat beat = in.read();
    Recorder::pixel(beat);
    next(beat);
    ++count;
    framed &= bool(beat.last) == (count % kPixels == 0);
  }
  return framed && count % kPixels == 0 ? count / kPixels : -1;
}

}  // namespace testbench
