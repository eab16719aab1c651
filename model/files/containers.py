"""The three kinds of file that frames come in, opened lazily: NPZ, HDF5 and TIFF.

A source says what a file declares and hands over parts of it; whether that makes sense as frames is judged in
:mod:`cytogate.model.files.frames`. Nothing is allocated on the word of a file: sizes that it declares are compared with
the bytes that it has. No pickle is ever loaded.
"""

from __future__ import annotations

import json
import logging
import math
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from cytogate.model.errors import InputError

DEFLATE_LIMIT = 1040
"""No deflated byte stands for more bytes than this."""

TIFF_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Size of a value by the number of its type; types not listed take one byte."""


class Source(Protocol):
    """An open file of frames. ``read`` and ``member`` may raise anything on a damaged file: see :func:`reading`."""

    shape: tuple[int, ...]
    """Declared shape of the frames."""
    dtype: np.dtype

    def read(self, start: int, stop: int) -> NDArray:
        """Return cells ``start`` to ``stop`` as they are stored."""

    def member(self, name: str) -> NDArray | None:
        """Return the one-dimensional array ``labels`` or ``class_names``, or None."""

    def close(self) -> None:
        """Close the file."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into one sentence."""
    # Which is all that should be said: tifffile logs every oddity that it meets on its way to the exception.
    log = logging.getLogger("tifffile")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    except InputError:
        raise
    # Three libraries raise nearly every kind of exception when bytes are missing or wrong.
    except Exception as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: the file is truncated or damaged, or of a kind not supported: {detail}") from error
    finally:
        log.setLevel(level)


