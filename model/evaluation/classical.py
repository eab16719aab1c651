"""Classifiers on hand-made features that a network must be worth more than: SVM, shrinkage LDA, gradient boosting."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from cytogate.model.command.processes import in_processes
from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.design import Design
from cytogate.model.features import image_features, phase_features

SVM_GRID = {"svc__C": (1, 10, 100), "svc__gamma": ("scale", 0.005, 0.001)}
FOLDS = 4
TUNING_CELLS = 4000
"""Cells, of those given for training, that choose C and gamma: their cost grows with the square of the number."""

CACHE_MB = 1000
"""Rows of the SVM's kernel that are kept: with the usual 200 of many cells most are computed again and again."""

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


def fitted(features: NDArray[np.float64], labels: NDArray[np.int64], seed: int) -> dict[str, BaseEstimator]:
    """Fit every classifier to all the training cells given; what has to be chosen, is chosen on inner folds of them."""
    svm = make_pipeline(StandardScaler(), SVC(cache_size=CACHE_MB))
    folds = inner_folds(labels, seed)
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


def inner_folds(labels: NDArray[np.int64], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return at most FOLDS pairs: who is fitted, and who chooses; of at most TUNING_CELLS, drawn at random.

    Classes are dealt out evenly. The only cell of a class is always fitted and never chooses, so that every fold knows
    all the classes of those drawn.
    """
    drawn = np.random.default_rng(seed).permutation(len(labels))[:TUNING_CELLS]
    drawn = drawn[np.argsort(labels[drawn], kind="stable")]
    fold = np.arange(len(drawn)) % FOLDS
    fold[np.bincount(labels[drawn])[labels[drawn]] == 1] = FOLDS
    return [(drawn[fold != each], drawn[fold == each]) for each in range(FOLDS) if (fold == each).any()]
