"""Folds of a labelled set: who trains, who selects, who is reported on, decided before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from cytogate.model.errors import InputError

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """Indices of the cells to fit everything on (scalers and thresholds too), and to report on; disjoint, sorted."""

    training: Indices
    test: Indices

    def with_validation(self, labels: NDArray[np.int64], share: float, seed: int) -> tuple[Indices, Indices]:
        """Split ``training``, stratified by class: the cells to fit on, and the ``share`` that stops or selects."""
        try:
            fitted, selecting = train_test_split(
                self.training, test_size=share, random_state=seed, stratify=labels[self.training]
            )
        except ValueError as error:
            raise InputError(f"{len(self.training)} cells cannot be split by {share:.0%} and class: {error}") from error
        return np.sort(fitted), np.sort(selecting)


def stratified_folds(labels: NDArray[np.int64], folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Return ``folds`` folds of ``labels`` (cells,), in each of which the classes have nearly the shares of the whole.

    Every cell is tested once. The split depends on labels and seed alone, so that everything compared on it is
    compared on the same cells.

    Raises
    ------
    InputError
        Where a class has fewer cells than there are folds.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if not len(counts) or counts.min() < folds:
        rare = int(np.argmin(counts)) if len(counts) else 0
        told = f"class {classes[rare]} has {counts[rare]} cells" if len(counts) else "there are no cells"
        raise InputError(f"{told}; each of {folds} folds needs one of every class")
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return tuple(Fold(training, test) for training, test in splitter.split(labels, labels))
