// What stands between AXI4-Stream beats of the pins and one call a frame of the HLS kernels.
//
// Each library of this folder is this shell around a function that takes one packet of pixels and leaves words:
// kernel.cpp around the kernel before the network, chain.cpp around that and the network.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

#include "recorder.hpp"
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

// A kernel with beats of `samples` pixels. `Run` consumes the packet in its first argument and appends what leaves to its
// second one, in beats; nothing leaves of a malformed packet.
template <void Run(hls::stream<cytogate::frame_beat>&, int samples, std::deque<OutputBeat>&)>
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
    testbench::Recorder::clear();
    Run(frames_, samples_, beats_);
    const bool accepted = beats_.size() > before;
    column_ = 0;
    if (accepted) save_stages();
    return accepted;
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

  // Append every recorded stage to FOLDER/STAGE.bin where the environment names a folder, as vectors of a test bench.
  static void save_stages() {
    const char* folder = std::getenv("CYTOGATE_STAGES");
    if (folder == nullptr) return;
    for (int stage = 0; stage < testbench::kStages; ++stage) {
      const auto& words = testbench::Recorder::words[stage];
      if (words.empty()) continue;
      const std::string path = std::string(folder) + "/" + testbench::kStageNames[stage] + ".bin";
      std::FILE* file = std::fopen(path.c_str(), "ab");
      if (file == nullptr || std::fwrite(words.data(), sizeof(words[0]), words.size(), file) != words.size()) {
        std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
        std::abort();
      }
      std::fclose(file);
    }
  }

  int samples_;
  int column_ = 0;  // of the packet that is arriving
  hls::stream<cytogate::frame_beat> frames_{"frames"};
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
