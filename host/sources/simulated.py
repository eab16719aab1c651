"""The simulator as a source: seeded cells of the bundle's instrument, made as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cytogate.host.sources.source import Resume
from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.interface.bundle import Manifest
from cytogate.model.simulation.simulator import SimulatedCells

ENDLESS = 2**40
"""Cells of a simulator that was not told when to stop."""


class SimulatorCells:
    """See :class:`cytogate.host.sources.source.CellSource`. Cell ``n`` of a seed is the same in every stream."""

    simulated = True

    def __init__(self, manifest: Manifest, cells: int | None, seed: int) -> None:
        known = load_design(manifest.design) if manifest.design in builtin_names() else None
        acquisition = replace(
            FourAngle() if known is None else known.four_angle,
            rows=manifest.rows,
            columns=manifest.columns,
            adc_bits=manifest.adc_bits,
        )
        self._cells = SimulatedCells(acquisition, manifest.class_names, ENDLESS if cells is None else cells, seed)
        self.cells = cells
        self.name = f"simulator, seed {seed}"

    def read(self, resume: Resume) -> Iterator[SourceCell]:
        """Yield the cells behind ``resume``."""
        for position in range(resume.get(self.name, 0), len(self._cells)):
            cell = self._cells[position]
            yield SourceCell(self.name, position, cell.frames, label=cell.label)

    def close(self) -> None:
        """Nothing is open."""
