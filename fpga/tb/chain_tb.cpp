// Test bench of the whole chain: every word of every stage against vectors, exactly.
//
//   chain_tb FOLDER
//
// FOLDER holds STAGE.bin for each stage, little-endian 32-bit integers in stream order, any number of cells. Between
// cells a packet without its last pixel is sent: it must leave no word behind and do the next cell no harm.
// Exit code 0: every word equal. 1: some differ. 2: the vectors are missing, empty or of unequal length.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "chain.hpp"

namespace {

using testbench::Recorder;

std::vector<std::int32_t> load(const std::string& folder, const char* stage) {
  std::ifstream file(folder + "/" + stage + ".bin", std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::vector<std::int32_t> words(std::size_t(file.tellg()) / sizeof(std::int32_t));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(words.data()), std::streamsize(words.size() * sizeof(std::int32_t)));
  return words;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: chain_tb FOLDER\n");
    return 2;
  }
  std::vector<std::int32_t> expected[testbench::kStages];
  for (int stage = 0; stage < testbench::kStages; ++stage) expected[stage] = load(argv[1], testbench::kStageNames[stage]);

  constexpr int kPixels = cytogate::kFrameRows * cytogate::kFrameColumns;
  constexpr std::size_t kFrameWords = std::size_t(kPixels) * cytogate::kFrameChannels;
  const std::size_t cells = expected[testbench::kFrames].size() / kFrameWords;
  for (int stage = 0; stage < testbench::kStages; ++stage) {
    if (cells == 0 || expected[stage].empty() || expected[stage].size() % cells != 0) {
      std::fprintf(stderr, "chain_tb: %s/%s.bin holds no whole number of cells\n", argv[1], testbench::kStageNames[stage]);
      return 2;
    }
  }

  std::size_t compared[testbench::kStages] = {}, differing[testbench::kStages] = {};
  bool framed = true;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    std::vector<std::uint16_t> codes(kFrameWords);
    for (int i = 0; i < kPixels; ++i) {
      for (int channel = 0; channel < cytogate::kFrameChannels; ++channel) {
        const std::size_t word = cell * kFrameWords + std::size_t(i) * cytogate::kFrameChannels + channel;
        codes[std::size_t(channel) * kPixels + i] = std::uint16_t(expected[testbench::kFrames][word]);
      }
    }
    framed &= testbench::run_chain(codes.data(), kPixels - 1) == 0;
    framed &= testbench::run_chain(codes.data(), kPixels) == 1;
    for (int stage = 0; stage < testbench::kStages; ++stage) {
      const std::size_t words = expected[stage].size() / cells;
      if (Recorder::words[stage].size() != words) framed = false;
      for (std::size_t i = 0; i < words && i < Recorder::words[stage].size(); ++i) {
        ++compared[stage];
        differing[stage] += Recorder::words[stage][i] != expected[stage][cell * words + i];
      }
    }
  }

  bool equal = framed;
  for (int stage = 0; stage < testbench::kStages; ++stage) {
    std::printf("%-18s %12zu values, %zu differ\n", testbench::kStageNames[stage], compared[stage], differing[stage]);
    equal &= differing[stage] == 0;
  }
  if (!framed) std::printf("packets were lost, made up or misframed\n");
  std::printf("%s\n", equal ? "PASS" : "FAIL");
  return equal ? 0 : 1;
}
