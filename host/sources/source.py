"""What a stream may read cells from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from cytogate.host.stream.cells import SourceCell

Resume = Mapping[str, int]
"""For each origin that a run has cells of, the position behind the last one."""


class CellSource(Protocol):
    """Cells one after the other, lazily. What is wrong with one cell is said in that cell; the others follow."""

    @property
    def name(self) -> str:
        """What the source is, for people and for the record of a run."""

    @property
    def cells(self) -> int | None:
        """How many cells it has; None if it is endless or unknown."""

    @property
    def simulated(self) -> bool:
        """Whether the cells are known to be simulated."""

    @property
    def told(self) -> tuple[str, ...]:
        """What a user must know of its labels and frames so far, in sentences."""

    def read(self, resume: Resume) -> Iterator[SourceCell | None]:
        """Yield the cells behind ``resume``, in order; None where there is nothing at the moment."""

    def close(self) -> None:
        """Close what is open."""
