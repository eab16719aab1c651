"""NPZ: arrays as ``numpy.savez`` writes them, read from the archive without unpacking it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import DEFLATE_LIMIT, StoredArray, reading

MAX_WHOLE_BYTES = 1 << 31
"""The most that an array may hold that is read as a whole."""


class NpzFile:
    """An NPZ as a :class:`~cytogate.model.files.container.Container`."""

    attributes: Mapping[str, Any] = {}
    unnamed: StoredArray | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)
        self._streams: list[IO[bytes]] = []
        self.names = tuple(name.removesuffix(".npy") for name in self._zip.namelist())

    def array(self, name: str) -> NpzArray | None:
        """Return an array whose header agrees with its size in the archive."""
        if f"{name}.npy" not in self._zip.namelist():
            return None
        member = self._zip.getinfo(f"{name}.npy")
        stream = self._zip.open(member)
        self._streams.append(stream)
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise InputError(f"{self.path}: array {name} is in NPY format {version}; 1.0 and 2.0 are supported")
        shape, fortran_order, dtype = read_header[version](stream)
        if dtype.hasobject:
            raise InputError(f"{self.path}: array {name} holds Python objects, which are never loaded")
        if fortran_order and len(shape) > 1:
            raise InputError(
                f"{self.path}: array {name} is stored in Fortran order; save numpy.ascontiguousarray({name}) instead"
            )
        declared = math.prod(shape) * dtype.itemsize
        if declared != member.file_size - stream.tell() or member.file_size > DEFLATE_LIMIT * member.compress_size:
            raise InputError(
                f"{self.path}: array {name} declares {declared} bytes, which the file does not hold; it is damaged"
            )
        return NpzArray(shape, dtype, stream)

    def close(self) -> None:
        """Close the file."""
        for stream in self._streams:
            stream.close()
        self._zip.close()


class NpzArray:
    """An array of an NPZ. Scattered parts of a deflated one are slow: it is read through to find them."""

    axes: str | None = None
    column_major = False

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, stream: IO[bytes]) -> None:
        self.shape, self.dtype, self._stream, self._begin = shape, dtype, stream, stream.tell()

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part along the first axis."""
        assert axis == 0, "an NPZ names no axes, hence the first one is asked for"
        item = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._stream.seek(self._begin + start * item)
        data = self._stream.read((stop - start) * item)
        return np.frombuffer(data, self.dtype).reshape(stop - start, *self.shape[1:])


def open_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray]:
    """Read whole arrays of an NPZ file; for sets that are known to fit into memory.

    Raises
    ------
    InputError
        Where there is no such file or array, it is damaged, or larger than MAX_WHOLE_BYTES.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    with reading(path):
        archive = NpzFile(path)
        try:
            return {name: _whole(archive, name) for name in names}
        finally:
            archive.close()


def _whole(archive: NpzFile, name: str) -> NDArray:
    array = archive.array(name)
    if array is None:
        held = ", ".join(archive.names) or "nothing"
        raise InputError(f"{archive.path}: holds no array named {name}, but {held}")
    size = math.prod(array.shape) * array.dtype.itemsize
    if size > MAX_WHOLE_BYTES:
        raise InputError(f"{archive.path}: array {name} holds {size} bytes; {MAX_WHOLE_BYTES} are the most")
    return array.read(0, array.shape[0]) if array.shape else np.array(array.read(0, 1)[0])
