"""Test-set metrics, each with its 95 % interval, and paired differences.

Shares of counted cells have Wilson's intervals; figures that are no share of one count (F, balanced accuracy, area
under the ROC curve, calibration error) have percentiles of a seeded bootstrap over the cells. Intervals say how well
this classifier is known on cells like these, not how another training or other folds would turn out: :class:`Repeats`.

Cells of a donor, a day or a hologram go right or wrong together. Where groups are given, the bootstrap draws whole
groups and then cells within each (Davison and Hinkley 1997, section 3.8), and no interval is narrower than it finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from cytogate.model.errors import InputError

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.96
"""Of 97.5 %: half the width of a 95 % interval in standard errors."""
RESAMPLES = 1000
BINS = 10
"""Bins of equal width of the reliability curve; Guo et al. 2017 use 15 for ten thousand images."""

Labels = NDArray[np.int64]
Probabilities = NDArray[np.floating]
Groups = NDArray
"""(cells,) which of them come together: a number or a name of a donor, a day, a run or a hologram."""
Weights = NDArray[np.int64]
"""(cells,) how often a resample holds each cell."""


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; None where the cells do not define it, as the precision of a class never said."""

    value: float | None
    low: float | None
    high: float | None

    @staticmethod
    def share(part: int, whole: int) -> Interval:
        """Return ``part / whole`` with Wilson's interval."""
        if not whole:
            return Interval(None, None, None)
        interval = binomtest(part, whole).proportion_ci(CONFIDENCE, method="wilson")
        return Interval(part / whole, float(interval.low), float(interval.high))

    @staticmethod
    def difference(labels: Labels, one: Labels, other: Labels, groups: Groups | None = None, seed: int = 0) -> Interval:
        """Return the accuracy of one prediction less that of another of the same cells, compared cell by cell."""
        gains = (one == labels).astype(float) - (other == labels)
        mean, error = float(gains.mean()), NORMAL_QUANTILE * float(gains.std()) / math.sqrt(len(gains))
        found = Interval(mean, mean - error, mean + error)
        if groups is None:
            return found
        return found.widened(
            _resampled(lambda weights: np.array(weights @ gains / weights.sum()), len(gains), seed, groups)
        )

    @staticmethod
    def balanced_difference(labels: Labels, one: Labels, other: Labels, seed: int = 0) -> Interval:
        """Return the balanced accuracy of one prediction less that of another of the same cells.

        Cells are drawn again within each class, so that no resample lacks a rare one, and both are judged on the same.
        """
        gains = (one == labels).astype(float) - (other == labels)
        rng = np.random.default_rng(seed)
        value, resampled = 0.0, np.zeros(RESAMPLES)
        classes = np.unique(labels)
        for each in classes:
            of_class = gains[labels == each]
            value += float(of_class.mean()) / len(classes)
            drawn = rng.integers(0, len(of_class), (RESAMPLES, len(of_class)))
            resampled += of_class[drawn].mean(axis=1) / len(classes)
        return Interval.bootstrapped(value, resampled)

    @staticmethod
    def bootstrapped(value: float, resampled: NDArray[np.float64]) -> Interval:
        """Return ``value`` with percentiles of ``resampled`` (resamples,); resamples that lack it, NaN, do not count.

        At the end of the range, as at an area of 1, no resample differs and the interval has no width: it is then no
        bound on what other cells would give.
        """
        defined = resampled[~np.isnan(resampled)]
        if np.isnan(value) or not len(defined):
            return Interval(None, None, None)
        low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return Interval(float(value), float(low), float(high))

    def widened(self, resampled: NDArray[np.float64]) -> Interval:
        """Return the same value with percentiles of ``resampled`` (resamples,) where these lie farther out."""
        if self.value is None or self.low is None or self.high is None:
            return self
        wider = Interval.bootstrapped(self.value, resampled)
        if wider.low is None or wider.high is None:
            return self
        return Interval(self.value, min(self.low, wider.low), max(self.high, wider.high))

    def is_above(self, level: float) -> bool:
        """Return whether the whole interval lies above ``level``; it does not where it is not defined."""
        return self.low is not None and self.low > level

    def is_below(self, level: float) -> bool:
        """Return whether the whole interval lies below ``level``; it does not where it is not defined."""
        return self.high is not None and self.high < level

    @property
    def known(self) -> float:
        """Return the value; raises ValueError where the cells do not define it."""
        if self.value is None:
            raise ValueError("the cells do not define this figure")
        return self.value


