// Numeric contract of design five48: generated from model/contract, not to be edited.
#pragma once

namespace contract {

// A frame as it arrives, and the window of it that is kept.
constexpr int kFrameRows = 48;  // of a raw frame
constexpr int kFrameColumns = 48;  // of a raw frame
constexpr int kFrameBits = 12;  // of a raw code
constexpr int kLaneBits = 16;  // in which a raw code travels
constexpr int kFrameChannels = 5;  // frames of a cell
constexpr int kBeatBits = 128;  // of a beat of one pixel
constexpr int kCropTop = 0;  // first raw row of the window
constexpr int kCropLeft = 0;  // first raw column of the window
constexpr int kBinning = 1;  // raw pixels summed along each axis
constexpr int kBinnedBits = 12;  // of a sum
constexpr int kWindowRows = 48;  // of sums
constexpr int kWindowColumns = 48;  // of sums

// The network's input.
constexpr int kNetworkChannels = 5;  // of a pixel
constexpr int kPixelBits = 8;  // of a channel's code
constexpr int kPixelSigned = 1;  // 1: in two's complement

// Codes of the channels: offset, gain and shift are tables.
constexpr int kGainBits = 18;  // of a mantissa
constexpr int kLargestShift = 40;  // of a gain

// Binned code of each channel that becomes 0.
constexpr int kChannelOffset[5] = {
    2048, 2048, 2048, 2048, 2048,
};

// Mantissa of each channel's gain.
constexpr int kChannelGain[5] = {
    131072, 131072, 131072, 131072, 131072,
};

// Shift to the right behind it.
constexpr int kChannelShift[5] = {
    21, 21, 21, 21, 21,
};

}  // namespace contract
