"""Figures of merit: those of scikit-learn to the last digits, and intervals that hold what they promise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from cytogate.model.data.folds import stratified_folds
from cytogate.model.errors import InputError
from cytogate.model.evaluation.metrics import (
    BINS,
    Interval,
    Metrics,
    Repeats,
    _confusion,
    _ece,
    _Ranks,
    calibration,
)

NAMES = ("round", "long", "rare")


def answers(cells: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of uneven classes, predictions that are often right, and their probabilities, rounded so that some tie."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, cells, p=(0.6, 0.3, 0.1))
    scores = rng.standard_normal((cells, 3)) + 1.5 * np.eye(3)[labels]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    probabilities = np.round(probabilities, 2)
    probabilities[:, 0] += 1 - probabilities.sum(axis=1)
    probabilities = np.abs(probabilities)
    return labels, probabilities.argmax(axis=1), probabilities


def test_every_figure_is_scikit_learns() -> None:
    """Precision, recall, F and area of 3 classes, and balanced accuracy."""
    labels, predicted, probabilities = answers()
    metrics = Metrics.of(labels, predicted, NAMES, probabilities)
    for number, figures in enumerate(metrics.classes):
        is_class, said = labels == number, predicted == number
        assert figures.precision.value == precision_score(is_class, said)
        assert figures.recall.value == recall_score(is_class, said)
        assert figures.specificity.value == recall_score(~is_class, ~said)
        assert figures.f.value == pytest.approx(f1_score(is_class, said), abs=1e-15)
        assert figures.auc.value == roc_auc_score(is_class, probabilities[:, number])
        assert figures.accuracy.value == (is_class == said).mean()
        assert figures.cells == is_class.sum()
    assert metrics.balanced_accuracy.value == balanced_accuracy_score(labels, predicted)
    assert metrics.accuracy.value == (labels == predicted).mean()
    assert np.sum(metrics.confusion) == len(labels)
    for figure in (metrics.accuracy, metrics.balanced_accuracy, metrics.classes[2].auc, metrics.classes[2].f):
        assert figure.low is not None
        assert figure.low < figure.value < figure.high  # type: ignore[operator]


def test_resampled_figures_are_scikit_learns_with_weights() -> None:
    """20 resamples: tables and areas as scikit-learn has them for the same weights."""
    labels, predicted, probabilities = answers(150)
    rng = np.random.default_rng(1)
    ranks = _Ranks.of(probabilities[:, 1])
    for _ in range(20):
        weights = np.bincount(rng.integers(0, 150, 150), minlength=150)
        table = _confusion(labels, predicted, 3, weights)
        assert np.mean(table.diagonal() / table.sum(axis=1)) == pytest.approx(
            balanced_accuracy_score(labels, predicted, sample_weight=weights), abs=1e-12
        )
        assert ranks.auc(labels == 1, weights) == pytest.approx(
            roc_auc_score(labels == 1, probabilities[:, 1], sample_weight=weights), abs=1e-12
        )


def test_wilsons_interval() -> None:
    """Against Wilson 1927 by hand for 8 of 10: (8 + z^2/2 -+ z sqrt(8 * 2/10 + z^2/4)) / (10 + z^2)."""
    z = 1.959963984540054
    middle, half = 8 + z * z / 2, z * np.sqrt(8 * 2 / 10 + z * z / 4)
    figure = Interval.share(8, 10)
    assert (figure.low, figure.high) == pytest.approx(((middle - half) / (10 + z * z), (middle + half) / (10 + z * z)))
    assert Interval.share(0, 0) == Interval(None, None, None)


def test_a_bootstrap_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    """40 sets of 200 cells, balanced accuracy; 95 % of 40 is 38, fewer than 33 has a chance below 1 in 100."""
    rng = np.random.default_rng(5)
    recalls, held = np.array([0.9, 0.6]), 0
    for seed in range(40):
        labels = rng.integers(0, 2, 200)
        predicted = np.where(rng.random(200) < recalls[labels], labels, 1 - labels)
        figure = Metrics.of(labels, predicted, ("a", "b"), seed=seed).balanced_accuracy
        held += figure.low <= 0.75 <= figure.high  # type: ignore[operator]
    assert held >= 33


def test_intervals_over_groups_hold_where_cells_go_wrong_together() -> None:
    """40 sets of 15 donors, whose recalls differ: intervals over single cells are too narrow."""
    rng = np.random.default_rng(6)
    held = {False: [0, 0], True: [0, 0]}
    for seed in range(40):
        donors = np.repeat(np.arange(15), rng.integers(20, 60, 15))
        labels = rng.integers(0, 2, len(donors))
        recalls = rng.beta(1.5, 0.5, 15)[donors]
        predicted = np.where(rng.random(len(donors)) < recalls, labels, 1 - labels)
        worse = np.where(rng.random(len(donors)) < recalls, predicted, 1 - labels)
        for grouped in held:
            groups = donors.astype(str) if grouped else None
            figures = Metrics.of(labels, predicted, ("a", "b"), seed=seed, groups=groups)
            found = (figures.balanced_accuracy, Interval.difference(labels, predicted, worse, groups, seed))
            # Mean of a recall, and of what is lost where a second look must be right, too.
            for place, (figure, truth) in enumerate(zip(found, (3 / 4, 3 / 4 - 5 / 8), strict=True)):
                held[grouped][place] += figure.low <= truth <= figure.high  # type: ignore[operator]
    assert all(each >= 33 for each in held[True]), held
    assert held[False][0] < 25, held


def test_intervals_over_groups_are_never_narrower_than_over_cells() -> None:
    """All cells of two groups are right: no resample differs, Wilson's interval stays. One group tells nothing more."""
    labels = np.array([0, 1] * 10)
    groups = np.repeat([7, 9], 10)
    alone, grouped = (Metrics.of(labels, labels, ("a", "b"), groups=each) for each in (None, groups))
    assert grouped.accuracy == alone.accuracy == Interval.share(20, 20)
    assert grouped.classes[0] == alone.classes[0]
    predicted, probabilities = np.where(groups == 7, labels, 1 - labels), np.full((20, 2), 0.5)
    for each in ("accuracy", "balanced_accuracy"):
        one, two = (
            getattr(Metrics.of(labels, predicted, ("a", "b"), probabilities, groups=given), each)
            for given in (None, groups)
        )
        assert two.value == one.value == 0.5
        assert two.low < one.low < one.high < two.high
    one = Interval.difference(labels, predicted, labels, np.zeros(20))
    assert one.low == pytest.approx(Interval.difference(labels, predicted, labels).low, abs=0.05)
    with pytest.raises(InputError, match="19 groups of 20 cells; one a cell is needed"):
        Metrics.of(labels, labels, ("a", "b"), groups=groups[1:])


