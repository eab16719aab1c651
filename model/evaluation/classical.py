"""Classifiers on hand-made features that a network must be worth more than: SVM, shrinkage LDA, gradient boosting."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from cytogate.model.command.processes import in_processes
from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.design import Design
from cytogate.model.evaluation.metrics import Labels
from cytogate.model.evaluation.operating_point import chosen
from cytogate.model.features import image_features, phase_features

SVM_GRID = {"svc__C": (1, 10, 100), "svc__gamma": ("scale", 0.005, 0.001)}
FOLDS = 4
TUNING_CELLS = 4000
"""Cells, of those given for training, that choose C and gamma: their cost grows with the square of the number."""

CACHE_MB = 1000
"""Rows of the SVM's kernel that are kept: with the usual 200 of many cells most are computed again and again."""

LEAST = 1e-12
"""A probability below it counts as it: a classifier may say 0."""
STEP = 2.0**-9
"""Of the grid of a classifier's offsets: as fine as a bias on the chip."""

SVM, LDA, BOOSTING = "SVM", "shrinkage LDA", "gradient boosting"


def features_of(design: Design) -> Callable[[NDArray], NDArray[np.float64]]:
    """Return what computes the features (cells, features) of network inputs (cells, rows, columns, channels)."""
    return phase_features.features if design.retrieves_phase else image_features.hand_made


def features_in(cells: CellFile, chosen: NDArray[np.int64], design: Design, workers: int = 1) -> NDArray[np.float64]:
    """Return the features (len(chosen), features) of some cells of a file, the same from any number of processes."""
    parts = np.array_split(chosen, math.ceil(len(chosen) / FEATURES_AT_A_TIME))
    processes = workers if len(chosen) >= MANY_CELLS else 1
    return np.concatenate(list(in_processes(partial(_features_of, cells, design), parts, processes, "features")))


FEATURES_AT_A_TIME = 256
MANY_CELLS = 2000
"""Worth other processes: each takes seconds to start, and a thousand cells as long to compute."""


def _features_of(cells: CellFile, design: Design, part: NDArray[np.int64]) -> NDArray[np.float64]:
    return features_of(design)(cells.read(part))


def fitted(
    features: NDArray[np.float64], labels: NDArray[np.int64], seed: int, groups: NDArray | None = None
) -> dict[str, BaseEstimator]:
    """Fit every classifier to all the training cells given; what has to be chosen, is chosen on inner folds of them.

    Where cells come in ``groups`` (cells,), of donors or days, these folds keep them whole, as the split does: what
    knows donors by heart is not to be chosen.
    """
    svm = make_pipeline(StandardScaler(), SVC(cache_size=CACHE_MB))
    folds = inner_folds(labels, seed, groups)
    if folds:
        search = GridSearchCV(svm, SVM_GRID, cv=folds, n_jobs=2, refit=False).fit(features, labels)
        svm.set_params(**search.best_params_)
    estimators = {
        SVM: svm,
        LDA: shrinkage_lda(),
        # Stopped early, it would keep a tenth of the cells to itself, and could not if a class had but one.
        BOOSTING: HistGradientBoostingClassifier(early_stopping=False, random_state=seed),
    }
    # Boosting waits for all its threads thousands of times: beside other work, two take many times as long as one.
    with threadpool_limits(1, "openmp"):
        return {name: estimator.fit(features, labels) for name, estimator in estimators.items()}


def shrinkage_lda() -> BaseEstimator:
    """Return an unfitted linear discriminant analysis, which takes seconds."""
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def logits_of(estimator: BaseEstimator, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (cells, classes) logarithms of probabilities; of a support vector machine, which has none, scores."""
    if hasattr(estimator, "predict_proba"):
        return np.log(np.maximum(estimator.predict_proba(features), LEAST))
    scores = estimator.decision_function(features)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1) / 2


def predicted_at_point(
    estimator: BaseEstimator,
    validation: tuple[NDArray[np.float64], Labels],
    training_cells: NDArray[np.integer],
    features: NDArray[np.float64],
) -> Labels:
    """Return classes of ``features`` (cells, features) at the operating point that validation cells choose.

    Parameters
    ----------
    validation
        Features and labels of cells that the classifier was not fitted to: those that choose the network's point.
    training_cells : (classes,)
        Cells of each class that it was fitted to.
    """
    of_validation, labels = validation
    point = chosen(logits_of(estimator, of_validation), labels, training_cells, STEP)
    if point.operating_point is None:
        return estimator.predict(features)
    return (logits_of(estimator, features) + np.array(point.offsets)).argmax(axis=1)


def inner_folds(
    labels: NDArray[np.int64], seed: int, groups: NDArray | None = None
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return at most FOLDS pairs: who is fitted, and who chooses; of at most TUNING_CELLS, drawn at random.

    Classes are dealt out evenly. The only cell of a class is always fitted and never chooses, so that every fold knows
    all the classes of those drawn. Of whole groups folds are left out that do not; if none is left, groups are cut.
    """
    drawn = np.random.default_rng(seed).permutation(len(labels))[:TUNING_CELLS]
    by_groups = [] if groups is None else _folds_of_groups(labels[drawn], groups[drawn], seed)
    if by_groups:
        return [(drawn[known], drawn[chooses]) for known, chooses in by_groups]
    drawn = drawn[np.argsort(labels[drawn], kind="stable")]
    fold = np.arange(len(drawn)) % FOLDS
    fold[np.bincount(labels[drawn])[labels[drawn]] == 1] = FOLDS
    return [(drawn[fold != each], drawn[fold == each]) for each in range(FOLDS) if (fold == each).any()]


def _folds_of_groups(
    labels: NDArray[np.int64], groups: NDArray, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the folds that keep groups whole and in which every class is known."""
    folds = min(FOLDS, len(np.unique(groups)), int(np.bincount(labels).max()))
    if folds < 2:
        return []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of classes with fewer cells than folds.
        warnings.simplefilter("ignore", UserWarning)
        pairs = list(splitter.split(labels, labels, groups))
    every = np.unique(labels)
    return [(known, chooses) for known, chooses in pairs if np.array_equal(np.unique(labels[known]), every)]
