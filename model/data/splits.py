"""Split cells into training, selection and a part reported on once, before anything is fitted, groups kept whole."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

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
    def by_groups(labels: NDArray[np.int64], groups: NDArray, seed: int) -> Split:
        """Split so that all cells of a group, of a donor or a day, are on one side; shares and classes come close.

        Raises
        ------
        InputError
            If there are fewer than three groups, some class is in fewer, or in no training group.
        """
        names = np.unique(groups)
        if len(names) < 3:
            raise InputError(f"groups are {', '.join(map(str, names))}; three are needed to train, select and test")
        for label in np.unique(labels):
            own = np.unique(groups[labels == label])
            if len(own) < 3:
                raise InputError(
                    f"cells of class {label} are in groups {', '.join(map(str, own))} alone; three are needed to "
                    "train, select and test on it"
                )
        test = _share_of_groups(labels, groups, SHARES[2], seed)
        rest = np.setdiff1d(np.arange(len(labels)), test)
        of_rest = _share_of_groups(labels[rest], groups[rest], SHARES[1] / (1 - SHARES[2]), seed)
        validation = rest[of_rest]
        split = Split(np.setdiff1d(rest, validation), validation, test)
        lacking = np.setdiff1d(np.unique(labels), np.unique(labels[split.training]))
        if len(lacking):
            raise InputError(f"class {lacking[0]} is in no group that trains; give it cells in more groups")
        return split


def check_classes(labels: NDArray[np.int64], class_names: Sequence[str], where: str) -> None:
    """Raise an :class:`InputError` unless every class has enough cells to train, select and test."""
    counts = np.bincount(labels, minlength=len(class_names))
    few = [f"{name} {count}" for name, count in zip(class_names, counts, strict=True) if count < LEAST_OF_A_CLASS]
    if few:
        raise InputError(f"{where}: cells of a class: {', '.join(few)}; {LEAST_OF_A_CLASS} of each are the least")


def _share_of_groups(labels: NDArray[np.int64], groups: NDArray, share: float, seed: int) -> NDArray[np.int64]:
    """Return the cells of about ``share`` of the groups, at least one, with the classes' shares as far as possible.

    Of several ways the first that leaves cells of each class on both sides, if there is one.
    """
    # No more folds than the largest class has cells: the splitter would end with an error.
    folds = max(2, min(round(1 / share), len(np.unique(groups)), int(np.bincount(labels).max())))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of classes with fewer cells than folds, which is what is looked at here.
        warnings.simplefilter("ignore", UserWarning)
        ways = list(splitter.split(labels, labels, groups))
    classes = len(np.unique(labels))
    whole = [way for way in ways if all(len(np.unique(labels[side])) == classes for side in way)]
    return np.sort((whole or ways)[0][1])


def _ends(count: int) -> NDArray[np.int64]:
    """Return where training and validation cells of ``count`` end; of three or more, each part has one at least."""
    first, second = np.rint(np.cumsum(SHARES[:2]) * count).astype(int)
    if count >= len(SHARES):
        first = min(first, count - 2)
        second = min(max(second, first + 1), count - 1)
    return np.array([first, second])
