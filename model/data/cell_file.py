"""Network inputs of labelled cells in a file, read a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.container import reading
from cytogate.model.files.hdf5 import open_hdf5


@dataclass(frozen=True)
class CellFile:
    """An HDF5 file of labelled network inputs, read a batch at a time.

    Datasets: ``network_input`` (cells, rows, columns, channels) codes of 8 bits, unsigned or signed as the contract has
    them, best stored with one cell a chunk; ``labels`` (cells,) integers in the order of the network's class names.
    """

    path: Path
    labels: NDArray[np.int64]
    attributes: dict[str, int | float | str]
    """What the writer says about the cells: seed, source."""

    @staticmethod
    def of(path: Path, design: Design) -> CellFile:
        """Check the file at ``path`` against ``design`` and return it."""
        stage = contract(design).stage("network_input")
        shape, kind = stage.shape, np.dtype(np.int8 if stage.format.signed else np.uint8)
        classes = design.network.class_names
        with _opened(path) as file, reading(path):
            for name in ("network_input", "labels"):
                if not isinstance(file.get(name), h5py.Dataset):
                    raise InputError(f"{path}: there is no dataset {name}; write it with `cytogate simulate`")
            inputs, labels = file["network_input"], file["labels"]
            if inputs.dtype != kind or inputs.shape[1:] != shape:
                raise InputError(
                    f"{path}: network_input is {inputs.dtype} {inputs.shape}; design {design.name} takes {kind} "
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

    def read(self, cells: NDArray[np.int64]) -> NDArray[np.integer]:
        """Return the inputs (len(cells), rows, columns, channels) of some cells, in the order asked for."""
        with _opened(self.path) as file, reading(self.path):
            stored = file["network_input"]
            # One by one: a selection of scattered cells takes the HDF5 library eighty times as long.
            return np.stack([stored[cell] for cell in cells])

    def batches(self, cells: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray[np.integer], NDArray[np.int64]]]:
        """Give inputs and labels of ``cells``, at most ``size`` at a time and evenly."""
        for part in np.array_split(cells, math.ceil(len(cells) / size)):
            yield self.read(part), self.labels[part]

    def rewritten(self, path: Path, change: Callable[[NDArray[np.integer], int], NDArray[np.integer]]) -> None:
        """Write a file of the same labels to ``path`` whose inputs ``change`` has altered.

        ``change`` gets inputs (cells, rows, columns, channels) and the number of the first, a part of the file at a
        time.
        """
        with _opened(self.path) as old, h5py.File(path, "w") as new:
            new.attrs.update(old.attrs)
            new["labels"] = self.labels
            stored = old["network_input"]
            dataset = new.create_dataset("network_input", stored.shape, stored.dtype, chunks=(1, *stored.shape[1:]))
            for start in range(0, len(stored), PART):
                with reading(self.path):
                    given = stored[start : start + PART]
                dataset[start : start + PART] = change(given, start)


PART = 256
"""Cells that are rewritten at a time."""


def _opened(path: Path) -> h5py.File:
    try:
        return open_hdf5(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5: {error}") from error


def _plain(value: object) -> int | float | str:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]
