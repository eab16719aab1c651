"""Stored arrays seen with their axes in the order that is wanted, whatever the order in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.files.container import StoredArray

PLANE = "YX"
CHANNELS, SAMPLES, IMAGES = "C", "S", "I"
"""Letters of axes; see :class:`~cytogate.model.files.container.StoredArray`."""


@dataclass(frozen=True, eq=False)
class Arranged:
    """A stored array as items one after the other."""

    array: StoredArray
    order: tuple[int, ...]
    """The array's axes in the order wanted; the first one counts the items."""
    shape: tuple[int, ...]
    """Wanted, items first. Where the first axis in ``order`` is longer, an item is several of its places."""

    @property
    def dtype(self) -> np.dtype:
        """Type of the values, in this machine's order of bytes."""
        return self.array.dtype.newbyteorder("=")

    def read(self, start: int, stop: int) -> NDArray:
        """Return items ``start`` to ``stop``: (stop - start, *shape[1:])."""
        per_item = self.array.shape[self.order[0]] // self.shape[0] if self.shape[0] else 1
        part = self.array.read(start * per_item, stop * per_item, axis=self.order[0])
        arranged = np.transpose(part, self.order).reshape(stop - start, *self.shape[1:])
        return arranged.astype(self.dtype, copy=False)


def as_stored(array: StoredArray, shape: tuple[int, ...] | None = None) -> Arranged:
    """Return an array whose axes are in the order wanted, perhaps with other axes of length 1 in ``shape``."""
    return Arranged(array, tuple(range(len(array.shape))), array.shape if shape is None else shape)


def by_letters(array: StoredArray, letters: str, shape: tuple[int, ...]) -> Arranged:
    """Return an array whose file names its axes; ``letters`` are wanted in this order, others have the length 1."""
    axes = array.axes or ""
    rest = [number for number, letter in enumerate(axes) if letter not in letters]
    return Arranged(array, (*map(axes.index, letters), *rest), shape)


def item_axes(array: StoredArray, within: str) -> str | None:
    """Return the letter of the axis that counts items whose own axes are ``within``: the only other one beyond 1.

    Empty where there is none, None where there is more than one, or axes of one letter.
    """
    axes = array.axes or ""
    sizes = dict(zip(axes, array.shape, strict=True))
    others = [letter for letter in axes if letter not in within]
    long = [letter for letter in others if sizes[letter] != 1]
    if len(sizes) < len(axes) or len(long) > 1:
        return None
    return (long or others or [""])[0]
