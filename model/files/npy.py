"""NPY: one array as ``numpy.save`` writes it, and the members of an NPZ, read in parts and in either order.

A file is read and not mapped into memory: a map of a file that another program cuts short ends the process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import check_part

MAGIC = b"\x93NUMPY"
GATHERED_BYTES = 1 << 27
"""Of an array whose first axis is the fastest, so much is gathered at once: each time all of it is passed through."""
PASSED_BYTES = 1 << 24
"""And so much is passed through at a time."""


class NpyFile:
    """An NPY as a :class:`~cytogate.model.files.container.Container` of one array."""

    names: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = {}

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("rb")
        try:
            header = read_header(self._stream, f"{path}: the array")
            held = path.stat().st_size - self._stream.tell()
            if header.declared != held:
                raise InputError(
                    f"{path}: the array declares {header.declared} bytes, of which the file holds {held}; it is "
                    f"{'truncated' if held < header.declared else 'several arrays in one file: store one, or an NPZ'}"
                )
            self.unnamed = NpyArray(path, header, self._stream)
        except BaseException:
            self._stream.close()
            raise

    def array(self, name: str) -> None:
        """Nothing has a name in an NPY."""

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Nothing has a name in an NPY."""
        return iter(())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


@dataclass(frozen=True)
class Header:
    """What stands before the values."""

    shape: tuple[int, ...]
    first_fastest: bool
    """Whether the values are in Fortran's order."""
    dtype: np.dtype

    @property
    def declared(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], what: str) -> Header:
    """Read the header of an array, which errors call ``what``; arrays of Python objects are refused."""
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise InputError(f"{what} is in NPY format {version}; 1.0 and 2.0 are supported")
    shape, first_fastest, dtype = read[version](stream)
    if dtype.hasobject:
        raise InputError(f"{what} holds Python objects, which are never loaded")
    return Header(shape, first_fastest and len(shape) > 1, dtype)


class NpyArray:
    """An array behind its header. Scattered parts of a deflated one are slow: it is read through to find them."""

    axes: str | None = None
    column_major = False

    def __init__(self, path: Path, header: Header, stream: IO[bytes]) -> None:
        self.shape, self.dtype = header.shape, header.dtype
        self._path, self._first_fastest, self._stream, self._begin = path, header.first_fastest, stream, stream.tell()
        self._gathered_from, self._gathered = 0, np.empty((0, *self.shape[1:]), self.dtype)

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part along the first axis."""
        assert axis == 0, "an array of NumPy names no axes, hence the first one is asked for"
        if self._first_fastest:
            return self._scattered(start, stop)
        item = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._stream.seek(self._begin + start * item)
        return self._values((stop - start) * item).reshape(stop - start, *self.shape[1:])

    def _scattered(self, start: int, stop: int) -> NDArray:
        """Return a part whose values lie all over the file; the items after it are gathered in the same passage."""
        if not self._gathered_from <= start <= stop <= self._gathered_from + len(self._gathered):
            item = math.prod(self.shape[1:]) * self.dtype.itemsize
            end = max(stop, min(self.shape[0], start + GATHERED_BYTES // max(1, item)))
            self._gathered_from, self._gathered = start, self._gather(start, end)
        return self._gathered[start - self._gathered_from : stop - self._gathered_from]

    def _gather(self, start: int, stop: int) -> NDArray:
        length, rest = self.shape[0], math.prod(self.shape[1:])
        check_part(self._path, "a column of an array in Fortran's order", (length,), self.dtype)
        rows = max(1, PASSED_BYTES // (length * self.dtype.itemsize))
        gathered = np.empty((rest, stop - start), self.dtype)
        self._stream.seek(self._begin)
        for first in range(0, rest, rows):
            count = min(rows, rest - first)
            passed = self._values(count * length * self.dtype.itemsize).reshape(count, length)
            gathered[first : first + count] = passed[:, start:stop]
        return gathered.reshape(*self.shape[:0:-1], stop - start).T

    def _values(self, count: int) -> NDArray:
        return np.frombuffer(self._stream.read(count), self.dtype)
