// Beats from the kernel before the network to the network: one pixel, its channels side by side, TLAST on a cell's last.
#pragma once

#include "axis.hpp"
#include "contract.hpp"

namespace cytogate {

using namespace contract;

constexpr int kPixels = kWindowRows * kWindowColumns;
constexpr int kPixelBeatBits = kNetworkChannels * kPixelBits;
using pixel_beat = beat_t<kPixelBeatBits>;

}  // namespace cytogate
