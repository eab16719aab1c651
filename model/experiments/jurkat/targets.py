"""Teachers' answers for the cells of a fold: targets of its student, and how good the teachers are.

A float network, seen in the eight symmetries, and a linear discriminant analysis on hand-made features: a mean of
their probabilities, in which the network has the greater part and the analysis brings the rare classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.evaluation.classical import shrinkage_lda
from cytogate.model.experiments.jurkat.classifiers import Columns
from cytogate.model.experiments.jurkat.learning import JurkatSizes, Lesson, probabilities_of_views, smoothed
from cytogate.model.experiments.setting import Setting
from cytogate.model.training.teachers import cross_fitted


@dataclass(frozen=True, eq=False)
class Seen:
    """Cells as a network and as a classifier see them."""

    values: NDArray[np.float32]
    """(cells, side, side, channels)"""
    columns: Columns

    def __getitem__(self, chosen: NDArray[np.int64]) -> Seen:
        return Seen(self.values[chosen], self.columns[chosen])


@dataclass(frozen=True, eq=False)
class Taught:
    """What the teachers say."""

    learned: NDArray[np.float64]
    """(cells, classes) probabilities of the training cells, each by teachers that have not seen it."""
    tested: NDArray[np.float64]
    """(cells, classes) probabilities of the tested cells: the mean of all teachers."""


def taught(
    training: Seen, labels: NDArray[np.int64], tested: Seen, sizes: JurkatSizes, setting: Setting, folder: Path
) -> Taught:
    """Fit the teachers to inner folds of the training cells, ``labels`` (cells,), and return what they say."""
    classes = int(labels.max()) + 1
    folds = stratified_folds(labels, sizes.inner_folds, setting.seed)
    of_tested: list[NDArray[np.float64]] = []

    def judge(number: int, fold: Fold) -> NDArray[np.float64]:
        known, known_labels = training[fold.training], labels[fold.training]
        lesson = Lesson(known.values, smoothed(known_labels, classes), sizes, setting.seed + number, folder)
        with setting.training() as show:
            network = lesson.float_network(f"teacher-{number}", sizes.teacher_epochs, show).model
        lda = shrinkage_lda().fit(known.columns, known_labels)

        def said(of: Seen) -> NDArray[np.float64]:
            by_network, by_lda = probabilities_of_views(network, of.values), lda.predict_proba(of.columns)
            return sizes.network_share * by_network + (1 - sizes.network_share) * by_lda

        of_tested.append(said(tested))
        return said(training[fold.test])

    learned = cross_fitted(folds, judge)
    return Taught(learned, np.mean(of_tested, axis=0))
