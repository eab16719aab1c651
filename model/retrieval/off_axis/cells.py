"""Cells of a map of path delay, by the law of :mod:`cytogate.model.contract.off_axis`, stages *found* to *region*.

It begins with which pixels are marked, so that the float64 reference and the integer model share it: they differ by
what they mark. A region's features are taken with its holes filled, which the law does not need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.off_axis import (
    CENTER,
    MOST_BEGINNINGS,
    MOST_CELLS,
    ROUNDNESS,
    ROUNDNESS_BITS,
    Flag,
    least_area,
)
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis.placing import Placing

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MapCell:
    """One cell of a map."""

    rows: slice
    """Of the map, those of the cell; so are ``columns``."""
    columns: slice
    mask: Masks
    """Within these rows and columns, its holes filled."""
    area: int
    """Pixels that are marked."""
    center: tuple[float, float]
    """Row and column of their centroid on the map; of the law's a multiple of 1/16."""
    is_clipped: bool
    """Whether it reaches the edge of what is believed: its values are of a part of it."""
    is_several: bool
    """Whether its outline is not that of one cell: several that touch or overlap."""

    def part(self, values: NDArray) -> NDArray:
        """Return the cell's rows and columns of a map."""
        return values[self.rows, self.columns]

    @property
    def flags(self) -> int:
        """Both flags as the contract numbers them."""
        return Flag.CLIPPED * self.is_clipped | Flag.SEVERAL * self.is_several


@dataclass(frozen=True, eq=False)
class FieldCells:
    """What was found in a field."""

    cells: list[MapCell]
    """In the order in which a scan row by row meets them; none of a crowded field."""
    is_crowded: bool
    """Whether there are more regions, or cells, than the law follows."""

    @property
    def found(self) -> Codes:
        """Codes of the stage *found*, (2,)."""
        return np.array([len(self.cells), self.is_crowded], np.int64)

    @property
    def centers(self) -> Codes:
        """Codes of the stage *center*, (cells, 2)."""
        return CENTER.encode(np.array([cell.center for cell in self.cells]).reshape(-1, 2))

    @property
    def regions(self) -> Codes:
        """Codes of the stage *region*, (cells, 2)."""
        return np.array([(cell.area, cell.flags) for cell in self.cells], np.int64).reshape(-1, 2)


def find_cells(marked: Masks, design: Design) -> FieldCells:
    """Return the cells of a map (M, M) of which pixels of a path delay from the threshold on are marked."""
    if beginnings(marked) > MOST_BEGINNINGS:
        return FieldCells([], is_crowded=True)
    least = least_area(design)
    regions, count = ndimage.label(marked, np.ones((3, 3)))
    areas = np.bincount(regions.ravel(), minlength=count + 1)
    boxes = ndimage.find_objects(regions, count)
    large = [number for number in range(1, count + 1) if areas[number] >= least]
    if len(large) > MOST_CELLS:
        return FieldCells([], is_crowded=True)
    believed = Placing.of(design).believed
    return FieldCells([_cell(boxes[number - 1], regions, number, believed) for number in large], is_crowded=False)


def beginnings(marked: Masks) -> int:
    """Return the number of runs, marked pixels side by side in a row, that touch none of the row above."""
    # Every run's pixels have one number, row after row; a run begins a region if nothing above touches its pixels.
    before = np.pad(marked, ((0, 0), (1, 0)))[:, :-1]
    runs = np.cumsum(marked & ~before)
    above = np.pad(marked, ((1, 0), (1, 1)))[:-1]
    touched = above[:, :-2] | above[:, 1:-1] | above[:, 2:]
    numbers = runs.reshape(marked.shape)
    return int(numbers[-1, -1]) - len(np.unique(numbers[marked & touched]))


def is_several(mask: Masks) -> bool:
    """Tell whether a region (rows, columns) is more than one cell: its area is small for its second moments.

    The ellipse with the same second moments has as large an area as an ellipse, and 1 / .894 of that of two disks that
    touch. Each pixel is a square, whose own moment is 1/12.
    """
    y, x = np.nonzero(mask)
    area, sum_y, sum_x = len(y), int(y.sum()), int(x.sum())
    # Of Python's integers: of a large region they exceed 64 bits.
    across_y = 12 * (area * int(y @ y) - sum_y**2) + area**2
    across_x = 12 * (area * int(x @ x) - sum_x**2) + area**2
    mixed = 12 * (area * int(y @ x) - sum_y * sum_x)
    return area**6 << ROUNDNESS_BITS < ROUNDNESS * (across_y * across_x - mixed**2)


def window_of(values: NDArray, center: tuple[float, float], side: int) -> NDArray:
    """Return the square (side, side) of a map about a cell's center (row, column), 0 beyond the map.

    The center lies on the pixel ``side / 2``, rounded half up.
    """
    top, left = (math.floor(place + 0.5) - side // 2 for place in center)
    square = np.zeros((side, side), values.dtype)
    rows, columns = values.shape
    part = values[max(0, top) : max(0, min(rows, top + side)), max(0, left) : max(0, min(columns, left + side))]
    first = max(0, -top), max(0, -left)
    square[first[0] : first[0] + part.shape[0], first[1] : first[1] + part.shape[1]] = part
    return square


def _cell(box: tuple[slice, slice], regions: NDArray, number: int, believed: tuple[slice, slice]) -> MapCell:
    own = regions[box] == number
    area = int(np.count_nonzero(own))
    sums = (int(places.sum()) + part.start * area for places, part in zip(np.nonzero(own), box, strict=True))
    row, column = (CENTER.step * (((total << CENTER.fraction_bits + 1) + area) // (2 * area)) for total in sums)
    clipped = any(
        part.start <= whole.start or part.stop >= whole.stop for part, whole in zip(box, believed, strict=True)
    )
    return MapCell(*box, ndimage.binary_fill_holes(own), area, (row, column), clipped, is_several(own))
