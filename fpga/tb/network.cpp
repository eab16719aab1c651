// The network alone as a callable, for networks of any inputs: codes in, logits out, no kernel around it.
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "hls_stream.h"
#include "network.hpp"

namespace {

// Codes (positions, channels) in the order of the stream.
template <class Pixel>
void feed(const std::int32_t* codes, int positions, hls::stream<Pixel>& pixels) {
  for (int i = 0; i < positions; ++i) {
    Pixel pixel;
    for (int channel = 0; channel < int(Pixel::size); ++channel) {
      pixel[channel].range() = codes[i * int(Pixel::size) + channel];
    }
    pixels.write(pixel);
  }
}

// Counts all words that come, and keeps those that there is room for.
int take(hls::stream<network::result_t>& results, std::int64_t* logits, int room) {
  int count = 0;
  while (!results.empty()) {
    const network::result_t result = results.read();
    for (int i = 0; i < int(network::result_t::size); ++i, ++count) {
      network::logit_code code;
      code.range() = result[i].range();
      if (count < room) logits[count] = code;
    }
  }
  return count;
}

// The network's signature says what its inputs are: all streams but the last one.
template <class... Streams, std::size_t... Inputs>
int play(void (*run)(Streams&...), std::index_sequence<Inputs...>, const std::int32_t* const* codes,
         const int* positions, std::int64_t* logits, int room) {
  std::tuple<Streams...> streams;
  // C++14 goes through a pack in the braces of an array.
  const bool fed[] = {(feed(codes[Inputs], positions[Inputs], std::get<Inputs>(streams)), true)...};
  static_cast<void>(fed);
  run(std::get<Inputs>(streams)..., std::get<sizeof...(Inputs)>(streams));
  for (const bool empty : {std::get<Inputs>(streams).empty()...}) {
    if (!empty) return -1;
  }
  return take(std::get<sizeof...(Inputs)>(streams), logits, room);
}

template <class... Streams>
int play(void (*run)(Streams&...), const std::int32_t* const* codes, const int* positions, std::int64_t* logits,
         int room) {
  return play(run, std::make_index_sequence<sizeof...(Streams) - 1>(), codes, positions, logits, room);
}

}  // namespace

// One cell: codes and positions of each input, and room for so many logits; returns how many came.
extern "C" int cytogate_network(const std::int32_t* const* codes, const int* positions, std::int64_t* logits,
                                int room) {
  return play(network::run, codes, positions, logits, room);
}
