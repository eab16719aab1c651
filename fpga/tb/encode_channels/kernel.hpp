// The kernel under test is that for bright-field frames: its stages, and what its taps record.
#pragma once

#include "encode_channels.hpp"
#include "recording.hpp"

namespace testbench {

// Stages in the order of the contract.
enum Stage { kFrames, kBinned, kNetworkInput, kLogits, kStages };
constexpr const char* kStageNames[kStages] = {"frames", "binned", "network_input", "logits"};

using Recorder = Recording<kStages>;

inline void run_kernel(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::pixel_beat>& pixels) {
  cytogate::encode_frame<Recorder>(frames, pixels);
}

// A frame leaves nothing behind.
inline void reset_kernel() {}

// There is no surface.
inline void know_surface(const std::int32_t*, int) {}
inline int known_surface(std::int32_t*) { return 0; }

}  // namespace testbench
