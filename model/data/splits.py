"""Split cells into training, selection and a part reported on once, before anything is fitted, groups kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.errors import InputError

SHARES = (0.76, 0.08, 0.16)
"""Training, validation and test cells (Meng 2017, section 3.1)."""
LEAST_OF_A_CLASS = 10
"""Labelled cells of a class with which a training begins: fewer leave none to select or to test on."""


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the cells to train on, to select on, and to report on once: disjoint."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    @staticmethod
    def of(labels: NDArray[np.int64], seed: int) -> Split:
        """Split every class 76/8/16 at random; each part sorted."""
        rng = np.random.default_rng(seed)
        parts: list[list[NDArray[np.int64]]] = [[], [], []]
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            ends = _ends(len(members))
            for part, chosen in zip(parts, np.split(members, ends), strict=True):
                part.append(chosen)
        split = Split(*(np.sort(np.concatenate(part)) for part in parts))
        if min(map(len, (split.training, split.validation, split.test))) == 0:
            raise InputError(
                f"{len(labels)} cells are too few to split {SHARES[0]:.0%} / {SHARES[1]:.0%} / {SHARES[2]:.0%}"
            )
        return split

    @staticmethod
    def by_groups(labels: NDArray[np.int64], groups: NDArray, class_names: Sequence[str], seed: int) -> Split:
        """Split so that all cells of a group, of a donor or a day, are on one side.

        Each part has cells of each class where any way of dealing the groups has that, and shares of cells and of
        classes come as close as groups let them; the seed decides among ways that are about as close. What a part
        lacks all the same, :meth:`lacking` tells.

        Raises
        ------
        InputError
            If there are fewer than three groups, some class is in fewer, or in no training group.
        """
        names, group = np.unique(groups, return_inverse=True)
        if len(names) < 3:
            raise InputError(f"groups are {', '.join(map(str, names))}; three are needed to train, select and test")
        classes, label = np.unique(labels, return_inverse=True)
        cells = np.bincount(group * len(classes) + label, minlength=len(names) * len(classes))
        cells = cells.reshape(len(names), len(classes))
        for place, number in enumerate(classes):
            own = names[cells[:, place] > 0]
            if len(own) < 3:
                raise InputError(
                    f"cells of class {class_names[number]} are in groups {', '.join(map(str, own))} alone; three are "
                    "needed to train, select and test on it"
                )
        part = dealt(cells, seed)[group]
        split = Split(*(np.flatnonzero(part == number) for number in range(len(SHARES))))
        untrained = np.setdiff1d(classes, labels[split.training])
        if len(untrained):
            raise InputError(
                f"class {class_names[untrained[0]]} is in no group that trains, however groups are dealt; give it "
                "cells in more groups"
            )
        return split

    def lacking(self, labels: NDArray[np.int64], class_names: Sequence[str]) -> str | None:
        """Return which classes a part has no cell of, as in "none of A selects, none of B is tested"; None: none."""
        there = np.unique(labels)
        lacks = [
            ", ".join(class_names[number] for number in np.setdiff1d(there, labels[part]))
            for part in (self.validation, self.test)
        ]
        told = [f"none of {names} {what}" for names, what in zip(lacks, ("selects", "is tested"), strict=True) if names]
        return ", ".join(told) or None


def check_classes(labels: NDArray[np.int64], class_names: Sequence[str], where: str) -> None:
    """Raise an :class:`InputError` unless every class has enough cells to train, select and test."""
    counts = np.bincount(labels, minlength=len(class_names))
    few = [f"{name} {count}" for name, count in zip(class_names, counts, strict=True) if count < LEAST_OF_A_CLASS]
    if few:
        raise InputError(f"{where}: cells of a class: {', '.join(few)}; {LEAST_OF_A_CLASS} of each are the least")


def dealt(cells: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the part of each group, 0 trains, 1 selects and 2 is reported on, of counts of cells (groups, classes).

    Of few groups all ways are looked at, of many those to which drawn ones lead, group after group to its best part.
    """
    rng = np.random.default_rng(seed)
    groups = len(cells)
    if groups <= MOST_FOR_ALL_WAYS:
        ways = np.stack(np.unravel_index(np.arange(3**groups), (3,) * groups), axis=1)
    else:
        starts = min(MOST_STARTS, max(1, MOST_GROUPS // groups))
        ways = np.stack([_improved(rng.choice(3, groups, p=SHARES), cells, rng) for _ in range(starts)])
    costs = _costs(np.stack([(ways == part) @ cells for part in range(len(SHARES))], axis=1), cells)
    return ways[rng.choice(np.flatnonzero(costs <= costs.min() + ABOUT_AS_CLOSE))]


MOST_FOR_ALL_WAYS = 10
"""Groups, of which there are 3^10 = 59,049 ways."""
MOST_STARTS, MOST_GROUPS = 100, 3_000
"""Drawn ways, and groups of all of them together."""
ABOUT_AS_CLOSE = 0.01
"""By how much the mean share of a class in a part may be farther off."""
LACKING = np.array([100.0, 1.0, 10.0])
"""Cost of a class that is missing in a part: one that nobody trains is worst, and one that is not reported on next."""


def _costs(dealt_cells: NDArray[np.int64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far counts (..., 3, classes) of parts are from the shares of ``cells`` (groups, classes)."""
    shares = dealt_cells / cells.sum(axis=0)
    off = np.abs(shares - np.array(SHARES)[:, np.newaxis]).mean(axis=(-2, -1))
    return off + (dealt_cells == 0).sum(axis=-1) @ LACKING


def _improved(way: NDArray[np.int64], cells: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a way to which moves of single groups to other parts bring little."""
    counts = np.stack([cells[way == part].sum(axis=0) for part in range(len(SHARES))])
    moves, cost = np.eye(len(SHARES), dtype=np.int64)[:, :, np.newaxis], np.inf
    while True:
        for group in rng.permutation(len(way)):
            counts[way[group]] -= cells[group]
            tried = counts + moves * cells[group]
            costs = _costs(tried, cells)
            way[group] = np.argmin(costs)
            counts = tried[way[group]]
        if costs.min() > cost - LEAST_GAIN:
            return way
        cost = costs.min()


LEAST_GAIN = 1e-3
"""Of a round over all groups, for which another one follows."""


def _ends(count: int) -> NDArray[np.int64]:
    """Return where training and validation cells of ``count`` end; of three or more, each part has one at least."""
    first, second = np.rint(np.cumsum(SHARES[:2]) * count).astype(int)
    if count >= len(SHARES):
        first = min(first, count - 2)
        second = min(max(second, first + 1), count - 1)
    return np.array([first, second])
