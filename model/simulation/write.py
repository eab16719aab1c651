"""Simulated data sets as files of frames, HDF5 or TIFF."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.optics import code_type
from cytogate.model.simulation.simulator import SimulatedCells

Frames = NDArray[np.unsignedinteger]

HDF5_SUFFIXES = (".h5", ".hdf5")
TIFF_SUFFIXES = (".tif", ".tiff")

CLASSIC_TIFF_BYTES = 3_900_000_000
"""Pixels beyond this need BigTIFF: 32-bit offsets end at 4 GiB, headers included."""


def write_cells(cells: SimulatedCells, path: Path, *, empty_field: bool = False, workers: int = 2) -> None:
    """Simulate all of ``cells`` into the file ``path``, which appears whole; resumable, see :func:`make_file`.

    Parameters
    ----------
    path : Path
        ``.h5`` or ``.hdf5``: datasets ``frames`` (cells, 4, rows, columns; one chunk a cell), ``labels`` and
        ``class_names``; attributes ``simulated, seed, difficulty, optics`` (JSON), ``version`` and others.
        ``.tif`` or ``.tiff``: four consecutive pages a cell; the first page's description is a JSON object with
        ``labels, class_names`` and the same attributes.
    empty_field : bool
        Background frames instead: the same shading and noise, no cell, no labels.
    workers : int
        Processes; 1 simulates within this one.
    """
    if path.suffix.lower() not in HDF5_SUFFIXES + TIFF_SUFFIXES:
        raise InputError(f"{path}: simulated cells are written as .h5, .hdf5, .tif or .tiff")
    store = _write_hdf5 if path.suffix.lower() in HDF5_SUFFIXES else _write_tiff
    recipe = _CellFrames(cells, empty_field)
    make_file(recipe, path, partial(store, cells, not empty_field), workers)


@dataclass(frozen=True)
class _CellFrames:
    cells: SimulatedCells
    empty_field: bool

    @property
    def what(self) -> str:
        return "simulating cells"

    @property
    def count(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.cells.frame_shape

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return code_type(self.cells.acquisition)

    @property
    def request(self) -> dict[str, object]:
        return {**attributes(self.cells), "class_names": self.cells.class_names, "empty_field": self.empty_field}

    def make(self, indices: range) -> Frames:
        return np.stack([self.cells.empty_field(i) if self.empty_field else self.cells[i].frames for i in indices])


def attributes(cells: SimulatedCells) -> dict[str, str | int | float | bool]:
    """Return what a file says of its making; all of it but the number of cells decides what a cell looks like."""
    return {
        "simulated": True,
        "seed": cells.seed,
        "difficulty": cells.difficulty,
        "shaded": cells.shaded,
        "noisy": cells.noisy,
        "run": "one a cell" if cells.run is None else cells.run,
        "optics": json.dumps(asdict(cells.acquisition)),
        "version": version("cytogate"),
    }


def _write_hdf5(cells: SimulatedCells, labelled: bool, path: Path, frames: Iterable[Frames]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes(cells))
        if labelled:
            file["labels"] = cells.labels
            # Of fixed length: HDF5 can hang on a damaged heap of variable ones.
            file["class_names"] = np.array(cells.class_names, "S")
        shape = cells.frame_shape
        dataset = file.create_dataset("frames", (len(cells), *shape), code_type(cells.acquisition), chunks=(1, *shape))
        for number, cell in enumerate(frames):
            dataset[number] = cell


def _write_tiff(cells: SimulatedCells, labelled: bool, path: Path, frames: Iterable[Frames]) -> None:
    labels = {"class_names": cells.class_names, "labels": cells.labels.tolist()} if labelled else {}
    description = json.dumps(attributes(cells) | labels)
    size = len(cells) * math.prod(cells.frame_shape) * code_type(cells.acquisition).itemsize
    with tifffile.TiffWriter(path, bigtiff=size > CLASSIC_TIFF_BYTES) as file:
        for number, cell in enumerate(frames):
            for angle, page in enumerate(cell):
                first = number == angle == 0
                file.write(
                    page,
                    photometric="minisblack",
                    description=description if first else None,
                    metadata=None,
                    software="cytogate",
                )
