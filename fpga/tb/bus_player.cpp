// Plays clocks to a verilated module with a bus in and a bus out and records them, for unit tests: a bus in, a bus out, a row of bytes a
// clock.
#include <cstdint>
#include <cstring>

#include "Vtop.h"
#include "coverage.hpp"
#include "verilated.h"

// What no reset has set is zero, or at random where `seed` is not 0. Returns whether an assertion failed behind the first
// clocks, in which a play resets; that ends it.
extern "C" int bus_play(const std::uint8_t* in, std::uint8_t* out, int clocks, int seed) {
  constexpr int RESET_CLOCKS = 3;
  VerilatedContext context;
  context.randReset(seed == 0 ? 0 : 2);
  context.randSeed(seed);
  context.fatalOnError(false);
  Vtop units(&context);
  CoverageRecord record(context);
  for (int clock = 0; clock < clocks && !context.gotError(); ++clock) {
    context.assertOn(clock >= RESET_CLOCKS);
    std::memcpy(&units.in, in + std::size_t(clock) * sizeof units.in, sizeof units.in);
    units.clk = 0;
    units.eval();
    std::memcpy(out + std::size_t(clock) * sizeof units.out, &units.out, sizeof units.out);
    units.clk = 1;
    units.eval();
  }
  return context.gotError();
}
