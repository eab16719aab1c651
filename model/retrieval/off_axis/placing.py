"""A hologram of any size on the square that is transformed, and the part of the map that it fills.

Along each axis a frame of more pixels than the transform is cropped to the central ones, the one before the middle
where the difference is odd; a frame of fewer is padded as evenly with its own mean, which leaves the spectrum away from
frequency zero as it is. A map's pixels within :data:`EDGE` of the frame's edge are not believed: a transform joins
opposite edges, and the disk's ripples reach about so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design

EDGE = 4
"""Pixels of the map at the frame's edge that hold no path delay."""


@dataclass(frozen=True)
class Placing:
    """Where a frame lies on the transform's square."""

    size: int
    """N, rows and columns of the square."""
    rows: int
    """Of a frame; so are ``columns``."""
    columns: int
    binning: int
    """Pixels of the hologram along an axis for one of the map."""

    @staticmethod
    def of(design: Design) -> Placing:
        """Return that of a design."""
        instrument = design.off_axis
        return Placing(instrument.hologram_size, instrument.rows, instrument.columns, design.binning)

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the frame's first pixel on the square; negative where the frame is cropped."""
        return _first(self.rows, self.size), _first(self.columns, self.size)

    @property
    def believed(self) -> tuple[slice, slice]:
        """Rows and columns of the map that are believed."""
        top, left = self.corner
        return self._within(top, self.rows), self._within(left, self.columns)

    def place(self, frame: NDArray, padding: float) -> NDArray:
        """Return the square (N, N) of a frame (rows, columns), with ``padding`` beyond its edges; the frame's type."""
        square = np.full((self.size, self.size), padding, frame.dtype)
        (top, left), (rows, columns) = self.corner, frame.shape
        part = frame[max(0, -top) : max(0, -top) + self.size, max(0, -left) : max(0, -left) + self.size]
        square[max(0, top) : max(0, top) + rows, max(0, left) : max(0, left) + columns] = part
        return square

    def _within(self, first: int, count: int) -> slice:
        begin, end = max(0, first), min(self.size, first + count)
        return slice(-(-begin // self.binning) + EDGE, end // self.binning - EDGE)


def _first(count: int, size: int) -> int:
    return (size - count) // 2 if count <= size else -((count - size) // 2)
