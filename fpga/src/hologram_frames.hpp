// Beats of holograms to cells and the squares about them: what stands between the pins and the retrieval.
//
// The chip takes holograms of its own size: a pixel a beat, TLAST on the last. What a calibration measures comes before the
// first, or between two. A field leaves as records: a word for the field, then for each cell its center and its region; and
// its squares leave for the network, TLAST on a square's last pixel.
#pragma once

#include "axis.hpp"
#include "pixels.hpp"
#include "retrieve_delay.hpp"

namespace cytogate {

using frame_beat = beat_t<kBeatBits>;
using record_beat = beat_t<32>;
// First the numbers of the setting, then for each pixel of the map the phasor's parts and whether the disk holds it.
using calibration_beat = beat_t<64>;
constexpr int kSettingWords = 7;
static_assert(kNetworkChannels == 1, "a map has one value a pixel");
static_assert(2 * kWordBits + 1 <= 64, "a phasor and its mask fit a beat");

struct Calibration {
  Setting setting;
  stored_word reference[kMapWords];
  bool mask[kMapWords];
};

inline int next_number(hls::stream<calibration_beat>& in) {
  const ap_int<32> number = in.read().data.range(31, 0);
  return number;
}

inline void load_calibration(hls::stream<calibration_beat>& in, Calibration& calibration) {
  Setting& setting = calibration.setting;
  setting.bin_y = next_number(in);
  setting.bin_x = next_number(in);
  setting.cells.top = next_number(in);
  setting.cells.bottom = next_number(in);
  setting.cells.left = next_number(in);
  setting.cells.right = next_number(in);
  setting.cells.least_area = next_number(in);
LoadCalibration:
  for (int i = 0; i < kMapWords; ++i) {
#pragma HLS PIPELINE II = 1
    const ap_uint<64> data = in.read().data;
    calibration.reference[i].re = data.range(kWordBits - 1, 0);
    calibration.reference[i].im = data.range(2 * kWordBits - 1, kWordBits);
    calibration.mask[i] = data[2 * kWordBits];
  }
}

// Receive one hologram. A short one is filled up with zeros and a long one swallowed up to its TLAST, so that the next is
// received from its first pixel; `intact` tells the last stage to drop such a one.
inline void receive_beats(hls::stream<frame_beat>& in, hls::stream<hologram_code>& out, hls::stream<bool>& intact) {
  bool ended = false, ended_early = false;
ReceiveBeats:
  for (int i = 0; i < kHologramWords; ++i) {
#pragma HLS PIPELINE II = 1
    ap_uint<kBeatBits> data = 0;
    ended_early |= ended;
    if (!ended) {
      const frame_beat beat = in.read();
      data = beat.data;
      ended = beat.last;
    }
    out.write(data.range(kFrameBits - 1, 0));
  }
  const bool too_long = !ended;
Resynchronize:
  while (!ended) {
#pragma HLS PIPELINE II = 1
    ended = in.read().last;
  }
  intact.write(!ended_early && !too_long);
}

// Let a field's records and squares leave, unless its hologram was malformed.
inline void send_field(hls::stream<bool>& intact, hls::stream<Found>& found, hls::stream<Cell>& cells,
                       hls::stream<pixel_t>& squares, hls::stream<record_beat>& records, hls::stream<pixel_beat>& pixels) {
  const bool is_whole = intact.read();
  const Found told = found.read();
  const ap_uint<32> field = ap_uint<32>(told.cells) | (told.crowded ? kCrowdedField : 0);
  if (is_whole) records.write(make_beat<32>(field, told.cells == 0));
SendCells:
  for (int number = 0; number < int(told.cells); ++number) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 64
    const Cell cell = cells.read();
    const ap_uint<32> center = ap_uint<32>(cell.row) | ap_uint<32>(cell.column) << kColumnShift;
    const ap_uint<32> region = ap_uint<32>(cell.area) | ap_uint<32>(cell.flags) << kFlagsShift;
    if (is_whole) {
      records.write(make_beat<32>(center, false));
      records.write(make_beat<32>(region, number == int(told.cells) - 1));
    }
  SendSquare:
    for (int i = 0; i < kPixels; ++i) {
#pragma HLS PIPELINE II = 1
      const pixel_t code = squares.read();
      if (is_whole) pixels.write(make_beat<kPixelBeatBits>(code, i == kPixels - 1));
    }
  }
}

// One hologram a call.
template <class Tap>
void retrieve_field(hls::stream<frame_beat>& frames, const Calibration& calibration, hls::stream<record_beat>& records,
                    hls::stream<pixel_beat>& pixels) {
#pragma HLS DATAFLOW
  hls::stream<hologram_code> codes("codes");
  hls::stream<bool> intact("intact");
  hls::stream<Found> found("found");
  hls::stream<Cell> cells("cells");
  hls::stream<pixel_t> squares("squares");
  receive_beats(frames, codes, intact);
  retrieve_hologram<Tap>(codes, calibration.setting, calibration.reference, calibration.mask, found, cells, squares);
  send_field(intact, found, cells, squares, records, pixels);
}

}  // namespace cytogate
