"""Cells of a map of path delay: where each lies, whether it is whole and alone, and the window about it.

A cell is a connected region, corners included, of a path delay from ``threshold_nm`` on, its holes filled. Cells are in
the order in which a scan row by row meets them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis.placing import Placing

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

LEAST_ROUNDNESS = 0.97
"""Area over that of the ellipse with the same second moments: 1 for an ellipse, .894 for two disks that touch."""
LEAST_SOLIDITY = 0.95
"""Area over that of the convex hull: .88 for two disks that touch. By both, none of 200 simulated cells counts as
several, of 100 pairs each at 1, .9, .8 and .7 times the sum of their radii all, all, 96 and 45."""


@dataclass(frozen=True, eq=False)
class MapCell:
    """One cell of a map."""

    rows: slice
    """Of the map, those of the cell; so are ``columns``."""
    columns: slice
    mask: Masks
    """Within these rows and columns, its holes filled."""
    center: tuple[float, float]
    """Row and column of the mask's centroid on the map."""
    is_clipped: bool
    """Whether it reaches the edge of what is believed: its values are of a part of it."""
    is_several: bool
    """Whether its outline is not that of one cell: several that touch or overlap."""

    def part(self, values: NDArray) -> NDArray:
        """Return the cell's rows and columns of a map."""
        return values[self.rows, self.columns]


def find_cells(opd: Floats, design: Design) -> list[MapCell]:
    """Return the cells of a map of path delay (M, M) in nanometres."""
    instrument, believed = design.off_axis, Placing.of(design).believed
    least = max(1, math.ceil(instrument.least_area_um2 / math.prod(design.pixel_um)))
    regions, count = ndimage.label(opd >= instrument.threshold_nm, np.ones((3, 3)))
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(regions, count), start=1):
        mask = ndimage.binary_fill_holes(regions[rows, columns] == number)
        if np.count_nonzero(mask) < least:
            continue
        y, x = ndimage.center_of_mass(mask)
        clipped = any(
            part.start <= whole.start or part.stop >= whole.stop
            for part, whole in zip((rows, columns), believed, strict=True)
        )
        center = float(y) + rows.start, float(x) + columns.start
        found.append(MapCell(rows, columns, mask, center, clipped, is_several(mask)))
    return found


def is_several(mask: Masks) -> bool:
    """Tell whether a region (rows, columns) is more than one cell, by its area beside its moments and its hull."""
    from skimage import measure

    (region,) = measure.regionprops(mask.astype(np.uint8))
    ellipse = math.pi / 4 * region.axis_major_length * region.axis_minor_length
    return bool(region.area < LEAST_ROUNDNESS * ellipse or region.solidity < LEAST_SOLIDITY)


def window_of(values: NDArray, cell: MapCell, side: int) -> NDArray:
    """Return the square (side, side) of a map about a cell's center, 0 beyond the map.

    The center lies on the pixel ``side / 2``, rounded half up.
    """
    top, left = (math.floor(place + 0.5) - side // 2 for place in cell.center)
    square = np.zeros((side, side), values.dtype)
    rows, columns = values.shape
    part = values[max(0, top) : max(0, min(rows, top + side)), max(0, left) : max(0, min(columns, left + side))]
    first = max(0, -top), max(0, -left)
    square[first[0] : first[0] + part.shape[0], first[1] : first[1] + part.shape[1]] = part
    return square
