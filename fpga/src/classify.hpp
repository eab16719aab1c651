// The network kernel: pixels in, one beat a logit out, TLAST on a cell's last logit.
//
// network.hpp is written with the hls4ml project and names its top function and types.
#pragma once

#include "hls_stream.h"
#include "network.hpp"
#include "pixels.hpp"

namespace cytogate {

constexpr int kLogitBeatBits = 32;
using logit_beat = beat_t<kLogitBeatBits>;
static_assert(network::kLogitBits <= kLogitBeatBits, "a logit fits its beat");
static_assert(network::input_t::size == kNetworkChannels, "the network takes the channels of the contract");
static_assert(network::input_t::value_type::width == kPixelBits, "the network takes the codes of the contract");

inline void unpack(hls::stream<pixel_beat>& in, hls::stream<network::input_t>& out) {
Unpack:
  for (int i = 0; i < kPixels; ++i) {
#pragma HLS PIPELINE II = 1
    const ap_uint<kPixelBeatBits> data = in.read().data;
    network::input_t pixel;
  Channels:
    for (int channel = 0; channel < kNetworkChannels; ++channel) {
#pragma HLS UNROLL
      pixel[channel].range() = data.range((channel + 1) * kPixelBits - 1, channel * kPixelBits);
    }
    out.write(pixel);
  }
}

// The network's stream has no TLAST; it is made here by counting.
inline void pack(hls::stream<network::result_t>& in, hls::stream<logit_beat>& out) {
  const network::result_t logits = in.read();
Pack:
  for (int i = 0; i < int(network::result_t::size); ++i) {
#pragma HLS PIPELINE II = 1
    network::logit_code code;
    code.range() = logits[i].range();
    const ap_int<kLogitBeatBits> extended = code;
    out.write(make_beat<kLogitBeatBits>(extended, i == int(network::result_t::size) - 1));
  }
}

// One cell a call.
inline void classify_cell(hls::stream<pixel_beat>& in, hls::stream<logit_beat>& out) {
#pragma HLS DATAFLOW
  hls::stream<network::input_t> pixels("pixels");
  hls::stream<network::result_t> logits("logits");
  unpack(in, pixels);
  network::run(pixels, logits);
  pack(logits, out);
}

}  // namespace cytogate
