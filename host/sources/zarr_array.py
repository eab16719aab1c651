"""Zarr, versions 2 and 3: an array, or the array ``frames`` of a group."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.zarr_codecs import check_codecs

MAX_CHUNK_BYTES = 1 << 28
"""A chunk is read as a whole, whatever little of it is asked for."""


class ZarrArray:
    """An array as a :class:`cytogate.model.files.containers.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        node = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Group):
            if "frames" not in node:
                raise InputError(f"{path}: holds no array named frames, but {', '.join(node) or 'nothing'}")
            node = node["frames"]
        self._array = self._checked(node)
        self.shape: tuple[int, ...] = self._array.shape
        self.dtype = np.dtype(self._array.dtype)

    def read(self, start: int, stop: int) -> NDArray:
        """Return cells as they are stored; a chunk that is missing reads as the fill value, as Zarr has it."""
        return np.asarray(self._array[start:stop])

    def member(self, name: str) -> None:
        """Labels are not looked for."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _checked(self, array: Any) -> zarr.Array:
        if not isinstance(array, zarr.Array):
            raise InputError(f"{self._path}: frames is a group; an array (cells, 4, rows, columns) is needed")
        if array.dtype.kind not in "ui":
            raise InputError(f"{self._path}: {array.name} is {array.dtype}; codes are stored as uint8 or uint16")
        check_codecs(array.metadata.to_dict(), self._path)
        size = math.prod(array.shards or array.chunks) * array.dtype.itemsize
        if size > MAX_CHUNK_BYTES:
            raise InputError(
                f"{self._path}: chunks of {size} bytes; {MAX_CHUNK_BYTES} are the most that is read at once"
            )
        return array
