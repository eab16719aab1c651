// Plays beats to verilated engines and records what leaves, for sim/rtl/engines.py: one stream in, one out.
//
// Both sides pause at random. What a stream may not do (withdraw or change a beat while it waits) is a violation.
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "Vtop.h"
#include "coverage.hpp"
#include "svdpi.h"
#include "verilated.h"

namespace {

struct Tap {
  std::vector<std::uint32_t> words;
  std::vector<std::int64_t> cycles;  // in which a beat passed
};

std::map<std::string, Tap> taps;
std::int64_t cycle = 0;

// What no reset has set is zero, or at random where `seed` is not 0.
VerilatedContext* started(VerilatedContext& context, int seed) {
  context.randReset(seed == 0 ? 0 : 2);
  context.randSeed(seed);
  context.fatalOnError(false);  // an assertion that fails ends a run, not the process
  context.assertOn(false);      // until the first reset
  return &context;
}

struct Player {
  explicit Player(int seed) : top(started(context, seed)), record(context) {}
  // Scopes of a model leave the context of the thread, which may be that of another player, gone before this one.
  ~Player() { Verilated::threadContextp(&context); }

  VerilatedContext context;
  Vtop top;
  int violations = 0;
  CoverageRecord record;

  void settle() {
    top.clk = 0;
    top.eval();
  }
  void tick() {
    top.clk = 1;
    top.eval();
    ++cycle;
  }
};

}  // namespace

extern "C" {

// Called by taps, a word of 32 bits at a time, the lowest first.
void cytogate_tap(const char* stage, int, const svBitVecVal* word, int index) {
  Tap& tap = taps[stage];
  tap.words.push_back(word[0]);
  if (index == 0) tap.cycles.push_back(cycle);
}

Player* player_open(int seed) { return new Player(seed); }

void player_close(Player* player) { delete player; }

void player_reset(Player* player, int chosen, int clocks) {
  Vtop& top = player->top;
  top.chosen = chosen;
  player->context.assertOn(false);
  top.rst = 1;
  top.in_valid = top.out_ready = 0;
  for (int i = 0; i < clocks; ++i) {
    player->settle();
    player->tick();
  }
  top.rst = 0;
  player->context.assertOn(true);
  player->settle();
}

// Send `beats` of `in_bytes` each, `gap` clocks of pause behind each `cell_beats` of them, until they are sent and
// `wanted` beats of `out_bytes` came, or `clocks` have passed; then go on for `more` clocks, in which nothing may come.
// `idle` and `stall` are chances in 1024 that the sender pauses and the receiver is not ready. Returns the beats that
// came.
int player_run(Player* player, const std::uint8_t* beats, int count, int in_bytes, int cell_beats, int gap, int idle,
               int stall, std::uint32_t seed, int wanted, int out_bytes, std::int64_t clocks, int more,
               std::uint8_t* out, std::int64_t* out_cycles, std::int64_t* in_cycles) {
  Vtop& top = player->top;
  std::mt19937 random(seed);
  int sent = 0, came = 0, pause = 0;
  bool offered = false, waited = false;
  std::vector<std::uint8_t> waiting(out_bytes);
  const std::int64_t end = cycle + clocks;
  while (cycle < end && !player->context.gotError() && (sent < count || came < wanted || more-- > 0)) {
    if (!offered && pause > 0) --pause;
    else if (!offered) offered = sent < count && int(random() % 1024) >= idle;
    top.in_valid = offered;
    if (offered) std::memcpy(&top.in_words, beats + std::size_t(sent) * in_bytes, in_bytes);
    top.out_ready = int(random() % 1024) >= stall;
    player->settle();
    const bool valid = top.out_valid;
    if (waited && (!valid || std::memcmp(waiting.data(), &top.out_words, out_bytes) != 0)) ++player->violations;
    waited = valid && !top.out_ready;
    if (waited) std::memcpy(waiting.data(), &top.out_words, out_bytes);
    if (valid && top.out_ready) {
      if (came < wanted) {
        std::memcpy(out + std::size_t(came) * out_bytes, &top.out_words, out_bytes);
        out_cycles[came++] = cycle;
      } else {
        ++player->violations;
      }
    }
    if (offered && top.in_ready) {
      in_cycles[sent++] = cycle;
      offered = false;
      if (sent % cell_beats == 0) pause = gap;
    }
    player->tick();
  }
  top.in_valid = 0;
  top.out_ready = 0;
  return came;
}

int player_violations(const Player* player) { return player->violations; }

int player_failed(const Player* player) { return player->context.gotError(); }

void player_forget_taps() { taps.clear(); }

std::int64_t player_tap_words(const char* stage) { return std::int64_t(taps[stage].words.size()); }

const std::uint32_t* player_tap_data(const char* stage) { return taps[stage].words.data(); }

const std::int64_t* player_tap_cycles(const char* stage) { return taps[stage].cycles.data(); }

}  // extern "C"
