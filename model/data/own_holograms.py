"""Labelled cells of a user's holograms: all cells on a hologram are of its class, or each is marked with its own.

What is trained on is cut out of the map as the chip does it; a cell that reaches the map's edge or touches another one
is left out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.off_axis import MOST_CELLS
from cytogate.model.data.own_cells import class_labels
from cytogate.model.design.design import Design
from cytogate.model.design.folder import design_text
from cytogate.model.errors import InputError
from cytogate.model.files.container import reading
from cytogate.model.files.holograms import HologramFile, open_holograms
from cytogate.model.files.labels import Marks, read_labels, read_marks, says_simulated
from cytogate.model.files.opening import open_container
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis.calibration import fringe_fault, reference_field
from cytogate.model.retrieval.off_axis.cells import MapCell
from cytogate.model.simulation.hologram_squares import item_shape, named_by_place, squares_of, store_squares
from cytogate.model.simulation.making import make_file


@dataclass(frozen=True, eq=False)
class OwnHolograms:
    """Holograms of a file, with what it says of the cells on them."""

    path: Path
    dataset: str | None
    """Array of the file, if its name is not ``frames``."""
    fields: int
    labels: NDArray[np.int64]
    """(fields,) of all cells on a hologram; or of the marked cells, (cells,)."""
    marks: Marks | None
    groups: NDArray
    """(fields,) what must not be split: as the file has it, or each hologram."""
    is_grouped: bool
    """Whether the file has groups."""
    key: str
    """Of the content that is trained on: holograms, labels and groups."""
    simulated: bool

    @staticmethod
    def of(path: Path, dataset: str | None, design: Design) -> OwnHolograms:
        """Read what the file at ``path`` says of its holograms.

        Raises
        ------
        InputError
            If holograms do not suit the instrument, any cannot be used, labels are missing, or classes are not the
            design's.
        """
        camera = design.off_axis
        with open_holograms(path, camera, dataset) as file:
            fields = file.fields
            container = open_container(path)
            try:
                with reading(path):
                    marks = read_marks(container, fields, (camera.rows, camera.columns))
                    found = read_labels(container, fields, "hologram", (dataset or "").rpartition("/")[0])
                labels = class_labels(container, found if marks is None else marks.found, design)
                simulated = says_simulated(container)
            finally:
                container.close()
            groups = np.arange(fields) if found.groups is None else np.asarray(found.groups)
            digest = hashlib.sha256(repr((fields, camera.rows, camera.columns, groups.tolist())).encode())
            digest.update(labels.tobytes())
            if marks is not None:
                digest.update(marks.field.tobytes() + marks.center.tobytes())
            _read_all(file, design, digest)
        key = digest.hexdigest()
        return OwnHolograms(path, dataset, fields, labels, marks, groups, found.groups is not None, key, simulated)

    def named(self, index: int, found: list[MapCell], design: Design) -> list[int | None]:
        """Return the label of each cell that was found on a hologram; None of one that is not marked."""
        if self.marks is None:
            return [int(self.labels[index])] * len(found)
        own = np.flatnonzero(self.marks.field == index)
        centers = ((float(row), float(column)) for row, column in self.marks.center[own])
        return named_by_place(found, centers, self.labels[own].tolist(), design)


def write_own_squares(holograms: OwnHolograms, design: Design, path: Path, workers: int = 2) -> None:
    """Write the network inputs of labelled cells to the HDF5 file ``path``, as the chip computes them; resumable.

    Datasets as :func:`~cytogate.model.simulation.hologram_squares.store_squares` has them; attribute ``design``.
    """
    recipe = _Squares(holograms, design, integer.reference_phasor(reference_field(design)))
    store = partial(store_squares, side=design.window.rows, attributes=recipe.request)
    make_file(recipe, path, store, workers)


@dataclass(frozen=True, eq=False)
class _Squares:
    holograms: OwnHolograms
    design: Design
    phasor: Codes

    @property
    def what(self) -> str:
        return "holograms, retrieved as the chip does it"

    @property
    def count(self) -> int:
        return self.holograms.fields

    @property
    def shape(self) -> tuple[int, ...]:
        return item_shape(MOST_CELLS, self.design)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint8)

    @property
    def request(self) -> dict[str, object]:
        reference = hashlib.sha256(self.phasor.tobytes()).hexdigest()
        return {
            "version": version("cytogate"),
            "key": self.holograms.key,
            "design": design_text(self.design),
            "reference": reference,
        }

    def make(self, indices: range) -> NDArray[np.unsignedinteger]:
        file = _opened(self.holograms.path, self.holograms.dataset, self.design)
        return np.stack([self._field(file, index) for index in indices])

    def _field(self, file: HologramFile, index: int) -> NDArray[np.uint8]:
        words = native.retrieve(file.read(index), self.design, self.phasor)
        found = words.cells.cells
        return squares_of(words.opd, found, self.holograms.named(index, found, self.design), self.design, MOST_CELLS)


@lru_cache(maxsize=1)
def _opened(path: Path, dataset: str | None, design: Design) -> HologramFile:
    """Return the open file; each process that makes inputs opens it once."""
    return open_holograms(path, design.off_axis, dataset)


def _read_all(file: HologramFile, design: Design, digest: hashlib._Hash) -> None:
    """Add each hologram to the key; a set with faulty ones is refused before anything is fitted."""
    faults: list[str] = []
    for index in range(file.fields):
        try:
            hologram = file.read(index)
        except InputError as error:
            faults.append(str(error).removeprefix(f"{file.path}: "))
            continue
        fault = file.fault(hologram) or fringe_fault(hologram, design)
        if fault is not None:
            faults.append(f"field {index}: {fault}")
        digest.update(hologram.tobytes())
    if faults:
        raise InputError(
            f"{file.path}: {len(faults)} of {file.fields} holograms cannot be trained on; leave them out of the file. "
            f"The first is {faults[0]}"
        )
