// C-simulation of the whole chain as a shared library.
#include "chain.hpp"
#include "library.hpp"

// Send one packet of `pixels` pixels through both kernels; codes are (channels, rows, columns). Returns the number of cells
// that were classified, -1 where TLAST is wrong. The stages' words stay until the next call.
extern "C" int cytogate_run(const std::uint16_t* codes, int pixels) { return testbench::run_chain(codes, pixels); }
