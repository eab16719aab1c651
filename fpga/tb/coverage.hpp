// The record of a simulation that counts what it reaches: a file of its own in the folder CYTOGATE_COVERAGE.
#pragma once

#include "verilated.h"

#if VM_COVERAGE
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "verilated_cov.h"
#endif

// The last member of what holds a simulation, so that it goes first and finds the counters in their place.
struct CoverageRecord {
  explicit CoverageRecord(VerilatedContext& context) : context(context) {}

  ~CoverageRecord() {
#if VM_COVERAGE
    if (const char* folder = std::getenv("CYTOGATE_COVERAGE")) {
      const std::string suffix = ".dat";
      std::string path = std::string(folder) + "/XXXXXX" + suffix;
      const int file = mkstemps(&path[0], int(suffix.size()));
      if (file < 0) return;
      close(file);
      context.coveragep()->write(path);
    }
#endif
  }

  VerilatedContext& context;
};
