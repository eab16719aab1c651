// What stands between AXI4-Stream beats of the pins and one call a frame of the HLS kernels.
//
// Each library of this folder is this shell around a function that takes one packet of pixels and leaves words:
// kernel.cpp around the kernel before the network, chain.cpp around that and the network, field.cpp around those of
// holograms.
#pragma once

#include <deque>

#include "axis.hpp"
#include "hls_stream.h"
#include "pixels.hpp"
#include "svdpi.h"

namespace shell {

// Of the widest beats; the module `dpi_kernel` declares the same.
constexpr int kWidest = 8;
constexpr int kPixelsBits = kWidest * cytogate::kFrameChannels * cytogate::kLaneBits;
constexpr int kInputBits = (kPixelsBits + 31) / 32 * 32;
constexpr int kOutputBits = (kWidest * cytogate::kPixelBeatBits + 31) / 32 * 32;

struct OutputBeat {
  ap_uint<kOutputBits> data;
  bool last;
};

using frame_beat = cytogate::beat_t<cytogate::kBeatBits>;

// A kernel with beats of `samples` pixels. `Run` consumes the packet in its first argument and appends what leaves to its
// last one, in beats; nothing leaves of a malformed packet.
template <void Run(hls::stream<frame_beat>&, int samples, std::deque<OutputBeat>&)>
class Kernel {
 public:
  explicit Kernel(int samples) : samples_(samples) {}

  // A beat; true if it completed a frame. The kernel takes one pixel a beat; lanes beyond the end of a row hold none.
  bool push(const svBitVecVal* words, bool last) {
    ap_uint<kInputBits> data;
    for (int word = 0; word < kInputBits / 32; ++word) data.range(32 * word + 31, 32 * word) = words[word];
    for (int lane = 0; lane < samples_ && column_ < cytogate::kFrameColumns; ++lane, ++column_) {
      const int low = lane * kPixelBits;
      const bool last_lane = lane == samples_ - 1 || column_ == cytogate::kFrameColumns - 1;
      const ap_uint<kPixelBits> pixel = data.range(low + kPixelBits - 1, low);
      frames_.write(cytogate::make_beat<cytogate::kBeatBits>(pixel, last && last_lane));
    }
    if (column_ == cytogate::kFrameColumns) column_ = 0;
    if (!last) return false;
    const std::size_t before = beats_.size();
    Run(frames_, samples_, beats_);
    column_ = 0;
    return beats_.size() > before;
  }

  // The next beat to leave; false where none waits.
  bool pop(svBitVecVal* words, svBit* last) {
    if (beats_.empty()) return false;
    for (int word = 0; word < kOutputBits / 32; ++word) {
      words[word] = ap_uint<32>(beats_.front().data.range(32 * word + 31, 32 * word));
    }
    *last = beats_.front().last;
    beats_.pop_front();
    return true;
  }

  void reset() {
    while (!frames_.empty()) frames_.read();
    beats_.clear();
    column_ = 0;
  }

 private:
  static constexpr int kPixelBits = cytogate::kFrameChannels * cytogate::kLaneBits;

  int samples_;
  int column_ = 0;  // of the packet that is arriving
  hls::stream<frame_beat> frames_{"frames"};
  std::deque<OutputBeat> beats_;
};

}  // namespace shell

// The functions that the module `dpi_kernel` imports, around `RUN`.
#define CYTOGATE_DPI_KERNEL(RUN)                                                                           \
  extern "C" {                                                                                             \
  void* cytogate_kernel(int samples) { return new shell::Kernel<RUN>(samples); }                           \
  svBit cytogate_push(void* kernel, const svBitVecVal* data, svBit last) {                                 \
    return static_cast<shell::Kernel<RUN>*>(kernel)->push(data, last);                                     \
  }                                                                                                        \
  svBit cytogate_pop(void* kernel, svBitVecVal* data, svBit* last) {                                       \
    return static_cast<shell::Kernel<RUN>*>(kernel)->pop(data, last);                                      \
  }                                                                                                        \
  void cytogate_reset(void* kernel) { static_cast<shell::Kernel<RUN>*>(kernel)->reset(); }                 \
  }
