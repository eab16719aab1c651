"""The clock of a bench."""

from __future__ import annotations

from cocotb.simtime import get_sim_time

CLOCK_NS = 10


def clock_now() -> int:
    """Return the number of clocks since the simulation began."""
    return int(get_sim_time("ns")) // CLOCK_NS
