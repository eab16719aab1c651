"""Cells of simulated holograms as the network sees them: found by the integer model, named by the simulator.

The holograms are of an instrument with the design's calibrated carrier; its reference field is measured on empty
holograms, as ``cytogate calibrate`` does it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import CLASS_NAMES, Design
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis.calibration import reference_of
from cytogate.model.retrieval.off_axis.cells import MapCell
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Complexes, Sideband
from cytogate.model.simulation.cells import CELL_LINES
from cytogate.model.simulation.hologram_squares import item_shape, named_by_place, squares_of, store_squares
from cytogate.model.simulation.holograms import SimulatedHolograms
from cytogate.model.simulation.making import make_file

CELLS_A_FIELD = 3
"""Unless another number is asked for."""
EMPTY_FIELDS = 4
"""Empty holograms by which the reference field is measured."""


@dataclass(frozen=True)
class CalibratedHolograms:
    """Simulated holograms and the calibrated design that takes them."""

    design: Design
    holograms: SimulatedHolograms

    @staticmethod
    def of(design: Design, fields: int, seed: int, cells: int = CELLS_A_FIELD) -> CalibratedHolograms:
        """Return fields with cells of the design's classes, or of the built-in lines if it has others.

        Raises
        ------
        InputError
            If the design is no off-axis one, or not calibrated.
        """
        found, names = design.calibrated, design.network.class_names
        camera = dataclasses.replace(
            design.off_axis,
            carrier_y=found.carrier_y,
            carrier_x=found.carrier_x,
            magnification=found.magnification,
        )
        known = names if set(names) <= set(CELL_LINES) else CLASS_NAMES
        return CalibratedHolograms(design, SimulatedHolograms(camera, known, fields, cells, seed))

    @cached_property
    def reference(self) -> Complexes:
        """The reference field (M, M), as the retrieval takes it."""
        placing, sideband = Placing.of(self.design), Sideband.of(self.design)
        empty = [self.holograms.empty_field(index % len(self.holograms)) for index in range(EMPTY_FIELDS)]
        return reference_of(empty, empty, placing, sideband) * sideband.ramp

    @cached_property
    def phasor(self) -> Codes:
        """What the integer model takes of it, (M, M, 2)."""
        return integer.reference_phasor(self.reference)

    def named(self, index: int, found: Sequence[MapCell]) -> list[int | None]:
        """Return the label of each cell that was found in a field; see :func:`named_by_place`."""
        truth = self.holograms.truth(index)
        return named_by_place(found, truth.centers, truth.labels, self.design)


def write_hologram_cells(
    cells: CalibratedHolograms, path: Path, *, background_only: bool = False, workers: int = 2
) -> None:
    """Write the network inputs of the true cells that are found whole and alone, into an HDF5 file that appears whole.

    Datasets ``network_input`` (cells, rows, columns, 1) uint8, one chunk a cell, ``labels`` and ``field``; resumable.

    Parameters
    ----------
    background_only
        Take the squares at the cells' places from the empty hologram of the same instrument and noise.
    """
    # Once for all processes, which get what is computed already.
    _ = cells.phasor
    recipe = _Squares(cells, background_only)
    make_file(recipe, path, recipe.store, workers)


@dataclass(frozen=True)
class _Squares:
    """A field is an item: a square and a label for each cell that was asked for, in a row."""

    cells: CalibratedHolograms
    background_only: bool

    @property
    def what(self) -> str:
        return "backgrounds, retrieved" if self.background_only else "simulated holograms, retrieved"

    @property
    def count(self) -> int:
        return len(self.cells.holograms)

    @property
    def shape(self) -> tuple[int, int]:
        return item_shape(self.cells.holograms.cells, self.cells.design)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint8)

    @property
    def request(self) -> dict[str, object]:
        told = asdict(self.cells.holograms)
        del told["fields"]
        design = self.cells.design
        return {
            **told,
            "version": version("cytogate"),
            "calibration": asdict(design.calibrated),
            "window": asdict(design.window),
            "background_only": self.background_only,
        }

    def make(self, indices: range) -> NDArray[np.unsignedinteger]:
        return np.stack([self._field(index) for index in indices])

    def _field(self, index: int) -> NDArray[np.uint8]:
        holograms, design = self.cells.holograms, self.cells.design
        words = native.retrieve(holograms[index].frame, design, self.cells.phasor)
        opd = words.opd
        if self.background_only:
            opd = native.retrieve(holograms.empty_field(index), design, self.cells.phasor).opd
        found = words.cells.cells
        return squares_of(opd, found, self.cells.named(index, found), design, holograms.cells)

    def store(self, path: Path, items: Iterable[NDArray[np.unsignedinteger]]) -> None:
        """Write the file."""
        told = {"simulated": True, "seed": self.cells.holograms.seed, "request": json.dumps(self.request)}
        store_squares(path, items, self.cells.design.window.rows, told | {"version": version("cytogate")})
