"""HDF5: datasets of the file's root, MATLAB's ``-v7.3`` files among them.

A file is opened without HDF5's lock, so that the program that still writes it is never hindered. Data that lie in other
files (virtual and external datasets, external links) are refused: a file may name any other on the machine. A chunk
that was never written is no data: HDF5 itself would give the fill value.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import (
    CODECS,
    DEFLATE_LIMIT,
    MOST_LISTED,
    DamagedPartError,
    StoredArray,
    check_part,
)

MATLAB_CLASS = "MATLAB_class"
"""Attribute of each dataset that MATLAB writes, whose axes HDF5 counts from the other end."""
FIRST_REGISTERED = 256
"""HDF5's own filters have lower numbers."""
FILTERS = {
    307: "bzip2", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32015: "Zstandard", 32026: "Blosc2",
}  # fmt: skip
"""Those that hdf5plugin brings, by the numbers that the HDF Group has registered."""
LOSSY_FILTERS = {32013: "ZFP", 32017: "SZ", 32018: "FCIDECOMP", 32019: "JPEG", 32024: "SZ3", 32028: "SPERR"}

MAX_MATLAB_NAMES, MAX_MATLAB_LETTERS = 1 << 16, 1 << 10
"""The most texts of a cell array, and letters of a text, that are read."""


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file to read, without its lock."""
    return h5py.File(path, "r", locking=False)


class Hdf5File:
    """An HDF5 file as a :class:`~cytogate.model.files.container.Container`."""

    unnamed: StoredArray | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_hdf5(path)
        try:
            self.names = tuple(self._file)
        except BaseException:
            self._file.close()
            raise

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The root's attributes."""
        return self._file.attrs

    def array(self, name: str) -> Hdf5Array | MatlabTexts | None:
        """Return a dataset whose declared size the file can hold; of a group None."""
        link = None
        for part in itertools.accumulate(name.strip("/").split("/"), "{}/{}".format):
            link = self._file.get(part, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise InputError(f"{self.path}: {part} lies in another file, {link.filename}; name that one")
        dataset = self._file.get(name)
        if isinstance(link, h5py.SoftLink) and dataset is None:
            raise InputError(f"{self.path}: {name} is a link to {link.path}, which is not in the file")
        if not isinstance(dataset, h5py.Dataset):
            return None
        if dataset.file.filename != self._file.filename:
            raise InputError(f"{self.path}: {name} lies in another file, {dataset.file.filename}; name that one")
        if dataset.attrs.get(MATLAB_CLASS) == b"cell" and dataset.dtype == h5py.ref_dtype:
            return MatlabTexts(self.path, name, dataset)
        _check_filters(dataset, f"{self.path}: dataset {name}")
        return Hdf5Array(dataset, _written_chunks(self.path, name, dataset))

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of all that lies in a group."""
        found = self._file.get(group)
        return tuple(found) if isinstance(found, h5py.Group) else ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield paths and shapes of the datasets of numbers; links are not followed."""
        found: list[tuple[str, tuple[int, ...]]] = []
        looked_at = itertools.count()

        def look(name: str, item: h5py.Group | h5py.Dataset) -> bool | None:
            if isinstance(item, h5py.Dataset) and item.shape and item.dtype.kind in "uif":
                found.append((name, Hdf5Array(item, None).shape))
            return True if next(looked_at) >= MOST_LISTED else None

        self._file.visititems(look)
        return iter(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _check_filters(dataset: h5py.Dataset, where: str) -> None:
    """Refuse a dataset whose chunks pass through a filter that is lossy, or not to be had."""
    settings = dataset.id.get_create_plist()
    for number in range(settings.get_nfilters()):
        code, _, _, written = settings.get_filter(number)
        if code < FIRST_REGISTERED:
            continue
        name = FILTERS.get(code) or LOSSY_FILTERS.get(code) or written.decode("latin-1") or "unknown"
        if code in LOSSY_FILTERS:
            raise InputError(f"{where} is compressed by {name} (filter {code}), which is lossy; store it with gzip")
        if not h5py.h5z.filter_avail(code) and code in FILTERS:
            # It registers its filters.
            with suppress(ImportError):
                importlib.import_module("hdf5plugin")
        if not h5py.h5z.filter_avail(code):
            needed = f"its decoder is missing: {CODECS}" if code in FILTERS else "which is not read; store it with gzip"
            raise InputError(f"{where} is compressed by {name} (filter {code}); {needed}")


class Hdf5Array:
    """A dataset."""

    axes: str | None = None

    def __init__(self, dataset: h5py.Dataset, written: frozenset[tuple[int, ...]] | None) -> None:
        self._dataset, self._written = dataset, written
        self._is_text = h5py.check_string_dtype(dataset.dtype) is not None
        self.dtype = np.dtype(str) if self._is_text else dataset.dtype
        self.column_major = MATLAB_CLASS in dataset.attrs
        stored: tuple[int, ...] = dataset.shape or ()
        self.shape = stored[::-1] if self.column_major else stored

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part."""
        place = len(self.shape) - 1 - axis if self.column_major else axis
        self._check_written(start, stop, place)
        part = self._dataset[(slice(None),) * place + (slice(start, stop),)]
        if self._is_text:
            part = np.array([each.decode() for each in part.ravel()], str).reshape(part.shape)
        return part.T if self.column_major else part

    def _check_written(self, start: int, stop: int, place: int) -> None:
        if self._written is None:
            return
        sides = self._dataset.chunks
        spans = [range(0, length, side) for length, side in zip(self._dataset.shape, sides, strict=True)]
        spans[place] = range(start - start % sides[place], stop, sides[place])
        if not self._written.issuperset(itertools.product(*spans)):
            raise DamagedPartError(f"a chunk of {self._dataset.name.lstrip('/')} was never written or is lost")


def _written_chunks(path: Path, name: str, dataset: h5py.Dataset) -> frozenset[tuple[int, ...]] | None:
    """Return where the chunks begin that the file holds, None if it holds all; refuse what is not in the file.

    Nothing is read: sizes that are declared are compared with those that the file has.
    """
    if dataset.dtype.hasobject and h5py.check_string_dtype(dataset.dtype) is None:
        raise InputError(f"{path}: dataset {name} holds {dataset.dtype}, which is of no fixed size")
    if dataset.is_virtual or dataset.external:
        raise InputError(
            f"{path}: dataset {name} lies in other files, which are not read through this one; "
            "name those, or store a copy of the data here"
        )
    declared, held = math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if declared > DEFLATE_LIMIT * held:
        raise InputError(
            f"{path}: dataset {name} declares {declared} bytes, of which the file holds {held}; "
            "it was not written to its end, or is damaged"
        )
    if not dataset.chunks:
        return None
    check_part(path, f"a chunk of dataset {name}", dataset.chunks, dataset.dtype)
    due = math.prod(-(-length // side) for length, side in zip(dataset.shape, dataset.chunks, strict=True))
    if dataset.id.get_num_chunks() == due:
        return None
    written: list[tuple[int, ...]] = []
    dataset.id.chunk_iter(lambda chunk: written.append(chunk.chunk_offset))
    return frozenset(written)


class MatlabTexts:
    """A cell array of character vectors, of which MATLAB stores each as a dataset of its own."""

    axes: str | None = None
    column_major = True
    dtype = np.dtype(str)

    def __init__(self, path: Path, name: str, cells: h5py.Dataset) -> None:
        self._path, self._name, self._cells = path, name, cells
        if cells.size > MAX_MATLAB_NAMES:
            raise InputError(f"{path}: {name} is a cell array of {cells.size}; {MAX_MATLAB_NAMES} are the most")
        self.shape: tuple[int, ...] = (cells.size,)

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return some of the texts."""
        assert axis == 0, "a cell array is read as one row"
        return np.array([self._text(cell) for cell in self._cells[...].ravel()[start:stop]], str)

    def _text(self, cell: h5py.Reference) -> str:
        letters = self._cells.file[cell]
        _written_chunks(self._path, self._name, letters)
        if letters.attrs.get(MATLAB_CLASS) != b"char" or letters.size > MAX_MATLAB_LETTERS:
            raise InputError(f"{self._path}: {self._name} is a cell array of other things than short character vectors")
        return "".join(map(chr, letters[...].ravel()))
