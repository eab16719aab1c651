"""Simulated data sets as files: of frames, HDF5 or TIFF; or of network inputs, as the device computes them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import CAUSAL, KNOWN, Design
from cytogate.model.design.instruments import ANGLES, check_names
from cytogate.model.errors import InputError
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.recursion.reference import surfaces_of_light
from cytogate.model.simulation.fast import fast_sums
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.optics import code_type
from cytogate.model.simulation.simulator import SimulatedCells

Frames = NDArray[np.unsignedinteger]

HDF5_SUFFIXES = (".h5", ".hdf5")
TIFF_SUFFIXES = (".tif", ".tiff")

CLASSIC_TIFF_BYTES = 3_900_000_000
"""Pixels beyond this need BigTIFF: 32-bit offsets end at 4 GiB, headers included."""


def write_cells(
    cells: SimulatedCells,
    path: Path,
    *,
    class_names: tuple[str, ...] | None = None,
    empty_field: bool = False,
    workers: int = 2,
) -> None:
    """Simulate all of ``cells`` into the file ``path``, which appears whole; resumable, see :func:`make_file`.

    Parameters
    ----------
    path : Path
        ``.h5`` or ``.hdf5``: datasets ``frames`` (cells, 4, rows, columns; one chunk a cell), ``labels`` and
        ``class_names``; attributes ``simulated, seed, difficulty, optics`` (JSON), ``version`` and others.
        ``.tif`` or ``.tiff``: four consecutive pages a cell; the first page's description is a JSON object with
        ``labels, class_names`` and the same attributes.
    class_names : tuple of str
        What the file calls the classes, in the order of the simulated lines; None: as the lines are called.
    empty_field : bool
        Background frames instead: the same shading and noise, no cell, no labels.
    workers : int
        Processes; 1 simulates within this one.
    """
    if path.suffix.lower() not in HDF5_SUFFIXES + TIFF_SUFFIXES:
        raise InputError(f"{path}: simulated cells are written as .h5, .hdf5, .tif or .tiff")
    names = cells.class_names if class_names is None else class_names
    check_names("class_names", names)
    if len(names) != len(cells.class_names):
        raise InputError(f"{len(names)} names for {len(cells.class_names)} simulated lines")
    store = _write_frames if path.suffix.lower() in HDF5_SUFFIXES else _write_tiff
    recipe = _CellFrames(cells, names, empty_field)
    make_file(recipe, path, partial(store, cells, None if empty_field else names), workers)


@dataclass(frozen=True)
class _CellFrames:
    cells: SimulatedCells
    class_names: tuple[str, ...]
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
        names = {"lines": self.cells.class_names, "class_names": self.class_names}
        return {**attributes(self.cells), **names, "empty_field": self.empty_field}

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
        "run": _told_runs(cells),
        "optics": json.dumps(asdict(cells.acquisition)),
        "version": version("cytogate"),
    }


def _told_runs(cells: SimulatedCells) -> str | int:
    if cells.runs is not None:
        return f"one of {cells.runs}"
    return "one a cell" if cells.run is None else cells.run


def write_hdf5(
    path: Path,
    dataset: str,
    items: Iterable[NDArray[np.unsignedinteger]],
    shape: tuple[int, ...],
    dtype: np.dtype[np.unsignedinteger],
    *,
    attributes: Mapping[str, object],
    labels: NDArray[np.int64] | None = None,
    class_names: tuple[str, ...] = (),
) -> None:
    """Write ``items`` into a dataset of ``shape`` (items, ...), one a chunk, and labels with their names, if any."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        if labels is not None:
            file["labels"] = labels
            # Of fixed length: HDF5 can hang on a damaged heap of variable ones.
            file["class_names"] = np.array(class_names, "S")
        stored = file.create_dataset(dataset, shape, dtype, chunks=(1, *shape[1:]))
        for number, item in enumerate(items):
            stored[number] = item


def _write_frames(
    cells: SimulatedCells, class_names: tuple[str, ...] | None, path: Path, frames: Iterable[Frames]
) -> None:
    shape, dtype = (len(cells), *cells.frame_shape), code_type(cells.acquisition)
    labels = None if class_names is None else cells.labels
    write_hdf5(
        path, "frames", frames, shape, dtype,
        attributes=attributes(cells), labels=labels, class_names=class_names or (),
    )  # fmt: skip


def _write_tiff(
    cells: SimulatedCells, class_names: tuple[str, ...] | None, path: Path, frames: Iterable[Frames]
) -> None:
    labels = {} if class_names is None else {"class_names": class_names, "labels": cells.labels.tolist()}
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


