// The off-axis retrieval as a function of arrays: one hologram in, the words of every stage out.
#include <cstdint>
#include <vector>

#include "retrieve_delay.hpp"

namespace {

using namespace cytogate;

enum Recorded {
  kSpectrum, kSpectrumExponent, kSideband, kSidebandExponent, kField, kFieldExponent, kWrapped, kPhase, kOpd, kFound,
  kCenter, kRegion, kInput
};
std::vector<int32_t> heard[kInput + 1];

template <Recorded Words, Recorded Exponents>
struct Listener {
  static void word(const stored_word& word) {
    heard[Words].push_back(word.re.to_int());
    heard[Words].push_back(word.im.to_int());
  }
  static void exponent(exponent_t exponent) { heard[Exponents].push_back(exponent.to_int()); }
};

struct Tap {
  using spectrum = Listener<kSpectrum, kSpectrumExponent>;
  using sideband = Listener<kSideband, kSidebandExponent>;
  using field = Listener<kField, kFieldExponent>;
  static void wrapped(argument_t argument) { heard[kWrapped].push_back(argument.to_int()); }
  static void phase(phase_t phase) { heard[kPhase].push_back(phase.to_int()); }
  static void delay(delay_t delay) { heard[kOpd].push_back(delay.to_int()); }
  static void found(const Found& found) {
    heard[kFound].push_back(found.cells.to_int());
    heard[kFound].push_back(found.crowded);
  }
  static void cell(const Cell& cell) {
    heard[kCenter].push_back(cell.row.to_int());
    heard[kCenter].push_back(cell.column.to_int());
    heard[kRegion].push_back(cell.area.to_int());
    heard[kRegion].push_back(cell.flags.to_int());
  }
  static void pixel(pixel_t code) { heard[kInput].push_back(code.to_int()); }
};

// What leaves the kernel was heard on its way.
template <class Word>
void drain(hls::stream<Word>& stream) {
  while (!stream.empty()) stream.read();
}

stored_word reference[kMapWords];
bool mask[kMapWords];

}  // namespace

extern "C" {

// Run one hologram of kSize x kSize codes; setting is that of the kernel, phasors are pairs. Returns the codes left over.
int cytogate_retrieve_delay(const uint16_t* codes, const int32_t* setting, const int32_t* phasors, const uint8_t* disk) {
  for (auto& each : heard) each.clear();
  for (int i = 0; i < kMapWords; ++i) {
    reference[i].re = phasors[2 * i];
    reference[i].im = phasors[2 * i + 1];
    mask[i] = disk[i] != 0;
  }
  hls::stream<hologram_code> in("hologram");
  hls::stream<Found> found("found");
  hls::stream<Cell> cells("cells");
  hls::stream<pixel_t> squares("squares");
  for (int i = 0; i < kHologramWords; ++i) in.write(codes[i]);
  const Setting given = {setting[0], setting[1], {setting[2], setting[3], setting[4], setting[5], setting[6]}};
  retrieve_hologram<Tap>(in, given, reference, mask, found, cells, squares);
  drain(found), drain(cells), drain(squares);
  return int(in.size());
}

// Find the cells of a map of kMapSize x kMapSize path delays alone. Returns what is left over.
int cytogate_find_cells(const int32_t* delays, const int32_t* setting) {
  for (auto& each : heard) each.clear();
  hls::stream<delay_t> in("delays");
  hls::stream<Run> runs("runs");
  hls::stream<Found> told("told"), found("found");
  hls::stream<Cell> regions("regions"), cells("cells");
  hls::stream<pixel_t> squares("squares");
  static pixel_t codes[kMapWords];
  for (int i = 0; i < kMapWords; ++i) in.write(delays[i]);
  mark_runs(in, runs, codes);
  find_cells(runs, {setting[2], setting[3], setting[4], setting[5], setting[6]}, told, regions);
  cut_squares<Tap>(codes, told, regions, found, cells, squares);
  drain(found), drain(cells), drain(squares);
  return int(in.size() + runs.size() + told.size() + regions.size());
}

int64_t cytogate_words(int stage) { return int64_t(heard[stage].size()); }

const int32_t* cytogate_data(int stage) { return heard[stage].data(); }

}  // extern "C"
