"""Cost of a design on a board, before its network is trained: whether it fits, how soon it answers.

A network in SystemVerilog is planned (:mod:`cytogate.model.engines.planner`), one of hls4ml estimated from its shapes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.design.boards import Board
from cytogate.model.design.design import RTL, Design
from cytogate.model.engines.planner import plan_engines
from cytogate.model.engines.upward import in_order_of_rows
from cytogate.model.estimates.system import estimate
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.shapes import shapes_of, untrained_operations

SEED = 1
"""Of the weights of a network that is not trained: of them it depends how many additions replace a multiplication."""


@dataclass(frozen=True)
class Cost:
    """Of a design on a board."""

    percent: dict[str, float]
    """Of the board's resources, by their names."""
    latency_cycles: int
    """From the last pixel of a frame in to its logits."""
    latency_us: float
    cells_per_second: float

    @property
    def share(self) -> float:
        """Of the resource that is scarcest, what is needed over what the board has; above 1 it does not fit."""
        return max(self.percent.values()) / 100

    @property
    def scarcest(self) -> str:
        """Name of that resource."""
        return max(self.percent, key=lambda name: self.percent[name])

    def excess(self, latency_us: float) -> float:
        """Return by which part the board or the latency is exceeded; 0 where neither is."""
        return max(self.share - 1, self.latency_us / latency_us - 1, 0.0)

    def told(self, board: str, latency_us: float) -> str:
        """Say in words what is exceeded."""
        faults = []
        if self.share > 1:
            faults.append(f"needs {self.percent[self.scarcest]:,.0f} % of the {self.scarcest} of {board}")
        if self.latency_us > latency_us:
            faults.append(f"takes {self.latency_us:,.1f} us, {latency_us:g} are allowed")
        return " and ".join(faults)


def cost_of(design: Design, board: Board) -> Cost:
    """Return what a design, of which no network needs to be trained, costs on a board: always the same.

    Raises
    ------
    InputError
        If its network cannot be built, or there are no engines for it where it is to be in SystemVerilog.
    """
    keras.utils.set_random_seed(SEED)
    network, samples = untrained_operations(design), design.chip.samples_per_clock
    if design.chip.network == RTL:
        plan = plan_engines(design, in_order_of_rows(network, design), board, samples)
        percent, latency_us, rate = plan.area.percent, plan.latency_us, plan.cells_per_second
    else:
        found = estimate(design, board, samples, shapes_of(network))
        percent, latency_us, rate = found.area.percent, found.latency_us, found.binned_cells_per_second
    return Cost(percent, round(latency_us * design.chip.on_board(board.name).clock_mhz), latency_us, rate)
