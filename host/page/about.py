"""Facts that a viewer must know to read the live page rightly."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.host.sources.source import CellSource
from cytogate.model.interface.bundle import Bundle


@dataclass(frozen=True)
class About:
    """Of one stream."""

    design: str
    device: str
    """Board, or what stands in for it, in words."""
    source: str
    """Where the cells come from, in words."""
    emulated: bool
    """Whether there is no board: times are then those of a computer."""
    simulated: bool
    """Whether the cells are simulated."""

    @classmethod
    def stream(cls, bundle: Bundle, source: CellSource, device: str) -> About:
        """Return what is to be said of a stream on a device of that name."""
        emulated = bundle.manifest.synthetic
        board = bundle.device if emulated else f"{bundle.device} ({device})"
        return cls(bundle.design.name, board, source.name, emulated, source.simulated)

    @property
    def caution(self) -> str:
        """What must not be concluded from the page; empty if there is nothing."""
        what = ["emulated board"] * self.emulated + ["simulated cells"] * self.simulated
        why = ["rates and latencies are this computer's"] * self.emulated
        why += ["classes say nothing of real cells"] * self.simulated
        return f"{', '.join(what).capitalize()}: {', '.join(why)}." if what else ""
