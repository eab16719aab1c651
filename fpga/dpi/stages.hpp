// Where recorded stages go: a file a stage, as vectors of a test bench.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "recorder.hpp"

namespace shell {

// Append every recorded stage to FOLDER/STAGE.bin where the environment names a folder.
inline void save_stages() {
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

}  // namespace shell
