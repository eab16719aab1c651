"""Network inputs of simulated cells as a file: raw frames, then the integer retrieval, as the device computes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.retrieval import integer
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import attributes


def write_network_inputs(
    cells: SimulatedCells, design: Design, path: Path, *, background_only: bool = False, workers: int = 2
) -> None:
    """Write the network inputs of ``cells`` into the HDF5 file ``path``, which appears whole; resumable.

    Datasets ``network_input`` (cells, N, N, 5) uint8, one chunk a cell, and ``labels``.

    Parameters
    ----------
    background_only
        Hide the cells: within the circle that the retrieval's window holds, raw frames are those of the empty field of
        the same shading and noise. What a network learns from these is not about cells.
    """
    recipe = _NetworkInputs(cells, design, background_only)
    make_file(recipe, path, partial(_store, recipe), workers)


@dataclass(frozen=True)
class _NetworkInputs:
    cells: SimulatedCells
    design: Design
    background_only: bool

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
            "background_only": self.background_only,
        }

    def make(self, indices: range) -> NDArray[np.uint8]:
        return integer.network_inputs(np.stack([self._frames(index) for index in indices]), self.design)

    def _frames(self, index: int) -> NDArray[np.unsignedinteger]:
        frames = self.cells[index].frames
        if not self.background_only:
            return frames
        return np.where(_window_circle(self.design), self.cells.empty_field(index), frames)


def _window_circle(design: Design) -> NDArray[np.bool_]:
    """Return the circle inscribed in the retrieval's window on raw frames: (rows, columns)."""
    (top, left), window = design.crop, design.size * design.binning
    middle = (window - 1) / 2
    y = np.arange(design.camera.rows)[:, None] - top - middle
    x = np.arange(design.camera.columns)[None, :] - left - middle
    return np.asarray(x**2 + y**2 <= (window / 2) ** 2)


def _store(recipe: _NetworkInputs, path: Path, items: Iterable[NDArray[np.unsignedinteger]]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update({key: value for key, value in recipe.request.items() if key != "class_names"})
        file["labels"] = recipe.cells.labels
        # Of fixed length: HDF5 can hang on a damaged heap of variable ones.
        file["class_names"] = np.array(recipe.cells.class_names, "S")
        dataset = file.create_dataset(
            "network_input", (recipe.count, *recipe.shape), np.uint8, chunks=(1, *recipe.shape)
        )
        for number, item in enumerate(items):
            dataset[number] = item
