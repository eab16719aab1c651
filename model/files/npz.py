"""NPZ: arrays as ``numpy.savez`` writes them, read from the archive without unpacking it."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import DEFLATE_LIMIT, MOST_LISTED, reading
from cytogate.model.files.npy import NpyArray, read_header

MAX_WHOLE_BYTES = 1 << 31
"""The most that an array may hold that is read as a whole."""


class NpzFile:
    """An NPZ as a :class:`~cytogate.model.files.container.Container`."""

    attributes: Mapping[str, Any] = {}

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip = zipfile.ZipFile(path)
        self._streams: list[IO[bytes]] = []
        members = self._zip.namelist()
        if members and not any(name.endswith(".npy") for name in members):
            self._zip.close()
            raise InputError(
                f"{path}: this is a ZIP archive without arrays of NumPy (it holds {members[0]}); "
                "unpack it and name the file of the frames"
            )
        self.names = tuple(name.removesuffix(".npy") for name in members)

    def array(self, name: str) -> NpyArray | None:
        """Return an array whose header agrees with its size in the archive."""
        if f"{name}.npy" not in self._zip.namelist():
            return None
        member = self._zip.getinfo(f"{name}.npy")
        stream = self._zip.open(member)
        self._streams.append(stream)
        header = read_header(stream, f"{self.path}: array {name}")
        held = member.file_size - stream.tell()
        if header.declared != held or member.file_size > DEFLATE_LIMIT * member.compress_size:
            raise InputError(
                f"{self.path}: array {name} declares {header.declared} bytes, which the file does not hold; "
                "it is damaged"
            )
        return NpyArray(self.path, header, stream)

    @property
    def unnamed(self) -> NpyArray | None:
        """The array that ``numpy.savez`` was given without a name, if there is one such."""
        positional = [name for name in self.names if name.removeprefix("arr_").isdecimal()]
        return self.array("arr_0") if positional == ["arr_0"] else None

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield names and shapes of the arrays of numbers."""
        for name in self.names[:MOST_LISTED]:
            with suppress(InputError):
                array = self.array(name)
                if array is not None and array.dtype.kind in "uif":
                    yield name, array.shape

    def close(self) -> None:
        """Close the file."""
        for stream in self._streams:
            stream.close()
        self._zip.close()


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
    return array.read(0, array.shape[0]) if array.shape else array.read(0, 1).reshape(())
