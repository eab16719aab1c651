"""Arrays that come with a design or a bundle, as ``numpy.save`` writes them: shape and type are known beforehand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cytogate.model.errors import InputError


def read_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Return the array of an NPY file; nothing is allocated on the word of the file.

    Raises
    ------
    InputError
        If it is of another shape or type, cut short, or no such file.
    """
    wanted = np.dtype(dtype)
    try:
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError("not of format 1.0")
            found, column_major, stored = np.lib.format.read_array_header_1_0(file)
            if (found, stored) != (shape, wanted):
                raise InputError(f"{path}: an array {found} of {stored}; {shape} of {wanted} is needed")
            values = np.fromfile(file, wanted, math.prod(shape))
    except (OSError, ValueError, EOFError, SyntaxError, RecursionError) as error:
        raise InputError(f"{path}: no array that NumPy reads: {error}") from error
    if len(values) != math.prod(shape):
        raise InputError(f"{path}: holds {len(values)} of its {math.prod(shape)} values; it is cut short")
    return values.reshape(shape, order="F" if column_major else "C")
