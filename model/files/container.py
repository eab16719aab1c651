"""Containers: files or folders that declare arrays and hand over parts of them.

One module a kind of container reads it (NPZ, HDF5, Zarr, TIFF, folders of pictures), ``opening`` finds which one a path
is, and ``frames`` and ``images`` judge what the arrays mean. Nothing is allocated on the word of a file: the sizes that
it declares are compared with the bytes that it has. No pickle is ever loaded.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError

DEFLATE_LIMIT = 1040
"""No deflated byte stands for more bytes than this."""

MAX_PART_BYTES = 1 << 28
"""The most that is decoded at once: a chunk, a TIFF page, a picture, an image, all labels."""

MAX_SIDE = 8192
"""Rows or columns beyond which an image is not believed."""

CODECS = "pip install 'cytogate[codecs]'"
"""What brings the decoders that TIFF and HDF5 may need."""

MOST_LISTED = 500
"""Members of a container that are looked at for a message."""


class DamagedPartError(Exception):
    """A part of an array is absent or damaged; the message says what it is, and :func:`reading` where."""


class StoredArray(Protocol):
    """An array as its file declares it. ``read`` may raise anything on a damaged file: see :func:`reading`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Declared shape."""

    @property
    def dtype(self) -> np.dtype:
        """Declared type of the values, in the file's order of bytes; ``str`` for text."""

    @property
    def axes(self) -> str | None:
        """A letter an axis, where the file names its axes; None where it declares a shape only.

        As in OME: X columns, Y rows, C channels, S samples of a color, T times, Z planes; I images in a row.
        """

    @property
    def column_major(self) -> bool:
        """Whether a program that counts axes from the other end (MATLAB) wrote the array.

        ``shape`` and ``read`` give what its user sees there.
        """

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return the part from ``start`` to ``stop`` along ``axis`` and all along the others, in the file's order."""


class Container(Protocol):
    """An open file or folder."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what it holds, for messages."""

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What the file says beside its arrays."""

    @property
    def unnamed(self) -> StoredArray | None:
        """The one array of a container whose array needs no name: a TIFF, a single Zarr array, a folder."""

    def array(self, name: str) -> StoredArray | None:
        """Return the array ``name``; None where there is none, InputError where it cannot be had.

        In a container that has groups, one that lies in them is named by its path: ``entry/data/frames``.
        """

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of all that lies in a group; none where there is no such group."""

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield names and shapes of arrays of numbers, those in groups, too, for messages; at most MOST_LISTED."""

    def close(self) -> None:
        """Close the file."""


@contextmanager
def reading(path: Path, item: str = "") -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into one sentence, which names ``item`` ("cell 3") if given."""
    # Which is all that should be said: tifffile logs every oddity that it meets on its way to the exception.
    log = logging.getLogger("tifffile")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    except (InputError, ImportError):
        raise
    # Four libraries raise nearly every kind of exception when bytes are missing or wrong.
    except Exception as error:
        raise InputError(f"{path}: {item and item + ': '}{damage(error)}") from error
    finally:
        log.setLevel(level)


def damage(error: Exception) -> str:
    """Return what an exception of a parser says of a file."""
    detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, DamagedPartError):
        return detail
    return f"the file is truncated or damaged, or of a kind not supported: {detail}"


def check_part(path: Path, what: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what would be decoded at once and is larger than MAX_PART_BYTES."""
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_PART_BYTES:
        raise InputError(f"{path}: {what} has {size} bytes, read at once; {MAX_PART_BYTES} are the most")


def json_object(text: str) -> dict[str, Any]:
    """Return the object that ``text`` is in JSON; an empty one if it is none."""
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return described if isinstance(described, dict) else {}
