// The tops of an off-axis design joined by streams: beats of a hologram in, the packet of its field out.
#include <cstdint>

#include "join_field.hpp"

void retrieve_delay(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::calibration_beat>& calibration,
                    hls::stream<cytogate::record_beat>& records, hls::stream<cytogate::pixel_beat>& pixels);

namespace {

using namespace cytogate;
hls::stream<calibration_beat> calibration("calibration");

}  // namespace

extern "C" {

// Hand over what a calibration measures, words as the kernel takes them; one that no hologram has come behind is gone.
void cytogate_calibrate(const std::uint64_t* words) {
  while (!calibration.empty()) calibration.read();
  constexpr int kWords = kSettingWords + kMapWords;
  for (int i = 0; i < kWords; ++i) calibration.write(make_beat<64>(words[i], i == kWords - 1));
}

// Send a packet of `pixels` codes and write the words that come back to `words`, which has room for so many. Returns how
// many came; -1 where TLAST is wrong or anything is left in between.
int cytogate_field(const std::uint16_t* codes, int pixels, std::int32_t* words, int room) {
  hls::stream<frame_beat> frames("frames");
  hls::stream<record_beat> records("records");
  hls::stream<pixel_beat> squares("squares");
  hls::stream<logit_beat> logits("logits"), packet("packet");
  for (int i = 0; i < pixels; ++i) frames.write(make_beat<kBeatBits>(codes[i], i == pixels - 1));
  ::retrieve_delay(frames, calibration, records, squares);
  const int cells = int(squares.size()) / kPixels;
  for (int cell = 0; cell < cells; ++cell) classify_cell(squares, logits);
  if (!records.empty()) join_cells(records, logits, packet);
  if (!frames.empty() || !records.empty() || !squares.empty() || !logits.empty() || !calibration.empty()) return -1;

  int count = 0;
  for (bool is_last = false; !packet.empty(); ++count) {
    if (is_last || count == room) return -1;
    const logit_beat beat = packet.read();
    words[count] = beat.data.to_int();
    is_last = beat.last;
    if (packet.empty() && !is_last) return -1;
  }
  return count;
}

}  // extern "C"
