// AXI4-Stream beats with TLAST.
//
// Vitis brings hls::axis in ap_axi_sdata.h; open ap_types headers do not have it. A home-made struct would be packed
// into TDATA by Vitis, TLAST would vanish and a DMA would wait for ever, so the vendor's type is used wherever it exists
// and its members are mirrored where it does not.
#pragma once

#include "ap_int.h"

#if __has_include("ap_axi_sdata.h")
#include "ap_axi_sdata.h"
#else
#include <cstddef>

namespace hls {
template <typename T, std::size_t WUser, std::size_t WId, std::size_t WDest>
struct axis {
  static_assert(WUser == 0 && WId == 0 && WDest == 0, "side channels are not mirrored");
  T data;
  ap_uint<(T::width + 7) / 8> keep, strb;
  ap_uint<1> last;
};
}  // namespace hls
#endif

namespace cytogate {

template <int Bits>
using beat_t = hls::axis<ap_uint<Bits>, 0, 0, 0>;

template <int Bits>
beat_t<Bits> make_beat(ap_uint<Bits> data, bool last) {
  beat_t<Bits> beat;
  beat.data = data;
  beat.keep = -1;
  beat.strb = -1;
  beat.last = last;
  return beat;
}

}  // namespace cytogate
