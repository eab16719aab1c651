"""The network behind a kernel in SystemVerilog: its engines on the kernel's exact pixels, every value compared.

A simulation of its own: what leaves the retrieval's pins was compared before, and these are its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Chip
from cytogate.model.engines.lowering import lower
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.sim.csim.compare import ExactStage
from cytogate.sim.rtl.engines import EngineSimulation, compare

IDLE, STALL = 0.2, 0.5
"""Shares of the clocks in which pixels, and those who take the logits, pause in the second run."""


@dataclass(frozen=True)
class NetworkClocks:
    """What the engines of a network were counted to take; pixels came as fast as they were taken."""

    samples_per_clock: int
    multipliers: int
    """By constants; one makes two products of eight bits at a time where it can."""
    latency_cycles: int
    """From a cell's last pixel in to its logits, the longest."""
    interval_cycles: float | None
    """From logits to the next cell's; None of one cell."""
    latency_us: float
    cells_per_second: float | None


def run_engines(
    network: IntegerNetwork, chip: Chip, pixels: NDArray[np.integer], folder: Path
) -> tuple[tuple[ExactStage, ...], NetworkClocks]:
    """Send cells (cells, rows, columns, channels) through the engines of a network, twice.

    Once at full speed, which is counted, and once with pauses on both sides. Values of both runs are compared with the
    network on integers, layer by layer, with class and margin; ``folder`` receives what is generated.

    Raises
    ------
    InputError
        If there are no engines for the network.
    CheckFailed
        If logits do not come.
    """
    engines = lower(network, chip.samples_per_clock)
    simulation = EngineSimulation([engines], folder)
    try:
        run = simulation.play(pixels)
        simulation.reset()
        runs = [run, simulation.play(pixels, idle=IDLE, stall=STALL, seed=len(pixels))]
    finally:
        simulation.close()
    found = [compare(network, pixels, each) for each in runs]
    stages = tuple(
        ExactStage(name, sum(each.compared[name] for each in found), sum(each.differ.get(name, 0) for each in found))
        for name in found[0].compared
    )
    interval = float(run.intervals.mean()) if len(pixels) > 1 else None
    mhz, latency = chip.clock_mhz, int(run.latency.max())
    return stages, NetworkClocks(
        chip.samples_per_clock,
        engines.multipliers,
        latency,
        interval,
        latency / mhz,
        None if interval is None else mhz * 1e6 / interval,
    )