def write_network_inputs(
    cells: SimulatedCells,
    design: Design,
    path: Path,
    *,
    background_only: bool = False,
    fast: NDArray[np.int64] | None = None,
    workers: int = 2,
) -> None:
    """Write the network inputs of ``cells`` into the HDF5 file ``path``, which appears whole; resumable.

    Datasets ``network_input`` (cells, N, N, 5) uint8, one chunk a cell, and ``labels``.

    Parameters
    ----------
    background_only
        Hide the cells: within the circle that the retrieval's window holds, raw frames are those of the empty field of
        the same shading and noise. What a network learns from these is not about cells.
    fast
        Numbers of the cells that are made by :func:`~cytogate.model.simulation.fast.fast_sums`: to train on, never to
        test on.
    """
    recipe = _NetworkInputs(cells, design, background_only, frozenset(() if fast is None else fast.tolist()))
    make_file(recipe, path, recipe.store, workers)


@dataclass(frozen=True)
class _NetworkInputs:
    cells: SimulatedCells
    design: Design
    background_only: bool
    fast: frozenset[int]

    @property
    def what(self) -> str:
        return "backgrounds, retrieved" if self.background_only else "simulated cells, retrieved"

    @property
    def count(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.design.size, self.design.size, ANGLES + 1

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return np.dtype(np.uint8)

    @property
    def request(self) -> dict[str, object]:
        return {
            **attributes(self.cells),
            "class_names": self.cells.class_names,
            "design": self.design.name,
            "size": self.design.size,
            "binning": self.design.binning,
            "retrieval": self.design.chip.retrieval,
            **({"surface": "known"} if self._is_known else {}),
            "background_only": self.background_only,
            "fast": hashlib.sha256(repr(sorted(self.fast)).encode()).hexdigest()[:12] if self.fast else "none",
        }

    def make(self, indices: range) -> NDArray[np.uint8]:
        made = np.empty((len(indices), *self.shape), np.uint8)
        is_fast = np.array([index in self.fast for index in indices])
        chosen = np.array(indices)
        if is_fast.any():
            sums = [fast_sums(self.cells, int(index), self.design) for index in chosen[is_fast]]
            made[is_fast] = laws.inputs_of_sums(np.stack(sums), self.design, self._surfaces(chosen[is_fast]))
        if not is_fast.all():
            frames = np.stack([self._frames(int(index)) for index in chosen[~is_fast]])
            surfaces = self._surfaces(chosen[~is_fast])
            if surfaces is None:
                made[~is_fast] = laws.network_inputs(frames, self.design)
            else:
                exact = bin_codes(frames, self.design).astype(np.int32)
                made[~is_fast] = laws.inputs_of_sums(exact, self.design, surfaces)
        return made

    def _surfaces(self, indices: NDArray[np.intp]) -> Codes | None:
        """Return what a settled or calibrated chip knows of the light of each cell, (cells, 6, 2); None: nothing.

        The simulated light is not the instrument's: a design's calibration says that its surface is known, not which.
        """
        if self.design.chip.retrieval != CAUSAL and not self._is_known:
            return None
        light = np.stack([self.cells.brightness(int(index)) for index in indices])
        return surfaces_of_light(light / self.cells.acquisition.full_scale, self.design)

    @property
    def _is_known(self) -> bool:
        """Whether the chip knows a surface of empty fields, which lets each frame choose its half."""
        return self.design.chip.surface == KNOWN and self.design.background is not None

    def _frames(self, index: int) -> NDArray[np.unsignedinteger]:
        frames = self.cells[index].frames
        if not self.background_only:
            return frames
        return np.where(_window_circle(self.design), self.cells.empty_field(index), frames)

    def store(self, path: Path, items: Iterable[Frames]) -> None:
        """Write the file."""
        told = {key: value for key, value in self.request.items() if key != "class_names"}
        shape, cells = (self.count, *self.shape), self.cells
        write_hdf5(
            path, "network_input", items, shape, self.dtype,
            attributes=told, labels=cells.labels, class_names=cells.class_names,
        )  # fmt: skip


def _window_circle(design: Design) -> NDArray[np.bool_]:
    """Return the circle inscribed in the retrieval's window on raw frames: (rows, columns)."""
    (top, left), window = design.crop, design.size * design.binning
    middle = (window - 1) / 2
    y = np.arange(design.camera.rows)[:, None] - top - middle
    x = np.arange(design.camera.columns)[None, :] - left - middle
    return np.asarray(x**2 + y**2 <= (window / 2) ** 2)
