"""Network inputs of labelled cells in a file, read a batch at a time, and their split."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.errors import InputError
from cytogate.model.files.hdf5 import open_hdf5

SHARES = (0.76, 0.08, 0.16)
"""Training, validation and test cells (Meng 2017, section 3.1)."""


@dataclass(frozen=True)
class CellFile:
    """An HDF5 file of labelled network inputs, read a batch at a time.

    Datasets: ``network_input`` (cells, N, N, 5) unsigned 8 bit, best stored with one cell a chunk; ``labels`` (cells,)
    integers in the order of the network's class names.
    """

    path: Path
    labels: NDArray[np.int64]
    attributes: dict[str, int | float | str]
    """What the writer says about the cells: seed, source."""

    @staticmethod
    def of(path: Path, design: Design) -> CellFile:
        """Check the file at ``path`` against ``design`` and return it."""
        shape = (design.size, design.size, ANGLES + 1)
        classes = design.network.class_names
        with _opened(path) as file:
            for name in ("network_input", "labels"):
                if not isinstance(file.get(name), h5py.Dataset):
                    raise InputError(f"{path}: there is no dataset {name}; write it with `cytogate simulate`")
            inputs, labels = file["network_input"], file["labels"]
            if inputs.dtype != np.uint8 or inputs.shape[1:] != shape:
                raise InputError(
                    f"{path}: network_input is {inputs.dtype} {inputs.shape}; design {design.name} takes uint8 "
                    f"(cells, {', '.join(map(str, shape))})"
                )
            if labels.dtype.kind not in "iu" or labels.shape != inputs.shape[:1]:
                raise InputError(f"{path}: labels are {labels.dtype} {labels.shape}; one integer a cell is needed")
            given = np.asarray(labels[:], np.int64)
            attributes = {key: _plain(value) for key, value in file.attrs.items() if np.ndim(value) == 0}
        outside = np.flatnonzero((given < 0) | (given >= len(classes)))
        if len(outside):
            raise InputError(
                f"{path}: cell {outside[0]} has label {given[outside[0]]}; classes are 0 to {len(classes) - 1}"
            )
        return CellFile(path, given, attributes)

    def read(self, cells: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the inputs (len(cells), N, N, 5) of some cells, in the order asked for."""
        with _opened(self.path) as file:
            stored = file["network_input"]
            # One by one: a selection of scattered cells takes the HDF5 library eighty times as long.
            return np.stack([stored[cell] for cell in cells])

    def batches(self, cells: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Give inputs and labels of ``cells``, at most ``size`` at a time and evenly."""
        for part in np.array_split(cells, math.ceil(len(cells) / size)):
            yield self.read(part), self.labels[part]


@dataclass(frozen=True)
class Split:
    """Indices of the cells to train on, to select on, and to report on once."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    @staticmethod
    def of(labels: NDArray[np.int64], seed: int) -> Split:
        """Split every class 76/8/16 at random."""
        rng = np.random.default_rng(seed)
        parts: list[list[NDArray[np.int64]]] = [[], [], []]
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            ends = np.rint(np.cumsum(SHARES[:2]) * len(members)).astype(int)
            for part, chosen in zip(parts, np.split(members, ends), strict=True):
                part.append(chosen)
        split = Split(*(np.sort(np.concatenate(part)) for part in parts))
        if min(map(len, (split.training, split.validation, split.test))) == 0:
            raise InputError(
                f"{len(labels)} cells are too few to split {SHARES[0]:.0%} / {SHARES[1]:.0%} / {SHARES[2]:.0%}"
            )
        return split


def _opened(path: Path) -> h5py.File:
    try:
        return open_hdf5(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5: {error}") from error


def _plain(value: object) -> int | float | str:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]
