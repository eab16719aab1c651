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

SVM_GRID = {"svc__C": (1, 10, 100), "svc__gamma": ("scale", 0.02)}
FOLDS = 4
TUNING_CELLS = 4000
"""Cells, of those given for training, that choose C and gamma: their cost grows with the square of the number."""

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
    """Fit every classifier to features of training cells alone; what has to be chosen, is chosen on inner folds."""
    rare = int(np.bincount(labels)[np.unique(labels)].min())
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()), SVM_GRID, cv=max(2, min(FOLDS, rare)), n_jobs=2, refit=False
    )
    tuned = np.random.default_rng(seed).permutation(len(labels))[:TUNING_CELLS]
    search.fit(features[tuned], labels[tuned])
    estimators = {
        SVM: make_pipeline(StandardScaler(), SVC()).set_params(**search.best_params_),
        LDA: make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        BOOSTING: HistGradientBoostingClassifier(random_state=seed),
    }
    # Boosting waits for all its threads thousands of times: beside other work, two take many times as long as one.
    with threadpool_limits(1, "openmp"):
        return {name: estimator.fit(features, labels) for name, estimator in estimators.items()}
