"""Classifiers on hand-made features: computed by any number of processes, and fitted to whatever cells there are."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.folder import load_design
from cytogate.model.evaluation import classical
from cytogate.model.features.phase_features import features


def test_features_do_not_depend_on_the_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "MANY_CELLS", 2)
    monkeypatch.setattr(classical, "FEATURES_AT_A_TIME", 3)
    inputs = np.random.default_rng(0).integers(0, 40, (9, 64, 64, 5), np.uint8)
    inputs[:, 20:40, 15:44, 4] += 60
    path = tmp_path / "cells.h5"
    with h5py.File(path, "w") as file:
        file["network_input"], file["labels"] = inputs, np.arange(9) % 5
    design = load_design("qatom64")
    cells, chosen = CellFile.of(path, design), np.array([8, 1, 5, 0, 4, 2, 7])
    one, two = (classical.features_in(cells, chosen, design, workers) for workers in (1, 2))
    assert np.array_equal(one, two)
    assert np.array_equal(one, features(inputs[chosen]))
    assert (one[:, 0] > 500).all()


@pytest.mark.parametrize("counts", [(40, 41, 43), (30, 2, 5), (30, 1, 5), (1, 1)])
def test_inner_folds_know_every_class_and_let_each_cell_choose_once(counts: tuple[int, ...]) -> None:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    folds = classical.inner_folds(labels, seed=3)
    assert len(folds) == (0 if max(counts) == 1 else classical.FOLDS)
    choosing = np.concatenate([chosen for _, chosen in folds]) if folds else np.array([], int)
    alone = np.bincount(labels)[labels] == 1
    assert sorted(choosing) == np.flatnonzero(~alone).tolist()
    for known, chosen in folds:
        assert set(labels[known]) == set(labels)
        assert not set(known) & set(chosen)
        assert len(known) + len(chosen) == len(labels)


@pytest.mark.parametrize(("donors", "classes"), [(12, 2), (7, 3), (4, 1)])
def test_inner_folds_keep_groups_whole(donors: int, classes: int) -> None:
    groups = np.repeat(np.arange(donors), 25)
    labels = np.random.default_rng(0).integers(0, classes, len(groups))
    folds = classical.inner_folds(labels, 0, groups)
    assert len(folds) == classical.FOLDS
    for known, chosen in folds:
        assert not set(groups[known]) & set(groups[chosen])
        assert set(labels[known]) == set(labels)
    assert sorted(np.concatenate([chosen for _, chosen in folds])) == list(range(len(labels)))


@pytest.mark.parametrize("groups", [np.zeros(100), np.repeat([0, 1], 50)])
def test_groups_are_cut_where_no_fold_of_whole_ones_knows_every_class(groups: np.ndarray) -> None:
    labels = np.repeat([0, 1], 50)
    for known, _ in classical.inner_folds(labels, 0, groups):
        assert set(labels[known]) == {0, 1}
    assert len(classical.inner_folds(labels, 0, groups)) == classical.FOLDS


def test_classifiers_have_operating_points_of_their_own() -> None:
    """A rare class that overlaps a frequent one: validation cells choose a point, test cells profit."""
    rng = np.random.default_rng(0)

    def drawn(cells: int, one_in: int) -> tuple[np.ndarray, np.ndarray]:
        labels = (np.arange(cells) % one_in == 0).astype(np.int64)
        return labels[:, np.newaxis] * 1.5 + rng.normal(size=(cells, 2)), labels

    for one_in, gains in ((10, True), (2, False)):
        training, validation, test = drawn(2000, one_in), drawn(600, one_in), drawn(2000, one_in)
        estimator = classical.shrinkage_lda().fit(*training)
        plain = estimator.predict(test[0])
        found = classical.predicted_at_point(estimator, validation, np.bincount(training[1]), test[0])
        recalls = [np.mean([np.mean(said[test[1] == each] == each) for each in (0, 1)]) for said in (plain, found)]
        assert recalls[1] > recalls[0] + 0.02 if gains else np.array_equal(plain, found)


def test_the_cells_that_choose_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "TUNING_CELLS", 24)
    for known, chosen in classical.inner_folds(np.arange(200) % 3, seed=0):
        assert (len(known), len(chosen)) == (18, 6)


@pytest.mark.filterwarnings("error", "ignore:Only one sample available")
@pytest.mark.parametrize("counts", [(60, 60, 60), (60, 60, 1), (2, 1)])
def test_all_cells_are_fitted_even_if_a_class_has_one(counts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where few of them choose; classes lie far apart, so that each classifier knows its own cells again."""
    monkeypatch.setattr(classical, "TUNING_CELLS", 40)
    monkeypatch.setattr(classical, "SVM_GRID", {"svc__C": (1, 10)})
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    features = rng.normal(labels[:, None] * 9, 1, (len(labels), 4))
    found = classical.fitted(features, labels, seed=0)
    assert set(found) == {classical.SVM, classical.LDA, classical.BOOSTING}
    for name, estimator in found.items():
        assert set(estimator.classes_) == set(labels.tolist()), name
        if min(counts) > 1:
            assert np.array_equal(estimator.predict(features), labels), name
    assert found[classical.SVM][-1].shape_fit_ == features.shape
    # What "auto" does beyond 10,000 cells would keep a tenth of them from being fitted.
    assert found[classical.BOOSTING].early_stopping is False
