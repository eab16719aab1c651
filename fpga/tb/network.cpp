// The network alone as a callable, for networks of any input size: codes in, logits out, no kernel around it.
#include <cstdint>

#include "hls_stream.h"
#include "network.hpp"

// One cell: codes (positions, channels) in the order of the stream; returns the number of logits written.
extern "C" int cytogate_network(const std::int32_t* codes, int positions, std::int32_t* logits) {
  hls::stream<network::input_t> pixels("pixels");
  hls::stream<network::result_t> results("results");
  for (int i = 0; i < positions; ++i) {
    network::input_t pixel;
    for (int channel = 0; channel < int(network::input_t::size); ++channel) {
      pixel[channel].range() = codes[i * int(network::input_t::size) + channel];
    }
    pixels.write(pixel);
  }
  network::run(pixels, results);
  if (!pixels.empty()) return -1;
  int count = 0;
  while (!results.empty()) {
    const network::result_t result = results.read();
    for (int i = 0; i < int(network::result_t::size); ++i) {
      ap_int<network::kLogitBits> code;
      code.range() = result[i].range();
      logits[count++] = code;
    }
  }
  return count;
}