@dataclass(frozen=True)
class ClassFigures:
    """One class against the rest."""

    name: str
    cells: int
    accuracy: Interval
    precision: Interval
    recall: Interval
    """Of the class's cells, those found: sensitivity."""
    specificity: Interval
    """Of the other classes' cells, those not taken for this one."""
    f: Interval
    """Harmonic mean of precision and recall."""
    auc: Interval
    """Area under the ROC curve of this class's probability; None without probabilities."""


@dataclass(frozen=True)
class Reliability:
    """The cells that were predicted with a probability within one bin."""

    cells: int
    confidence: float | None
    """Mean probability of the predicted class; None in an empty bin."""
    accuracy: Interval


@dataclass(frozen=True)
class Calibration:
    """Whether what is predicted with probability p is right in a share p of cases (Guo et al. 2017)."""

    curve: tuple[Reliability, ...]
    """By bins of equal width from 0 to 1, each with its upper end."""
    ece: Interval
    """Expected calibration error: mean distance of confidence and accuracy over bins, weighted by cells.

    Upward biased in small sets: a perfect classifier's bins scatter too. So are its resamples, of which the interval
    is made, more than once: the value may lie below it.
    """


@dataclass(frozen=True)
class Metrics:
    """All figures of one set of predictions."""

    cells: int
    accuracy: Interval
    balanced_accuracy: Interval
    """Mean of the recalls of the classes that there are."""
    classes: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Cells by true class (rows) and predicted class (columns)."""
    calibration: Calibration | None
    """None without probabilities."""

    @staticmethod
    def of(
        labels: Labels,
        predicted: Labels,
        class_names: tuple[str, ...],
        probabilities: Probabilities | None = None,
        seed: int = 0,
        groups: Groups | None = None,
    ) -> Metrics:
        """Compare predictions with the truth.

        Parameters
        ----------
        labels, predicted : (cells,)
            Indices of ``class_names``.
        probabilities : (cells, classes), optional
            Rows that sum to 1.
        seed : int
            Of the bootstrap.
        groups : (cells,), optional
            Without, each cell stands for itself.
        """
        _check(labels, predicted, class_names, probabilities)
        if groups is not None and len(groups) != len(labels):
            raise InputError(f"{len(groups)} groups of {len(labels)} cells; one a cell is needed")
        number = len(class_names)
        confusion = confusion_matrix(labels, predicted, labels=range(number))
        tables = _resampled(lambda weights: _confusion(labels, predicted, number, weights), len(labels), seed, groups)
        with np.errstate(invalid="ignore"):
            balanced = np.nanmean(tables.diagonal(axis1=1, axis2=2) / tables.sum(axis=2), axis=1)
        accuracy = Interval.share(int(np.trace(confusion)), len(labels))
        if groups is not None:
            accuracy = accuracy.widened(tables.trace(axis1=1, axis2=2) / tables.sum(axis=(1, 2)))
        return Metrics(
            cells=len(labels),
            accuracy=accuracy,
            balanced_accuracy=Interval.bootstrapped(_balanced(confusion), balanced),
            classes=tuple(
                _against_rest(name, each, labels, predicted, probabilities, tables, seed, groups)
                for each, name in enumerate(class_names)
            ),
            confusion=tuple(tuple(map(int, row)) for row in confusion),
            calibration=None if probabilities is None else calibration(labels, probabilities, seed, groups),
        )

    def as_dict(self) -> dict[str, object]:
        """Return everything as what JSON knows."""
        return asdict(self)


@dataclass(frozen=True)
class Repeats:
    """A figure over repeated trainings: folds, seeds, draws of a training set.

    No interval: trainings that share cells are not independent, and one computed as if they were is too narrow.
    """

    values: tuple[float, ...]
    mean: float
    standard_deviation: float | None
    """Of single trainings; None of one."""

    @staticmethod
    def of(values: list[float]) -> Repeats:
        """Summarize the values of one figure, at least one."""
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return Repeats(tuple(values), float(np.mean(values)), deviation)

    def as_dict(self) -> dict[str, object]:
        """Return everything as what JSON knows."""
        return asdict(self)


def calibration(
    labels: Labels, probabilities: Probabilities, seed: int = 0, groups: Groups | None = None
) -> Calibration:
    """Return reliability curve and expected calibration error of the most probable classes, (cells, classes)."""
    confidence = np.asarray(probabilities.max(axis=1), np.float64)
    right = probabilities.argmax(axis=1) == labels
    # A probability at the end of a bin belongs to it, as 1.0 does to the last.
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums, hits = (np.bincount(bins, each, BINS) for each in (confidence, right))
    excess = confidence - right
    resampled = _resampled(lambda weights: np.array(_ece(bins, excess, weights)), len(labels), seed, groups)
    accuracies = [Interval.share(round(hit), int(count)) for count, hit in zip(counts, hits, strict=True)]
    if groups is not None:
        of_bins = _resampled(lambda weights: _shares(bins, right, weights), len(labels), seed, groups)
        accuracies = [each.widened(of_bin) for each, of_bin in zip(accuracies, of_bins.T, strict=True)]
    curve = tuple(
        Reliability(int(count), float(total / count) if count else None, accuracy)
        for count, total, accuracy in zip(counts, sums, accuracies, strict=True)
    )
    value = _ece(bins, excess, np.ones(len(labels), np.int64))
    return Calibration(curve, Interval.bootstrapped(value, resampled))


def _check(
    labels: Labels, predicted: Labels, class_names: tuple[str, ...], probabilities: Probabilities | None
) -> None:
    if not len(labels) or labels.shape != predicted.shape or labels.ndim != 1:
        raise InputError(f"labels {labels.shape} and predictions {predicted.shape}; one of each a cell is needed")
    for told, values in (("label", labels), ("prediction", predicted)):
        if values.min() < 0 or values.max() >= len(class_names):
            raise InputError(f"a {told} is none of 0 to {len(class_names) - 1}, for {', '.join(class_names)}")
    if probabilities is None:
        return
    if probabilities.shape != (len(labels), len(class_names)):
        raise InputError(f"probabilities of shape {probabilities.shape}; ({len(labels)}, {len(class_names)}) is needed")
    if not (np.all(probabilities >= 0) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        raise InputError("probabilities are negative, not numbers, or do not sum to 1; are they logits?")


def _against_rest(
    name: str,
    number: int,
    labels: Labels,
    predicted: Labels,
    probabilities: Probabilities | None,
    tables: NDArray[np.int64],
    seed: int,
    groups: Groups | None,
) -> ClassFigures:
    is_class, said = labels == number, predicted == number
    hits, there, told = (int(np.count_nonzero(each)) for each in (is_class & said, is_class, said))
    passed, agreed = (int(np.count_nonzero(each)) for each in (~is_class & ~said, is_class == said))
    accuracy, precision = Interval.share(agreed, len(labels)), Interval.share(hits, told)
    recall, specificity = Interval.share(hits, there), Interval.share(passed, len(labels) - there)
    # Of each resample.
    hit, of_class, of_said = tables[:, number, number], tables[:, number].sum(axis=1), tables[:, :, number].sum(axis=1)
    every = tables.sum(axis=(1, 2))
    right_rest = every - of_class - of_said + hit
    with np.errstate(invalid="ignore"):
        f = 2 * hit / (of_class + of_said)
        if groups is not None:
            accuracy, precision = accuracy.widened((hit + right_rest) / every), precision.widened(hit / of_said)
            recall, specificity = recall.widened(hit / of_class), specificity.widened(right_rest / (every - of_class))
    auc = Interval(None, None, None)
    if probabilities is not None and 0 < there < len(labels):
        ranks = _Ranks.of(probabilities[:, number])
        resampled = _resampled(lambda weights: np.array(ranks.auc(is_class, weights)), len(labels), seed, groups)
        auc = Interval.bootstrapped(roc_auc_score(is_class, probabilities[:, number]), resampled)
    return ClassFigures(
        name=name,
        cells=there,
        accuracy=accuracy,
        precision=precision,
        recall=recall,
        specificity=specificity,
        f=Interval.bootstrapped(f1_score(is_class, said, zero_division=np.nan), f),
        auc=auc,
    )


def _resampled(statistic: Callable[[Weights], NDArray], cells: int, seed: int, groups: Groups | None = None) -> NDArray:
    """Return ``statistic`` of RESAMPLES draws of the cells with replacement, the same draws for one seed."""
    rng = np.random.default_rng(seed)
    draws = (np.bincount(each, minlength=cells) for each in _draws(rng, cells, groups))
    return np.array([statistic(weights) for weights in draws])


def _draws(rng: np.random.Generator, cells: int, groups: Groups | None) -> Iterator[NDArray[np.int64]]:
    """Yield numbers of cells, RESAMPLES times: of groups that were drawn, as many of each as it has."""
    if groups is None:
        for _ in range(RESAMPLES):
            yield rng.integers(0, cells, cells)
        return
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    by_group, starts = np.argsort(group, kind="stable"), np.cumsum(sizes) - sizes
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(sizes), len(sizes))
        of_drawn = np.repeat(drawn, sizes[drawn])
        yield by_group[starts[of_drawn] + rng.integers(0, sizes[of_drawn])]


def _confusion(labels: Labels, predicted: Labels, classes: int, weights: Weights) -> NDArray[np.int64]:
    """Return the table of weighted cells, for the bootstrap: scikit-learn's takes a hundred times as long."""
    return np.bincount(labels * classes + predicted, weights, classes**2).astype(np.int64).reshape(classes, classes)


