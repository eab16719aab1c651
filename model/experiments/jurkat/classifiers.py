"""Classifiers on hand-made features: what the network must be worth more than, each with an operating point of its own.

A support vector machine gives no probabilities: its score of each class is taken for a logit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.operating_point import chosen
from cytogate.model.training.teachers import cross_fitted

LEAST = 1e-12
"""A probability below it counts as it: a classifier may say 0."""
STEP = 2.0**-9
"""Of the grid of offsets: as fine as a bias on the chip."""

Columns = NDArray[np.float64]
"""(cells, features)"""


def logits_of(fitted: BaseEstimator, columns: Columns) -> NDArray[np.float64]:
    """Return (cells, classes) logarithms of probabilities, or scores where there are none."""
    if hasattr(fitted, "predict_proba"):
        return np.log(np.maximum(fitted.predict_proba(columns), LEAST))
    scores = fitted.decision_function(columns)
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1) / 2


def chosen_share(
    fitted: BaseEstimator, columns: Columns, labels: NDArray[np.int64], inner_folds: int, seed: int
) -> float:
    """Return how much of the prior is taken off a classifier's logits, chosen on inner folds of its training cells."""

    def judge(number: int, fold: Fold) -> NDArray[np.float64]:
        with threadpool_limits(1, "openmp"):  # As classical.fitted has it: boosting waits for its threads.
            inner = clone(fitted).fit(columns[fold.training], labels[fold.training])
        return logits_of(inner, columns[fold.test])

    said = cross_fitted(stratified_folds(labels, inner_folds, seed), judge)
    return chosen(said, labels, np.bincount(labels), STEP).share


def svm_logits(columns: Columns, labels: NDArray[np.int64], fold: Fold, seed: int) -> NDArray[np.float64]:
    """Return scores (tested cells, classes) of a support vector machine, for the background check."""
    return logits_of(baselines.svm_columns(seed).fit(columns[fold.training], labels[fold.training]), columns[fold.test])
