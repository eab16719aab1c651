// Top function of the kernel that joins a field's records and logits, as Vitis HLS synthesizes it.
#include "join_field.hpp"

void join_field(hls::stream<cytogate::record_beat>& records, hls::stream<cytogate::logit_beat>& logits,
                hls::stream<cytogate::logit_beat>& packet) {
#pragma HLS INTERFACE mode = axis port = records
#pragma HLS INTERFACE mode = axis port = logits
#pragma HLS INTERFACE mode = axis port = packet
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
  cytogate::join_cells(records, logits, packet);
}
