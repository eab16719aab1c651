// What both C-simulation libraries offer for reading the recorded stages.
#pragma once

#include "recorder.hpp"

extern "C" {

const char* cytogate_stage_name(int stage) { return stage < testbench::kStages ? testbench::kStageNames[stage] : nullptr; }
std::int64_t cytogate_stage_words(int stage) { return testbench::Recorder::words[stage].size(); }
void cytogate_reset() { testbench::reset_kernel(); }
void cytogate_know_surface(const std::int32_t* codes, int frames) { testbench::know_surface(codes, frames); }
int cytogate_known_surface(std::int32_t* codes) { return testbench::known_surface(codes); }
const std::int32_t* cytogate_stage_data(int stage) { return testbench::Recorder::words[stage].data(); }
}
