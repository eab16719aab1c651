"""Teachers' answers for cells that they have not learned from: targets of a student, and how good the teachers are.

Each fold of the cells is judged by teachers that were fitted to the other folds: a float network for all four parts
of a cell, and classifiers on hand-made features for each part. A logistic regression on what they say gives one
probability. So no cell's label decides its own target but by the few weights of that regression, and a label that
experts would not give twice is not learned by heart. Other cells are judged by the mean of all folds' teachers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.data.mhsma import LABELS, SpermCells
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.classical import BOOSTING, LDA, SVM, shrinkage_lda
from cytogate.model.experiments.mhsma.learning import Lesson, SpermSizes, logits_of_views
from cytogate.model.experiments.setting import Setting
from cytogate.model.networks.keras_backend import keras

NETWORK = "float network"
TEACHERS = (NETWORK, SVM, LDA, BOOSTING)
CLASSIFIERS = (SVM, LDA, BOOSTING)
TEACHERS_C = 3.0
"""Penalty of the teachers' support vector machines; the baseline's is chosen by inner folds."""


@dataclass(frozen=True, eq=False)
class Taught:
    """What the teachers say."""

    learned: NDArray[np.float64]
    """(cells, 4) probabilities of the cells that are learned from, each by teachers that have not seen it."""
    reported: NDArray[np.float64]
    """(cells, 4) probabilities of the cells that are reported on."""
    scores: dict[str, NDArray[np.float64]]
    """(cells, 4) by teacher, of the cells that are learned from: above 0 is abnormal."""


def taught(
    cells: SpermCells,
    reported: SpermCells,
    features: tuple[NDArray[np.float64], NDArray[np.float64]],
    sizes: SpermSizes,
    setting: Setting,
) -> Taught:
    """Fit the teachers and return what they say; ``features`` are those of both sets of cells."""
    # By how many parts are abnormal: combinations of labels are too rare for folds of their own.
    folds = stratified_folds(np.minimum(cells.labels.sum(axis=1), 2), sizes.folds, setting.seed)
    own = {name: np.empty(cells.labels.shape) for name in TEACHERS}
    others = {name: np.zeros(reported.labels.shape) for name in TEACHERS}
    for number, fold in enumerate(folds):
        network = _network(cells, fold, number, sizes, setting)
        own[NETWORK][fold.test] = logits_of_views(network, cells.images[fold.test], sizes)
        others[NETWORK] += logits_of_views(network, reported.images, sizes) / len(folds)
        for column in setting.tracked(range(len(LABELS)), f"fold {number + 1}: classifiers on hand-made features"):
            for name, estimator in _teachers(setting.seed).items():
                _fit(estimator, features[0][fold.training], cells.labels[fold.training, column])
                own[name][fold.test, column] = estimator.decision_function(features[0][fold.test])
                others[name][:, column] += estimator.decision_function(features[1]) / len(folds)
    learned, said = np.empty(cells.labels.shape), np.empty(reported.labels.shape)
    for column in range(len(LABELS)):
        joined = make_pipeline(StandardScaler(), LogisticRegression())
        joined.fit(_columns(own, column), cells.labels[:, column])
        learned[:, column] = joined.predict_proba(_columns(own, column))[:, 1]
        said[:, column] = joined.predict_proba(_columns(others, column))[:, 1]
    return Taught(learned, said, own)


def baseline_predictions(
    cells: SpermCells, features: tuple[NDArray[np.float64], NDArray[np.float64]], setting: Setting
) -> dict[str, NDArray[np.int64]]:
    """Fit each classifier to all cells that are learned from; return what it predicts of the others, (cells, 4)."""
    found = {name: np.empty((len(features[1]), len(LABELS)), np.int64) for name in CLASSIFIERS}
    for column in setting.tracked(range(len(LABELS)), "baselines"):
        for name, estimator in _teachers(setting.seed).items():
            labels = cells.labels[:, column]
            fitted = (
                fitted_svm(features[0], labels, setting.seed) if name == SVM else _fit(estimator, features[0], labels)
            )
            found[name][:, column] = fitted.predict(features[1])
    return found


def fitted_svm(features: NDArray[np.float64], labels: NDArray[np.int64], seed: int) -> BaseEstimator:
    """Fit a support vector machine whose C and gamma inner folds choose."""
    return baselines.svm_columns(seed).fit(features, labels)


def _teachers(seed: int) -> dict[str, BaseEstimator]:
    return {
        SVM: make_pipeline(StandardScaler(), SVC(C=TEACHERS_C)),
        LDA: shrinkage_lda(),
        BOOSTING: HistGradientBoostingClassifier(random_state=seed),
    }


def _fit(estimator: BaseEstimator, features: NDArray[np.float64], labels: NDArray[np.int64]) -> BaseEstimator:
    # Boosting waits for all its threads thousands of times: beside other work, two take many times as long as one.
    with threadpool_limits(1, "openmp"):
        return estimator.fit(features, labels)


def _network(cells: SpermCells, fold: Fold, number: int, sizes: SpermSizes, setting: Setting) -> keras.Model:
    lesson = Lesson(
        cells.images[fold.training],
        cells.labels[fold.training].astype(np.float64),
        sizes,
        setting.seed + number,
        setting.work,
    )
    with setting.training() as show:
        return lesson.float_network(f"teacher-{number}", sizes.teacher_epochs, show).model


def _columns(scores: dict[str, NDArray[np.float64]], column: int) -> NDArray[np.float64]:
    return np.stack([scores[name][:, column] for name in TEACHERS], axis=1)
