"""Cost of a design on a board: whether it fits, how soon it answers; estimated before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.design.boards import Board
from cytogate.model.design.design import Design
from cytogate.model.estimates.system import estimate
from cytogate.model.networks.shapes import network_shapes


@dataclass(frozen=True)
class Cost:
    """Of a design on a board, estimated."""

    percent: dict[str, float]
    """Of the board's resources, by their names."""
    latency_us: float
    """From the last pixel of a frame in to its logits."""
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
    """Return what a design, of which no network needs to be trained, costs on a board.

    Raises
    ------
    InputError
        If its network cannot be built.
    """
    found = estimate(design, board, design.chip.samples_per_clock, network_shapes(design))
    return Cost(found.area.percent, found.latency_us, found.binned_cells_per_second)
