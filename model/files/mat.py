"""MAT: MATLAB's files before ``-v7.3``, as MATLAB, Octave and SciPy write them; ``-v7.3`` is HDF5.

A variable is inflated as a whole, which may hold no more than it declares, before SciPy parses it.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.container import DEFLATE_LIMIT, StoredArray

VERSIONS = (b"\0\x01IM", b"\x01\0MI")
"""Version 5 in both orders of bytes, at the end of the file's header."""
HEADER_BYTES, TAG_BYTES = 128, 8
COMPRESSED = 15

MAX_VARIABLES = 1 << 12
BEGIN_BYTES = 1 << 12
"""Name, class and size of a variable stand within so many bytes."""
MAX_VARIABLE_BYTES = 1 << 29
"""The most that a variable may hold, all of which is read at once."""
MAX_TEXT_BYTES = 1 << 16
"""The most that names may hold. Cells within cells are parsed within each other: more of them could end the process."""

NUMBERS = {
    "double": "f8", "single": "f4", "logical": "u1", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8",
}  # fmt: skip
"""Types by MATLAB's classes."""


def is_mat(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` is a MAT file of version 5."""
    return head[HEADER_BYTES - 4 : HEADER_BYTES] in VERSIONS


@dataclass(frozen=True)
class _Variable:
    """Where a variable lies, and what it declares."""

    name: str
    shape: tuple[int, ...]
    kind: str
    begin: int
    """Place of its tag in the file."""
    length: int
    """Bytes behind the tag."""
    compressed: bool


class MatFile:
    """A MAT file as a :class:`~cytogate.model.files.container.Container`."""

    attributes: Mapping[str, Any] = {}
    unnamed: StoredArray | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._variables = {each.name: each for each in _variables(path)}
        self.names = tuple(self._variables)

    def array(self, name: str) -> MatArray | None:
        """Return a variable whose declared size the file can hold."""
        variable = self._variables.get(name)
        if variable is None:
            return None
        if variable.kind not in (*NUMBERS, "char", "cell"):
            raise InputError(
                f"{self.path}: variable {name} is a {variable.kind} of MATLAB; numbers, or a cell array of "
                "character vectors, are read"
            )
        if variable.kind not in NUMBERS and variable.length > MAX_TEXT_BYTES:
            raise InputError(
                f"{self.path}: variable {name} is text of {variable.length} bytes; {MAX_TEXT_BYTES} are the most"
            )
        array = MatArray(self.path, variable)
        # Numbers are stored in the smallest type that holds them.
        most = variable.length * array.dtype.itemsize * (DEFLATE_LIMIT if variable.compressed else 1)
        if variable.kind in NUMBERS and array.declared > most:
            raise InputError(
                f"{self.path}: variable {name} declares {array.declared} bytes, which the file does not hold; "
                "it is damaged"
            )
        if array.declared > MAX_VARIABLE_BYTES:
            raise InputError(
                f"{self.path}: variable {name} holds {array.declared} bytes, read at once; {MAX_VARIABLE_BYTES} are "
                "the most: save it with -v7.3, which is read in parts"
            )
        return array

    def members(self, group: str) -> tuple[str, ...]:
        """Return nothing: there are no groups."""
        return ()

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield names and sizes of the variables of numbers."""
        return ((each.name, each.shape) for each in self._variables.values() if each.kind in NUMBERS)

    def close(self) -> None:
        """Nothing is kept open."""


class MatArray:
    """A variable, read when it is first asked for: numbers as MATLAB's user sees them, or texts in a row."""

    axes: str | None = None
    column_major = True

    def __init__(self, path: Path, variable: _Variable) -> None:
        self._path, self._variable = path, variable
        self._is_text = variable.kind not in NUMBERS
        self.dtype = np.dtype(str) if self._is_text else np.dtype(NUMBERS[variable.kind])
        # SciPy counts a matrix of letters by its rows.
        self.shape = (math.prod(variable.shape),) if self._is_text else variable.shape

    @property
    def declared(self) -> int:
        """Bytes of the values."""
        return MAX_TEXT_BYTES if self._is_text else math.prod(self.shape) * self.dtype.itemsize

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part."""
        return self._values[(slice(None),) * axis + (slice(start, stop),)]

    @cached_property
    def _values(self) -> NDArray:
        from scipy.io import loadmat

        where, name = f"{self._path}: variable {self._variable.name}", self._variable.name
        values = loadmat(self._stored(where), variable_names=[name])[name]
        if self._is_text:
            return _texts(values, where)
        if values.dtype.kind == "c":
            raise InputError(f"{where} is complex; real numbers are needed")
        # They come in the type that they are stored in, the smallest that holds them.
        return values.astype(self.dtype, copy=False).reshape(self.shape)

    def _stored(self, where: str) -> io.BytesIO:
        """Return a MAT file of this variable alone, inflated."""
        variable, most = self._variable, self.declared + BEGIN_BYTES
        stored = io.BytesIO()
        with self._path.open("rb") as file:
            stored.write(file.read(HEADER_BYTES))
            file.seek(variable.begin)
            if not variable.compressed:
                stored.write(file.read(TAG_BYTES + variable.length))
            else:
                file.seek(TAG_BYTES, io.SEEK_CUR)
                stored.write(_inflated(file.read(variable.length), most, where))
        stored.seek(0)
        return stored


def _variables(path: Path) -> Iterator[_Variable]:
    """Yield what a file declares, of each variable its first bytes alone being read."""
    from scipy.io import whosmat

    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        order = "<" if header.endswith(b"IM") else ">"
        begin, count = HEADER_BYTES, 0
        while begin < size:
            count += 1
            if count > MAX_VARIABLES:
                raise InputError(f"{path}: holds more than {MAX_VARIABLES} variables")
            file.seek(begin)
            tag = file.read(TAG_BYTES)
            kind, length = struct.unpack(f"{order}II", tag)
            if begin + TAG_BYTES + length > size:
                raise InputError(f"{path}: a variable of {length} bytes is cut off; the file is truncated")
            ((name, shape, of_class),) = whosmat(io.BytesIO(header + tag + file.read(min(length, BEGIN_BYTES))))
            yield _Variable(name, tuple(map(int, shape)), of_class, begin, length, kind == COMPRESSED)
            begin += TAG_BYTES + length


def _inflated(data: bytes, most: int, where: str) -> bytes:
    """Inflate a variable, which may be of ``most`` bytes."""
    stream = zlib.decompressobj()
    inflated = stream.decompress(data, most + 1)
    if len(inflated) > most:
        raise InputError(f"{where} inflates to more than it declares; it is complex, or damaged")
    if not stream.eof:
        raise InputError(f"{where} ends before its time; the file is truncated or damaged")
    return inflated


def _texts(values: NDArray, where: str) -> NDArray:
    """Return a cell array of character vectors, or a matrix of letters, as texts in a row."""
    if values.dtype.kind == "U":
        return np.char.rstrip(values.ravel())
    cells = [np.asarray(each) for each in values.ravel(order="F")]
    if any(each.dtype.kind != "U" or each.size > 1 for each in cells):
        raise InputError(f"{where} is a cell array of other things than character vectors")
    return np.array(["".join(each.ravel()) for each in cells], str)