def test_one_seed_one_result() -> None:
    labels, predicted, probabilities = answers()
    first, again, other = (Metrics.of(labels, predicted, NAMES, probabilities, seed) for seed in (0, 0, 1))
    assert first == again
    assert first.balanced_accuracy.low != other.balanced_accuracy.low
    assert json.loads(json.dumps(first.as_dict()))["classes"][2]["name"] == "rare"


def test_calibration_by_hand() -> None:
    """5 cells: two at .95 of which one is right, two at .65 both right, one at 1.0 right."""
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65], [1.0, 0.0]])
    labels = np.array([0, 1, 0, 1, 0])
    told = calibration(labels, probabilities)
    assert [each.cells for each in told.curve] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 3]
    assert told.curve[9].confidence == pytest.approx((0.95 + 0.95 + 1) / 3)
    assert told.curve[9].accuracy.value == pytest.approx(2 / 3)
    assert told.curve[0].confidence is None
    # (2 * |.65 - 1| + 3 * |.9667 - .6667|) / 5
    assert told.ece.value == pytest.approx((0.7 + 0.9) / 5)


def test_over_confidence_is_seen() -> None:
    """4,000 cells: honest probabilities have a small error, sharpened ones a large one."""
    rng = np.random.default_rng(0)
    honest = rng.uniform(0.5, 1, 4000)
    labels = (rng.random(4000) > honest).astype(np.int64)
    sharp = honest**4 / (honest**4 + (1 - honest) ** 4)
    errors = [calibration(labels, np.stack([p, 1 - p], axis=1)).ece.value for p in (honest, sharp)]
    assert errors[0] < 0.03 < 0.08 < errors[1]  # type: ignore[operator]
    assert _ece(np.zeros(4, int), np.array([0.5, -0.5, 0.5, -0.5]), np.array([2, 0, 1, 1])) == pytest.approx(0.25)
    assert BINS == 10


