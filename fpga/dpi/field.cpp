// The kernels of holograms and the network for the module `simulated_kernel`: one word of a field's packet a beat.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "join_field.hpp"
#include "shell.hpp"

void retrieve_delay(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::calibration_beat>& calibration,
                    hls::stream<cytogate::record_beat>& records, hls::stream<cytogate::pixel_beat>& pixels);

namespace {

std::vector<cytogate::calibration_beat> arriving;
hls::stream<cytogate::calibration_beat> calibration("calibration");

void run(hls::stream<cytogate::frame_beat>& frames, int, std::deque<shell::OutputBeat>& beats) {
  hls::stream<cytogate::record_beat> records("records");
  hls::stream<cytogate::pixel_beat> squares("squares");
  hls::stream<cytogate::logit_beat> logits("logits"), packet("packet");
  ::retrieve_delay(frames, calibration, records, squares);
  if (records.empty()) return;
  while (!squares.empty()) cytogate::classify_cell(squares, logits);
  cytogate::join_cells(records, logits, packet);
  while (!packet.empty()) {
    const cytogate::logit_beat beat = packet.read();
    beats.push_back({beat.data, bool(beat.last)});
  }
}

}  // namespace

CYTOGATE_DPI_KERNEL(run)

// A beat of the calibration; the kernel is given a whole one, the latest, before its next hologram.
extern "C" void cytogate_calibrate(const svBitVecVal* words, svBit first, svBit last) {
  if (first) arriving.clear();
  arriving.push_back(cytogate::make_beat<64>(ap_uint<64>(words[1]) << 32 | words[0], last));
  if (!last) return;
  if (arriving.size() != cytogate::kSettingWords + cytogate::kMapWords) {
    std::fprintf(stderr, "a calibration of %zu beats, %d are due\n", arriving.size(),
                 cytogate::kSettingWords + cytogate::kMapWords);
    std::abort();
  }
  while (!calibration.empty()) calibration.read();
  for (const auto& beat : arriving) calibration.write(beat);
}
