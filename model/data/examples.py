"""Examples to train on: inputs and targets in batches, held in memory or read as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError
from cytogate.model.files.images import ImageSet

Inputs = tuple[NDArray, ...]
"""An array (cells, ...) for each input of a network; float32 when they reach it."""
Augment = Callable[[Inputs, np.random.Generator], Inputs]
"""Alters a batch at random, in training only; decided by the generator alone, so that a training can be repeated."""

BLOCK = 1024
"""Neighbouring images that are read together from a set that is streamed."""
WINDOW_BLOCKS = 4
"""Blocks that are mixed with each other."""


class Examples(Protocol):
    """A set of examples to train or to validate on."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give inputs and targets of every example once, in ``ceil(len / size)`` batches of at most ``size``.

        Without ``rng`` they come in order and unaltered; with it shuffled and, where the set augments, altered.
        """


@dataclass(frozen=True, eq=False)
class ArrayExamples:
    """Examples in memory."""

    inputs: Inputs
    targets: NDArray
    """(cells,) integer labels, or (cells,) or (cells, ...) real targets."""
    augment: Augment | None = None

    def __post_init__(self) -> None:
        for number, each in enumerate(self.inputs):
            if len(each) != len(self.targets):
                raise InputError(
                    f"examples: input {number} has {len(each)} rows and the targets {len(self.targets)}; "
                    "a row for each example is needed"
                )

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give batches, the last of which may be smaller."""
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for start in range(0, len(order), size):
            part = order[start : start + size]
            inputs = tuple(each[part] for each in self.inputs)
            if rng is not None and self.augment is not None:
                inputs = self.augment(inputs, rng)
            yield inputs, self.targets[part]


@dataclass(frozen=True, eq=False)
class StreamedExamples:
    """Images of a set on disk, in the order of the disk as far as possible and never held as a whole.

    In training ``indices`` are sorted and cut into blocks of ``block`` neighbours. The blocks are shuffled, and the
    images of every ``window`` blocks that then follow each other are shuffled among themselves. What is in memory are
    two windows of images, one in use and one being read, whatever the size of the set; and what an epoch mixes is
    bounded by a window. Sets whose classes lie in long stretches behind each other want many small blocks in it.
    Without a generator, images come in the order of ``indices``, a block at a time.
    """

    images: ImageSet
    indices: NDArray[np.int64]
    """Of the images that are examples; their labels are the targets."""
    prepare: Callable[[NDArray], Inputs]
    """Makes inputs of images (cells, rows, columns, channels) as they are stored."""
    augment: Augment | None = None
    block: int = BLOCK
    window: int = WINDOW_BLOCKS

    def __len__(self) -> int:
        return len(self.indices)

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[tuple[Inputs, NDArray]]:
        """Give batches, the last of which may be smaller."""
        for images, labels in _rebatched(self._windows(rng), size):
            inputs = self.prepare(images)
            if rng is not None and self.augment is not None:
                inputs = self.augment(inputs, rng)
            yield inputs, labels

    def _windows(self, rng: np.random.Generator | None) -> Iterator[tuple[NDArray, NDArray[np.int64]]]:
        """Give images and labels of a window at a time, shuffled within it."""
        indices = self.indices if rng is None else np.sort(self.indices)
        blocks = [indices[start : start + self.block] for start in range(0, len(indices), self.block)]
        if rng is None:
            windows = [[block] for block in blocks]
        else:
            order = [blocks[number] for number in rng.permutation(len(blocks))]
            windows = [order[start : start + self.window] for start in range(0, len(order), self.window)]
        for window in windows:
            chosen = np.concatenate(window)
            if rng is not None:
                chosen = rng.permutation(chosen)
            yield self.images.read(chosen), self.images.labels[chosen]


def _rebatched(
    parts: Iterator[tuple[NDArray, NDArray[np.int64]]], size: int
) -> Iterator[tuple[NDArray, NDArray[np.int64]]]:
    """Give the rows of ``parts`` in batches of ``size``; one that lies across two parts is put together."""
    left: tuple[NDArray, NDArray[np.int64]] | None = None
    for images, labels in parts:
        start = 0
        if left is not None:
            start = size - len(left[1])
            images_of_both = np.concatenate([left[0], images[:start]])
            left = images_of_both, np.concatenate([left[1], labels[:start]])
            if len(left[1]) < size:
                continue
            yield left
        end = start + (len(labels) - start) // size * size
        for place in range(start, end, size):
            yield images[place : place + size], labels[place : place + size]
        # A copy: a view would keep the whole window in memory while the next one is read.
        left = (images[end:].copy(), labels[end:].copy()) if end < len(labels) else None
    if left is not None:
        yield left