def test_classes_that_are_not_there() -> None:
    """No cell of one class, no prediction of another: no figure rather than a wrong one."""
    metrics = Metrics.of(np.array([0, 0, 1, 1]), np.array([0, 2, 0, 2]), NAMES)
    assert metrics.classes[1].precision.value is None
    assert metrics.classes[2].recall.value is None
    assert metrics.classes[2].f.value == 0
    assert metrics.balanced_accuracy.value == 0.25
    assert metrics.calibration is None
    assert metrics.classes[0].auc.value is None


@pytest.mark.parametrize("right", [0, 5, 20])
def test_cells_of_one_class_alone(right: int) -> None:
    """What is called by the name of another class is wrong in every figure."""
    labels = np.zeros(20, int)
    metrics = Metrics.of(labels, np.where(np.arange(20) < right, 0, 1), NAMES)
    share = right / 20
    assert metrics.accuracy.value == metrics.balanced_accuracy.value == metrics.classes[0].recall.value == share
    assert metrics.balanced_accuracy.low <= share <= metrics.balanced_accuracy.high  # type: ignore[operator]


def test_logits_are_no_probabilities() -> None:
    labels, predicted, _ = answers(10)
    for wrong, told in ((np.full((10, 3), 2.0), "logits"), (np.full((10, 2), 0.5), r"\(10, 3\)")):
        with pytest.raises(InputError, match=told):
            Metrics.of(labels, predicted, NAMES, wrong)
    with pytest.raises(InputError, match="none of 0 to 1"):
        Metrics.of(labels, predicted, NAMES[:2])


def test_intervals_lie_above_or_below_a_level_as_a_whole() -> None:
    found = Interval(0.3, 0.2, 0.4)
    assert (found.is_above(0.19), found.is_above(0.2), found.is_below(0.4), found.is_below(0.41)) == (
        True, False, False, True,
    )  # fmt: skip
    none = Interval(None, None, None)
    assert not none.is_above(-1)
    assert not none.is_below(2)
    assert found.known == 0.3
    with pytest.raises(ValueError, match="do not define"):
        _ = none.known


def test_repeated_trainings() -> None:
    assert Repeats.of([0.5, 0.7]).as_dict() == {
        "values": (0.5, 0.7),
        "mean": pytest.approx(0.6),
        "standard_deviation": pytest.approx(np.sqrt(0.02)),
    }
    assert Repeats.of([0.5]).standard_deviation is None


def test_folds_are_disjoint_whole_and_stratified() -> None:
    """5 folds of 240 cells, the rarest class with 12."""
    labels = np.repeat([0, 1, 2], [160, 68, 12])
    folds = stratified_folds(labels)
    assert np.sort(np.concatenate([fold.test for fold in folds])).tolist() == list(range(240))
    for fold, again in zip(folds, stratified_folds(labels), strict=True):
        assert np.array_equal(fold.test, again.test)
        assert not np.intersect1d(fold.training, fold.test).size
        assert len(fold.training) + len(fold.test) == 240
        assert np.bincount(labels[fold.test])[2] in (2, 3)
        fitted, selecting = fold.with_validation(labels, 0.2, 0)
        assert np.array_equal(np.sort(np.concatenate([fitted, selecting])), fold.training)
        assert np.bincount(labels[selecting])[2] >= 1
    with pytest.raises(InputError, match="class 2 has 12 cells; each of 13 folds"):
        stratified_folds(labels, 13)
    with pytest.raises(InputError, match="no cells"):
        stratified_folds(labels[:0])


def test_paired_difference_of_balanced_accuracy() -> None:
    """A gain in a class of ten weighs as much as one in a class of a thousand; the error is the rare class's."""
    labels = np.repeat([0, 1], [1000, 10])
    one, other = labels.copy(), labels.copy()
    other[1000:1004] = 0
    found = Interval.balanced_difference(labels, one, other, 3)
    assert found.value == pytest.approx(0.4 / 2)
    error = math.sqrt(0.4 * 0.6 / 10) / 2
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert Interval.balanced_difference(labels, one, one, 3) == Interval(0.0, 0.0, 0.0)
    swapped = Interval.balanced_difference(labels, other, one, 3)
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx((-0.2, -found.high, -found.low))