def _balanced(confusion: NDArray[np.int64]) -> float:
    """Return the mean recall of the classes that there are."""
    cells = confusion.sum(axis=1)
    return float((confusion.diagonal()[cells > 0] / cells[cells > 0]).mean())


def _shares(bins: NDArray[np.int64], right: NDArray[np.bool_], weights: Weights) -> NDArray[np.float64]:
    """Return the share of right cells of each bin, NaN of an empty one."""
    with np.errstate(invalid="ignore"):
        return np.bincount(bins, right * weights, BINS) / np.bincount(bins, weights, BINS)


def _ece(bins: NDArray[np.int64], excess: NDArray[np.float64], weights: Weights) -> float:
    """Return the mean over cells of the distance between confidence and accuracy of their bins."""
    return float(np.abs(np.bincount(bins, excess * weights, BINS)).sum() / weights.sum())


@dataclass(frozen=True, eq=False)
class _Ranks:
    """Scores in their order, so that areas of many resamples need one sorting."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    """Where in that order each different score begins."""

    @staticmethod
    def of(scores: NDArray) -> _Ranks:
        order = np.argsort(scores, kind="stable")
        ordered = scores[order]
        return _Ranks(order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]))

    def auc(self, positive: NDArray[np.bool_], weights: Weights) -> float:
        """Return the share of pairs in the right order, ties half; NaN without pairs (Mann-Whitney)."""
        ups, downs = (np.add.reduceat((weights * which)[self.order], self.starts) for which in (positive, ~positive))
        pairs = int(ups.sum()) * int(downs.sum())
        return float((ups * (np.cumsum(downs) - downs / 2)).sum() / pairs) if pairs else float("nan")