def open_source(path: Path) -> Source:
    """Open ``path`` as what its first bytes say it is."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: this is a folder; a file of frames is needed")
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        with path.open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with reading(path):
        if magic[:2] == b"PK":
            return _Npz(path)
        if magic[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _Tiff(path)
        # Some programs put a block of their own in front of HDF5.
        if magic[:4] == b"\x89HDF" or h5py.is_hdf5(path):
            return _Hdf5(path)
    raise InputError(f"{path}: this is no NPZ, HDF5 or TIFF file, or one that was cut short at its very beginning")


class _Npz:
    """Arrays ``frames`` and perhaps ``labels`` and ``class_names``, as ``numpy.savez`` writes them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        try:
            names = [name.removesuffix(".npy") for name in self._zip.namelist()]
            if "frames" not in names:
                raise InputError(f"{path}: holds no array named frames, but {', '.join(names) or 'nothing'}")
            self._stream, self.shape, self.dtype = self._open("frames")
            self._start = self._stream.tell()
        except BaseException:
            self._zip.close()
            raise

    def read(self, start: int, stop: int) -> NDArray:
        cell = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._stream.seek(self._start + start * cell)
        data = self._stream.read((stop - start) * cell)
        return np.frombuffer(data, self.dtype).reshape(stop - start, *self.shape[1:])

    def member(self, name: str) -> NDArray | None:
        if f"{name}.npy" not in self._zip.namelist():
            return None
        stream, shape, dtype = self._open(name)
        with stream:
            return np.frombuffer(stream.read(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)

    def close(self) -> None:
        self._stream.close()
        self._zip.close()

    def _open(self, name: str) -> tuple[IO[bytes], tuple[int, ...], np.dtype]:
        """Open an array behind its header, which is read and believed only if the member's size agrees."""
        member = self._zip.getinfo(f"{name}.npy")
        stream = self._zip.open(member)
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise InputError(f"{self._path}: array {name} is in NPY format {version}; 1.0 and 2.0 are supported")
        shape, fortran_order, dtype = read_header[version](stream)
        if dtype.hasobject:
            raise InputError(f"{self._path}: array {name} holds Python objects, which are never loaded")
        if fortran_order and len(shape) > 1:
            raise InputError(
                f"{self._path}: array {name} is stored in Fortran order; save numpy.ascontiguousarray({name}) instead"
            )
        declared = math.prod(shape) * dtype.itemsize
        if declared != member.file_size - stream.tell() or member.file_size > DEFLATE_LIMIT * member.compress_size:
            raise InputError(
                f"{self._path}: array {name} declares {declared} bytes, which the file does not hold; it is damaged"
            )
        return stream, shape, dtype


class _Hdf5:
    """Datasets ``frames`` and perhaps ``labels`` and ``class_names``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = h5py.File(path, "r")
        try:
            frames = self._dataset("frames")
            if frames is None:
                held = ", ".join(self._file) or "nothing"
                raise InputError(f"{path}: holds no dataset named frames, but {held}")
            self._frames = frames
            self.shape, self.dtype = frames.shape or (), frames.dtype
        except BaseException:
            self._file.close()
            raise

    def read(self, start: int, stop: int) -> NDArray:
        return self._frames[start:stop]

    def member(self, name: str) -> NDArray | None:
        dataset = self._dataset(name)
        if dataset is None:
            return None
        if h5py.check_string_dtype(dataset.dtype):
            return np.array([str(each) for each in dataset.asstr()[...].ravel()])
        return dataset[...]

    def close(self) -> None:
        self._file.close()

    def _dataset(self, name: str) -> h5py.Dataset | None:
        """Return a dataset whose declared size the file can hold, or None."""
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            return None
        declared = math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize
        held = dataset.id.get_storage_size()
        # The data of a virtual dataset lie in other files.
        if declared > DEFLATE_LIMIT * held and not dataset.is_virtual:
            raise InputError(
                f"{self._path}: dataset {name} declares {declared} bytes, of which the file holds {held}; "
                "it was not written to its end, or is damaged"
            )
        return dataset


class _Tiff:
    """Four consecutive pages a cell; labels, if any, as JSON in the first page's description."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            pages = _count_pages(file, path)
        self._file = tifffile.TiffFile(path)
        try:
            if pages % 4 or len(self._file.pages) != pages:
                raise InputError(f"{path}: {pages} pages are no whole number of cells, which have four pages each")
            first = self._page(0)
            if first.dtype is None:
                raise InputError(f"{path}: pixels of {first.bitspersample} bits are in no format that is supported")
            self.shape, self.dtype = (pages // 4, 4, *first.shape), np.dtype(first.dtype)
            # Most writers append: where pixels are missing, the last page lacks them.
            self._page(pages - 1)
            self._described = _json_object(first.description)
        except BaseException:
            self._file.close()
            raise

    def read(self, start: int, stop: int) -> NDArray:
        frames = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for number in range(start, stop):
            for angle in range(4):
                page = self._page(4 * number + angle)
                if (page.shape, page.dtype) != (self.shape[2:], self.dtype):
                    raise InputError(
                        f"{self._path}: page {4 * number + angle} (counted from 0) is {page.dtype} of shape "
                        f"{page.shape}, unlike page 0, which is {self.dtype} of shape {self.shape[2:]}"
                    )
                frames[number - start, angle] = page.asarray()
        return frames

    def member(self, name: str) -> NDArray | None:
        return np.array(self._described[name]) if name in self._described else None

    def close(self) -> None:
        self._file.close()

    def _page(self, number: int) -> tifffile.TiffPage:
        page = self._file.pages[number]
        assert isinstance(page, tifffile.TiffPage)
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if not ends or max(ends) > self._file.filehandle.size:
            raise InputError(f"{self._path}: page {number} (counted from 0) is cut off; the file is truncated")
        return page


def _count_pages(file: IO[bytes], path: Path) -> int:
    """Return the length of a TIFF's chain of pages, all of whose tags must lie within the file.

    tifffile takes a chain that leads beyond the file for a shorter one: a cut file would lose cells unnoticed.
    """
    size = file.seek(0, os.SEEK_END)

    def read(at: int, count: int) -> bytes:
        file.seek(at)
        if at + count > size:
            raise InputError(
                f"{path}: the list of pages ends in nothing behind page {len(seen)}; the file is truncated"
            )
        return file.read(count)

    seen: set[int] = set()
    head = read(0, 8)
    layout = _TiffLayout("<" if head[:2] == b"II" else ">", *((20, "Q", "Q") if 43 in head[2:4] else (12, "H", "I")))
    offset = layout.number(layout.offset, read(*((8, 8) if layout.entry_bytes == 20 else (4, 4))))
    while offset:
        if offset in seen:
            raise InputError(f"{path}: the list of pages leads back to page {len(seen)}; the file is damaged")
        seen.add(offset)
        begin = offset + struct.calcsize(layout.count)
        entries = layout.number(layout.count, read(offset, begin - offset))
        for kind, count, place in layout.tags(read(begin, entries * layout.entry_bytes)):
            length = count * TIFF_TYPE_BYTES.get(kind, 1)
            if length > struct.calcsize(layout.offset) and place + length > size:
                raise InputError(f"{path}: page {len(seen) - 1} (counted from 0) is cut off; the file is truncated")
        end = begin + entries * layout.entry_bytes
        offset = layout.number(layout.offset, read(end, struct.calcsize(layout.offset)))
    return len(seen)


@dataclass(frozen=True)
class _TiffLayout:
    """How a TIFF writes its numbers: classic or BigTIFF, in one of two orders of bytes."""

    order: str
    entry_bytes: int
    count: str
    offset: str

    def number(self, layout: str, data: bytes) -> int:
        return int(struct.unpack(self.order + layout, data)[0])

    def tags(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        """Yield type, count and value or place of every tag."""
        for _, kind, count, place in struct.iter_unpack(f"{self.order}HH{self.offset}{self.offset}", data):
            yield kind, count, place


def _json_object(text: str) -> dict:
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return described if isinstance(described, dict) else {}
