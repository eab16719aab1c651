// Plays beats to the verilated kernel and records what leaves, for sim/rtl/simulation.py: one kernel a library, one clock a step.
//
// What AXI4-Stream forbids on m_axis (a valid beat withdrawn or changed while it waits) is counted as a violation.
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

// What goes with a last beat: TLAST, and 2 where a kernel that marks malformed frames (TUSER) does so.
template <class Kernel>
auto marks(const Kernel& kernel, int) -> decltype(int(kernel.m_axis_tuser)) {
  return kernel.m_axis_tlast | kernel.m_axis_tuser << 1;
}
template <class Kernel>
int marks(const Kernel& kernel, long) {
  return kernel.m_axis_tlast;
}

std::map<std::string, std::vector<std::uint32_t>> taps;

// What no reset has set is zero, or at random where `seed` is not 0.
VerilatedContext* started(VerilatedContext& context, int seed) {
  context.randReset(seed == 0 ? 0 : 2);
  context.randSeed(seed);
  context.fatalOnError(false);  // an assertion that fails ends a run, not the process
  context.assertOn(false);      // until the first reset
  return &context;
}

// Clocks in which a register is answered: far more than any takes.
constexpr int kAnswerClocks = 100'000;

struct Player {
  explicit Player(int seed) : kernel(started(context, seed)), record(context) {}
  // Scopes of a model leave the context of the thread, which may be that of another player, gone before this one.
  ~Player() { Verilated::threadContextp(&context); }

  VerilatedContext context;
  Vtop kernel;
  std::int64_t cycle = 0;
  int violations = 0;
  CoverageRecord record;

  void settle() {
    kernel.aclk = 0;
    kernel.eval();
  }
  void tick() {
    kernel.aclk = 1;
    kernel.eval();
    ++cycle;
  }
  // Goes on to the clock in which `seen` holds, and through it; false if that takes longer than kAnswerClocks.
  template <class Seen>
  bool until(Seen seen) {
    for (int clock = 0; clock < kAnswerClocks; ++clock) {
      settle();
      const bool now = seen();
      tick();
      if (now) return true;
    }
    return false;
  }
};

}  // namespace

extern "C" {

// Called by the kernel's taps, a word of 32 bits at a time, the lowest first.
void cytogate_tap(const char* stage, int, const svBitVecVal* word, int) { taps[stage].push_back(word[0]); }

Player* player_open(int seed) { return new Player(seed); }

void player_close(Player* player) { delete player; }

void player_reset(Player* player, int clocks) {
  Vtop& kernel = player->kernel;
  player->context.assertOn(false);
  kernel.aresetn = 0;
  kernel.s_axis_tvalid = kernel.m_axis_tready = 0;
  kernel.s_axil_awvalid = kernel.s_axil_wvalid = kernel.s_axil_bready = 0;
  kernel.s_axil_arvalid = kernel.s_axil_rready = 0;
  for (int i = 0; i < clocks; ++i) {
    player->settle();
    player->tick();
  }
  kernel.aresetn = 1;
  player->context.assertOn(true);
  player->settle();
}

// Send `beats` of `in_bytes` each until they are sent and `wanted` beats of `out_bytes` came, or `clocks` have passed.
// `idle` and `stall` are chances in 1024 that the sender pauses and the receiver is not ready. Returns the beats that
// came.
int player_run(Player* player, const std::uint8_t* beats, const std::uint8_t* lasts, int count, int in_bytes, int idle,
               int stall, std::uint32_t seed, int wanted, int out_bytes, std::int64_t clocks, std::uint8_t* out,
               std::uint8_t* out_lasts, std::int64_t* out_cycles, std::int64_t* in_cycles, int* accepted) {
  Vtop& kernel = player->kernel;
  std::mt19937 random(seed);
  int sent = 0, came = 0;
  bool offered = false, waited = false;
  std::vector<std::uint8_t> waiting(out_bytes + 1);
  const std::int64_t end = player->cycle + clocks;
  while ((sent < count || came < wanted) && player->cycle < end && !player->context.gotError()) {
    if (!offered) offered = sent < count && int(random() % 1024) >= idle;
    kernel.s_axis_tvalid = offered;
    if (offered) {
      std::memcpy(&kernel.s_axis_tdata, beats + std::size_t(sent) * in_bytes, in_bytes);
      kernel.s_axis_tlast = lasts[sent];
    }
    kernel.m_axis_tready = int(random() % 1024) >= stall;
    player->settle();
    const bool valid = kernel.m_axis_tvalid;
    if (waited && (!valid || std::memcmp(waiting.data(), &kernel.m_axis_tdata, out_bytes) != 0 ||
                   waiting[out_bytes] != marks(kernel, 0)))
      ++player->violations;
    waited = valid && !kernel.m_axis_tready;
    if (waited) {
      std::memcpy(waiting.data(), &kernel.m_axis_tdata, out_bytes);
      waiting[out_bytes] = marks(kernel, 0);
    }
    if (valid && kernel.m_axis_tready && came < wanted) {
      std::memcpy(out + std::size_t(came) * out_bytes, &kernel.m_axis_tdata, out_bytes);
      out_lasts[came] = marks(kernel, 0);
      out_cycles[came++] = player->cycle;
    }
    if (offered && kernel.s_axis_tready) {
      in_cycles[sent++] = player->cycle;
      offered = false;
    }
    player->tick();
  }
  kernel.s_axis_tvalid = 0;
  kernel.m_axis_tready = 0;
  *accepted = sent;
  return came;
}

// Reads a register; 0 if it is not answered within kAnswerClocks.
int player_read(Player* player, int address, std::uint32_t* data) {
  Vtop& kernel = player->kernel;
  kernel.s_axil_araddr = address;
  kernel.s_axil_arvalid = 1;
  kernel.s_axil_rready = 1;
  const bool taken = player->until([&] { return bool(kernel.s_axil_arready); });
  kernel.s_axil_arvalid = 0;
  const bool valid = taken && player->until([&] {
    *data = kernel.s_axil_rdata;
    return bool(kernel.s_axil_rvalid);
  });
  kernel.s_axil_rready = 0;
  return valid;
}

// Writes a register; 0 if it is not answered within kAnswerClocks.
int player_write(Player* player, int address, std::uint32_t data) {
  Vtop& kernel = player->kernel;
  kernel.s_axil_awaddr = address;
  kernel.s_axil_wdata = data;
  kernel.s_axil_wstrb = 15;
  kernel.s_axil_awvalid = kernel.s_axil_wvalid = kernel.s_axil_bready = 1;
  const bool taken = player->until([&] { return kernel.s_axil_awready && kernel.s_axil_wready; });
  kernel.s_axil_awvalid = kernel.s_axil_wvalid = 0;
  const bool valid = taken && player->until([&] { return bool(kernel.s_axil_bvalid); });
  kernel.s_axil_bready = 0;
  return valid;
}

int player_violations(const Player* player) { return player->violations; }

int player_failed(const Player* player) { return player->context.gotError(); }

void player_forget_taps() { taps.clear(); }

std::int64_t player_tap_words(const char* stage) { return std::int64_t(taps[stage].size()); }

const std::uint32_t* player_tap_data(const char* stage) { return taps[stage].data(); }

}  // extern "C"
