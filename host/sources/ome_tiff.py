"""OME-TIFF: the four angles as channels, in whatever order the file has its axes.

Of the axes that OME knows, C must be the four angles +x, -x, +y, -y and one of T and Z the cells.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.containers import reading

CELL_AXES = "TZ"


def is_ome_tiff(path: Path) -> bool:
    """Return whether the file is a TIFF that describes itself in OME-XML; False for whatever cannot be read."""
    try:
        with reading(path), tifffile.TiffFile(path, _multifile=False) as file:
            return file.is_ome
    except InputError:
        return False


class OmeTiff:
    """An OME-TIFF as a :class:`cytogate.model.files.containers.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Not several files: the XML of one may name any other on this machine.
        self._file = tifffile.TiffFile(path, _multifile=False)
        try:
            series = self._file.series[0]
            axes = dict(zip(series.axes, series.shape, strict=True))
            rows, columns = axes.pop("Y", 0), axes.pop("X", 0)
            many = [axis for axis in axes if axis in CELL_AXES and axes[axis] > 1] or [
                a for a in axes if a in CELL_AXES
            ]
            rest = {axis: length for axis, length in axes.items() if axis != "C" and axis not in many[:1]}
            if axes.get("C") != 4 or len(many) > 1 or any(length != 1 for length in rest.values()):
                raise InputError(
                    f"{path}: axes {series.axes} of shape {series.shape} are not the four angles as C and the cells as "
                    "T or Z"
                )
            self._angle_axis = series.axes.index("C")
            self._cell_axis = series.axes.index(many[0]) if many else None
            # Without the two axes of a page.
            self._order = series.shape[:-2]
            if series.axes[-2:] != "YX" or len(series.pages) != int(np.prod(self._order)):
                raise InputError(f"{path}: axes {series.axes} of shape {series.shape} are not one frame a page")
            self._pages = series.pages
            cells = 1 if self._cell_axis is None else series.shape[self._cell_axis]
            self.shape: tuple[int, ...] = (cells, 4, rows, columns)
            self.dtype = np.dtype(series.dtype)
        except BaseException:
            self._file.close()
            raise

    def read(self, start: int, stop: int) -> NDArray:
        """Return cells as they are stored."""
        frames = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for number in range(start, stop):
            for angle in range(4):
                frames[number - start, angle] = self._page(number, angle).asarray()
        return frames

    def member(self, name: str) -> None:
        """There are no labels in an OME-TIFF."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _page(self, cell: int, angle: int) -> tifffile.TiffPage:
        place = [0] * len(self._order)
        place[self._angle_axis] = angle
        if self._cell_axis is not None:
            place[self._cell_axis] = cell
        number = int(np.ravel_multi_index(place, self._order))
        page = self._pages[number]
        if page is None:
            raise InputError(f"{self._path}: the page of cell {cell}, channel {angle} is missing")
        page = page.aspage()
        size = self._file.filehandle.size
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if page.shape != self.shape[2:] or page.dtype != self.dtype or not ends or max(ends) > size:
            raise InputError(f"{self._path}: the page of cell {cell}, channel {angle} is cut off or unlike the first")
        return page
