"""Teachers by cross-fitting: what a network learns instead of labels is what others say of cells they have not seen.

Each fold of the training cells is judged by teachers that were fitted to the other folds, so that no cell's label
decides its own target: a label that an expert would not give twice is not learned by heart, and a compact network
learns how sure it may be (knowledge distillation, G. Hinton et al. 2015, arXiv:1503.02531).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.data.folds import Fold
from cytogate.model.errors import InputError
from cytogate.model.networks.keras_backend import keras

Judge = Callable[[int, Fold], NDArray[np.float64]]
"""Fits a teacher to a fold's training cells, given the fold and its number; returns what it says of the test cells."""


def cross_fitted(folds: Sequence[Fold], judge: Judge) -> NDArray[np.float64]:
    """Return what teachers say of all cells (cells, ...), each cell by the teacher that has not seen it.

    Raises
    ------
    InputError
        If a cell is in no fold's test, or in two.

    Examples
    --------
    >>> odd, even = np.array([1, 3]), np.array([0, 2])
    >>> cross_fitted([Fold(odd, even), Fold(even, odd)], lambda number, fold: fold.test + number / 10).tolist()
    [0.0, 1.1, 2.0, 3.1]
    """
    order = np.concatenate([fold.test for fold in folds])
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise InputError("folds: a cell is judged twice or never; each must be in the test of one fold")
    return np.concatenate([judge(number, fold) for number, fold in enumerate(folds)])[np.argsort(order)]


def mixed_targets(said: NDArray[np.float64], labels: NDArray[np.int64], label_share: float) -> NDArray[np.float64]:
    """Return targets (cells, classes): teachers' probabilities, and the true label in ``label_share`` of each.

    Examples
    --------
    >>> mixed_targets(np.array([[0.5, 0.5]]), np.array([1]), 0.25).tolist()
    [[0.375, 0.625]]
    """
    return (1 - label_share) * said + label_share * np.eye(said.shape[1])[labels]


class TargetCrossentropy(keras.losses.Loss):
    """Cross-entropy of target probabilities (cells, classes) and logits (cells, classes)."""

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss (cells,)."""
        return -keras.ops.sum(y_true * keras.ops.log_softmax(y_pred, axis=-1), axis=-1)


def agreement(targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return 1 where the highest logit is the most probable class's, else 0, (cells,): the accuracy of a curve."""
    return keras.ops.cast(keras.ops.argmax(targets, axis=-1) == keras.ops.argmax(outputs, axis=-1), "float32")
