"""Targets that teachers give who have not seen the cell, and the loss that learns them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from cytogate.model.data.folds import Fold, stratified_folds
from cytogate.model.errors import InputError
from cytogate.model.training.teachers import TargetCrossentropy, cross_fitted, mixed_targets


def test_no_cell_is_judged_by_a_teacher_that_has_seen_it() -> None:
    labels = np.arange(60) % 3
    folds = stratified_folds(labels, 4)

    def judge(number: int, fold: Fold) -> np.ndarray:
        """Say, of each cell, whether it was learned from, who says it and which cell it is."""
        seen = np.isin(fold.test, fold.training)
        return np.stack([seen, np.full(len(seen), number), fold.test], axis=1).astype(float)

    said = cross_fitted(folds, judge)
    assert said.shape == (60, 3)
    assert not said[:, 0].any()
    assert said[:, 2].tolist() == list(range(60))
    for number, fold in enumerate(folds):
        assert set(said[fold.test, 1]) == {number}


@pytest.mark.parametrize("tests", [([0, 1], [1, 2]), ([0], [2])])
def test_a_cell_that_is_judged_twice_or_never_is_refused(tests: tuple[list[int], list[int]]) -> None:
    folds = [Fold(np.array([3]), np.array(each)) for each in tests]
    with pytest.raises(InputError, match="judged twice or never"):
        cross_fitted(folds, lambda number, fold: fold.test.astype(float))


def test_targets_are_probabilities_with_the_label_in_them() -> None:
    said = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    labels = np.arange(50) % 4
    targets = mixed_targets(said, labels, 0.3)
    assert targets.sum(axis=1) == pytest.approx(np.ones(50))
    assert targets[np.arange(50), labels] == pytest.approx(0.7 * said[np.arange(50), labels] + 0.3)
    assert mixed_targets(said, labels, 0.0) == pytest.approx(said)


def test_the_loss_is_least_where_the_targets_are_said() -> None:
    rng = np.random.default_rng(1)
    targets = rng.dirichlet(np.ones(3), 20).astype(np.float32)
    logits = rng.normal(size=(20, 3)).astype(np.float32)
    found = np.asarray(TargetCrossentropy().call(targets, logits))
    assert found == pytest.approx(-(targets * log_softmax(logits, axis=1)).sum(axis=1), abs=1e-5)
    least = np.asarray(TargetCrossentropy().call(targets, np.log(targets)))
    assert (least <= found).all()
