"""A file of every stage's arrays (NPZ), written cell by cell and never held in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import temporary_folder, whole_file
from cytogate.sim.csim.chain import CellRecord


class StagesWriter:
    """Collects cells; see :func:`stages_file`."""

    def __init__(self, folder: Path, cells: int) -> None:
        self._folder = folder
        self._cells = cells
        self._arrays: dict[str, NDArray] = {}

    def write(self, record: CellRecord) -> None:
        """Add one cell, at the place of its index."""
        for name, values in record.reference.items():
            self._put(name, record.index, values)
        for name, values in record.fixed.items():
            self._put(f"{name}_fixed", record.index, values)
        for name, values in record.code.items():
            self._put(f"{name}_code", record.index, values.astype(np.int32))

    def _put(self, name: str, index: int, values: NDArray) -> None:
        if name not in self._arrays:
            self._arrays[name] = np.lib.format.open_memmap(
                self._folder / f"{name}.npy", mode="w+", dtype=values.dtype, shape=(self._cells, *values.shape)
            )
        self._arrays[name][index] = values


@contextmanager
def stages_file(path: Path, cells: int) -> Iterator[StagesWriter]:
    """Give a writer for the stages of ``cells`` cells; the NPZ at ``path`` appears when all is written.

    Arrays are named as in the contract: ``NAME`` float64 reference, ``NAME_fixed`` value and ``NAME_code`` integer of
    the fixed-point chain, each with a leading axis of cells.
    """
    with whole_file(path) as partial, temporary_folder(path.parent) as folder:
        writer = StagesWriter(folder, cells)
        yield writer
        writer._arrays.clear()
        with zipfile.ZipFile(partial, "w", allowZip64=True) as archive:
            for array in sorted(folder.glob("*.npy")):
                archive.write(array, array.name)
