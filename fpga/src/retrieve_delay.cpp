// Top function of the kernel of off-axis holograms, as Vitis HLS synthesizes it.
#include "hologram_frames.hpp"

void retrieve_delay(hls::stream<cytogate::frame_beat>& frames, hls::stream<cytogate::calibration_beat>& calibration,
                    hls::stream<cytogate::record_beat>& records, hls::stream<cytogate::pixel_beat>& pixels) {
#pragma HLS INTERFACE mode = axis port = frames
#pragma HLS INTERFACE mode = axis port = calibration
#pragma HLS INTERFACE mode = axis port = records
#pragma HLS INTERFACE mode = axis port = pixels
  // Free running: the kernel waits for a calibration after reset, then for each hologram's first beat. Another calibration
  // that has come by then is taken before it.
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
  static cytogate::Calibration loaded;
  static bool is_loaded = false;
#pragma HLS RESET variable = is_loaded
  if (!is_loaded || !calibration.empty()) {
    cytogate::load_calibration(calibration, loaded);
    is_loaded = true;
  }
  cytogate::retrieve_field<cytogate::NoDelayTap>(frames, loaded, records, pixels);
}
