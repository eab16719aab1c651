"""Maps of phase and path delay, one an item of the input: a field of holograms, or a cell's four frames.

Both instruments give the same: a map in float64, the same in fixed point, and the cells that are on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.law import contract
from cytogate.model.contract.off_axis import MOST_BEGINNINGS, MOST_CELLS
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.features.cell_features import PHASE_THRESHOLD_RAD, filled, largest_regions
from cytogate.model.files.frames import FrameFile, open_frames
from cytogate.model.files.holograms import HologramFile, open_holograms
from cytogate.model.retrieval.frame_order import order_told
from cytogate.model.retrieval.laws import Run
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis import reference as off_axis
from cytogate.model.retrieval.off_axis.calibration import fringe_fault, reference_field
from cytogate.model.retrieval.off_axis.cells import MapCell

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhaseMap:
    """What came of one item."""

    index: int
    raw: NDArray
    """(rows, columns), for the picture: the hologram as it is transformed, or the sum of the four frames."""
    phase: Floats
    """(rows, columns) radians."""
    fixed: Floats
    """The same in fixed point, as values."""
    cells: list[MapCell]
    windows: NDArray[np.uint8] | None = None
    """(cells, rows, columns) codes of the network's input about each cell, of holograms; in fixed point."""
    fault: str | None = None
    """Why there is no map; all of it is then zero."""
    crowded: str | None = None
    """Why no cells are told of a map that there is."""


class Maps(AbstractContextManager["Maps"], Protocol):
    """The maps of an input, computed when they are asked for."""

    @property
    def items(self) -> int:
        """Number of items of the input."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a map."""

    @property
    def told(self) -> str | None:
        """What a user must know of the order of the input's frames."""

    def maps(self, count: int) -> Iterator[PhaseMap]:
        """Yield the first ``count`` maps."""


def open_maps(path: Path, design: Design, dataset: str | None) -> Maps:
    """Return the maps of the frames or holograms of ``path``.

    Raises
    ------
    InputError
        If the design retrieves no phase, the input does not suit it, or its frames are stored in a wrong order.
    """
    if isinstance(design.instrument, OffAxis):
        return OffAxisMaps(path, design, dataset)
    if design.retrieves_phase:
        return FourAngleMaps(path, design, dataset)
    raise InputError(
        f'design {design.name} is of kind "{design.instrument.kind}", which has no phase; four-angle and off-axis '
        "designs have one"
    )


class OffAxisMaps:
    """Maps of holograms."""

    told = None
    """A hologram is one frame."""

    def __init__(self, path: Path, design: Design, dataset: str | None) -> None:
        self._design = design
        self._reference = reference_field(design)
        self._phasor = integer.reference_phasor(self._reference)
        self._file: HologramFile = open_holograms(path, design.off_axis, dataset)

    @property
    def items(self) -> int:
        """Number of holograms."""
        return self._file.fields

    @property
    def shape(self) -> tuple[int, int]:
        """(M, M)."""
        return (self._design.map_size,) * 2

    def maps(self, count: int) -> Iterator[PhaseMap]:
        """Yield the first ``count`` maps."""
        return (self._map(index) for index in range(count))

    def _map(self, index: int) -> PhaseMap:
        empty = np.zeros(self.shape)
        try:
            hologram = self._file.read(index)
        except InputError as error:
            return PhaseMap(index, empty, empty, empty, [], fault=str(error))
        fault = self._file.fault(hologram) or fringe_fault(hologram, self._design)
        found = off_axis.retrieve(hologram, self._design, self._reference)
        if fault is not None:
            return PhaseMap(index, found.hologram, empty, empty, [], fault=fault)
        words = native.retrieve(hologram, self._design, self._phasor)
        fixed = contract(self._design).stage("phase").values(words.phase)
        windows = words.network_input[..., 0].astype(np.uint8)
        crowded = f"crowded: more than {MOST_CELLS} cells, or noise above threshold_nm in {MOST_BEGINNINGS} places"
        told = crowded if words.cells.is_crowded else None
        return PhaseMap(index, found.hologram, found.phase, fixed, words.cells.cells, windows, crowded=told)

    def __enter__(self) -> OffAxisMaps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


class FourAngleMaps:
    """Maps of cells' four frames."""

    def __init__(self, path: Path, design: Design, dataset: str | None) -> None:
        self._design = design
        self._file: FrameFile = open_frames(path, design.camera, dataset=dataset)
        try:
            self._file.check_size(design)
            self.told = order_told(self._file, design, path)
        except BaseException:
            self._file.close()
            raise

    @property
    def items(self) -> int:
        """Number of cells."""
        return self._file.cells

    @property
    def shape(self) -> tuple[int, int]:
        """(N, N)."""
        return (self._design.size,) * 2

    def maps(self, count: int) -> Iterator[PhaseMap]:
        """Yield the first ``count`` maps, those of one run: a law that remembers goes from each to the next."""
        run = Run(self._design)
        return (self._map(index, run) for index in range(count))

    def _map(self, index: int, run: Run) -> PhaseMap:
        empty = np.zeros(self.shape)
        try:
            frames = self._file.read(index, index + 1)
        except InputError as error:
            return PhaseMap(index, empty, empty, empty, [], fault=str(error))
        phase = run.real(frames)["phase"][0]
        fixed = contract(self._design).stage("phase").values(run.codes(frames, ("phase",))["phase"])[0]
        return PhaseMap(index, frames[0].sum(axis=0, dtype=np.int64), phase, fixed, _only_cell(phase))

    def __enter__(self) -> FourAngleMaps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _only_cell(phase: Floats) -> list[MapCell]:
    """Return the cell of a four-angle map, as ``cytogate predict`` finds it; an empty list where there is none."""
    mask = largest_regions(filled(phase[None] > PHASE_THRESHOLD_RAD))[0]
    if not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    y, x = np.nonzero(mask)
    clipped = any(each.start == 0 or each.stop == size for each, size in zip(part, phase.shape, strict=True))
    return [MapCell(*part, mask[part], len(y), (float(y.mean()), float(x.mean())), clipped, False)]


def delay_per_radian(design: Design) -> float:
    """Return the path delay, in nanometres, of a radian, of whichever instrument retrieves phase."""
    if isinstance(design.instrument, OffAxis):
        return off_axis.delay_of(design)
    return design.four_angle.wavelength_um * 1e3 / (2 * math.pi)
