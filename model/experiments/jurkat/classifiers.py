"""Classifiers on hand-made features, which the network must be worth more than, each at its own operating point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.evaluation import baselines
from cytogate.model.evaluation.classical import STEP, logits_of
from cytogate.model.evaluation.operating_point import chosen
from cytogate.model.training.teachers import cross_fitted

Columns = NDArray[np.float64]
"""(cells, features)"""


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
