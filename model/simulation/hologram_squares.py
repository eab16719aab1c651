"""Squares cut out of maps of path delay, with labels: a hologram gives several, and files of them.

While such a file is made, an item is a hologram: as many squares as it may have cells, each with its label behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.cells import MapCell, window_of
from cytogate.model.retrieval.off_axis.placing import Placing

WITHIN_UM = 2.0
"""A cell that is found lies within this of a known one, or is not it."""
NO_CELL = 255
"""Stands for the label where a field has fewer cells than an item has room for."""


def on_map(center: tuple[float, float], design: Design) -> tuple[float, float]:
    """Return the place on the map of a row and column of the hologram."""
    (top, left), binning = Placing.of(design).corner, design.binning
    return (center[0] + top) / binning, (center[1] + left) / binning


def named_by_place(
    found: Sequence[MapCell], centers: Iterable[tuple[float, float]], labels: Iterable[int], design: Design
) -> list[int | None]:
    """Return the label of each cell that was found; None where no known cell is, or another was nearer.

    A known cell has one that is found, the nearest within :data:`WITHIN_UM`; ``centers`` are rows and columns of the
    hologram.
    """
    names: list[int | None] = [None] * len(found)
    best_um = [WITHIN_UM] * len(found)
    for label, center in zip(labels, centers, strict=True):
        place = on_map(center, design)
        apart_um = [math.dist(place, cell.center) * design.pixel_um[0] for cell in found]
        nearest = int(np.argmin(apart_um)) if apart_um else None
        if nearest is not None and apart_um[nearest] <= best_um[nearest]:
            names[nearest], best_um[nearest] = label, apart_um[nearest]
    return names


def item_shape(cells: int, design: Design) -> tuple[int, int]:
    """Return the shape of an item of a field with so many cells at most."""
    return cells, design.window.rows * design.window.columns + 1


def squares_of(
    opd: Codes, found: Sequence[MapCell], names: Sequence[int | None], design: Design, cells: int
) -> NDArray[np.uint8]:
    """Return the item of a field: of each named cell that is whole and alone its square of ``opd``, and its label."""
    item, place = np.full(item_shape(cells, design), NO_CELL, np.uint8), 0
    for cell, label in zip(found, names, strict=True):
        if label is not None and not cell.flags:
            square = integer.network_codes(window_of(opd, cell.center, design.window.rows))
            item[place] = [*square.ravel(), label]
            place += 1
    return item


def store_squares(
    path: Path, items: Iterable[NDArray[np.unsignedinteger]], side: int, attributes: Mapping[str, object]
) -> None:
    """Write the HDF5 file ``path`` of the squares of all items.

    Datasets ``network_input`` (cells, side, side, 1) uint8, one chunk a cell, ``labels`` and ``field``, the number of
    the item.
    """
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        inputs = file.create_dataset(
            "network_input", (0, side, side, 1), np.uint8, maxshape=(None, side, side, 1), chunks=(1, side, side, 1)
        )
        labels: list[int] = []
        fields: list[int] = []
        for index, item in enumerate(items):
            own = item[item[:, -1] != NO_CELL]
            inputs.resize(len(labels) + len(own), axis=0)
            inputs[len(labels) :] = own[:, :-1].reshape(-1, side, side, 1)
            labels += own[:, -1].tolist()
            fields += [index] * len(own)
        file["labels"], file["field"] = np.array(labels, np.int64), np.array(fields, np.int64)


def fields_of(path: Path) -> NDArray[np.int64]:
    """Return the number of the hologram that each cell of a file of squares lies on, (cells,)."""
    with h5py.File(path) as file:
        return np.asarray(file["field"][:], np.int64)
