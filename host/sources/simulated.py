"""The simulator as a source: seeded cells seen by the design's instrument, made as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from cytogate.host.sources.source import NOTHING_READ, Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.simulation.simulator import simulated_cells

ENDLESS = 2**40
"""Cells of a simulator that was not told when to stop."""


class SimulatorCells:
    """See :class:`cytogate.host.sources.source.CellSource`. Cell ``n`` of a seed is the same in every stream.

    Of a design whose classes the simulator does not know, it simulates the lines that it knows, without labels.

    Raises
    ------
    InputError
        If there is no simulator of the instrument.
    """

    simulated = True

    def __init__(self, design: Design, cells: int | None, seed: int) -> None:
        self._cells = simulated_cells(design, ENDLESS if cells is None else cells, seed)
        names, lines = design.network.class_names, self._cells.class_names
        self._labelled = lines == names
        said = f"simulated cells are of the lines {', '.join(lines)}, not of the design's classes {', '.join(names)}"
        self.told = () if self._labelled else (f"{said}; they have no labels",)
        self.cells = cells
        self.name = f"simulator, seed {seed}"

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the cells behind ``resume``."""
        for position in range(resume.get(self.name, NOTHING_READ).position, len(self._cells)):
            cell = self._cells[position]
            yield SourceCell(self.name, position, cell.frames, label=cell.label if self._labelled else None)

    def close(self) -> None:
        """Nothing is open."""
