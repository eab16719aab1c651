// Records of a field and the logits of its cells to one packet: the field's word, then of each cell center, region and
// logits, TLAST on the last word.
#pragma once

#include "classify.hpp"
#include "hologram_frames.hpp"

namespace cytogate {

static_assert(kLogitBeatBits == 32, "a packet has words of 32 bits");

// One field a call.
inline void join_cells(hls::stream<record_beat>& records, hls::stream<logit_beat>& logits, hls::stream<logit_beat>& packet) {
  const ap_uint<32> field = records.read().data;
  const int cells = field & (kCrowdedField - 1);
  packet.write(make_beat<32>(field, cells == 0));
Join:
  for (int cell = 0; cell < cells; ++cell) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 64
    packet.write(make_beat<32>(records.read().data, false));
    packet.write(make_beat<32>(records.read().data, false));
  JoinLogits:
    for (bool is_last = false; !is_last;) {
#pragma HLS PIPELINE II = 1
      const logit_beat logit = logits.read();
      is_last = logit.last;
      packet.write(make_beat<32>(logit.data, is_last && cell == cells - 1));
    }
  }
}

}  // namespace cytogate
