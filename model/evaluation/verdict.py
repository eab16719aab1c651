"""The verdict on a training: the quantized network beside what it is compared with, on the same unseen cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from cytogate.model.errors import CheckFailed
from cytogate.model.evaluation.metrics import Groups, Interval, Labels, Metrics

QUANTIZATION_LOSS = 0.02
"""How far below its float network a quantized network may be."""
LARGEST_CLASS = "largest class"


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was predicted of unseen cells."""

    labels: Labels
    class_names: tuple[str, ...]
    quantized: tuple[NDArray[np.float64], ...]
    """Probabilities (cells, classes) of each view: the cells as they are, then in the instrument's other symmetries."""
    float_network: NDArray[np.float64]
    """Probabilities of the cells as they are."""
    baselines: dict[str, Labels]
    """Classes (cells,) by the name of a simpler classifier."""
    groups: Groups | None = None
    """Donor, day, run or hologram of each cell, where these are known."""


@dataclass(frozen=True)
class OverSymmetries:
    """The quantized network with its probabilities averaged over mirrored and turned views of each cell."""

    views: int
    accuracy: Interval
    balanced_accuracy: Interval
    less_single: Interval
    """Accuracy less that of the single view, cell by cell."""

    @staticmethod
    def of(found: Predictions) -> OverSymmetries:
        """Average the probabilities of the views, of which the first is the single one."""
        labels, groups, views = found.labels, found.groups, found.quantized
        mean = np.mean(views, axis=0).argmax(axis=1)
        metrics = Metrics.of(labels, mean, found.class_names, groups=groups)
        less_single = Interval.difference(labels, mean, views[0].argmax(axis=1), groups)
        return OverSymmetries(len(views), metrics.accuracy, metrics.balanced_accuracy, less_single)


@dataclass(frozen=True)
class Evaluation:
    """A quantized network and what it is compared with on the same unseen cells, and the background check."""

    quantized: Metrics
    """Of a single view of each cell, as the device computes it."""
    over_symmetries: OverSymmetries
    float_network: Metrics
    baselines: dict[str, Metrics]
    """Simpler classifiers on the same cells, the largest class of the training cells among them."""
    background: Metrics
    """The best of network and classifiers that learned and were tested on backgrounds without cells."""
    background_share: float
    """Of the largest class among the backgrounds that were tested: what saying always the same would reach."""
    quantized_less_float: Interval
    """Accuracy of one less that of the other, cell by cell; so is the next."""
    quantized_less_baseline: Interval
    baseline: str
    """The best baseline on these very cells, which it is compared with."""

    @staticmethod
    def of(
        found: Predictions,
        hidden_labels: Labels,
        on_hidden: dict[str, Labels],
        largest: int,
        hidden_groups: Groups | None = None,
    ) -> Evaluation:
        """Compare predictions with the truth and with each other.

        Parameters
        ----------
        hidden_labels, on_hidden
            Classes of backgrounds without cells, and what network and classifiers that learned on such say of them.
        largest
            The most frequent class of the training cells.
        hidden_groups
            Of those backgrounds.
        """
        labels, names, groups = found.labels, found.class_names, found.groups
        baselines = {**found.baselines, LARGEST_CLASS: np.full(len(labels), largest)}
        right = {name: int(np.count_nonzero(each == labels)) for name, each in baselines.items()}
        best = max(right, key=lambda name: right[name])
        by_background = max(on_hidden.values(), key=lambda each: int(np.count_nonzero(each == hidden_labels)))
        quantized, float_network = (each.argmax(axis=1) for each in (found.quantized[0], found.float_network))
        return Evaluation(
            quantized=Metrics.of(labels, quantized, names, found.quantized[0], groups=groups),
            over_symmetries=OverSymmetries.of(found),
            float_network=Metrics.of(labels, float_network, names, found.float_network, groups=groups),
            baselines={name: Metrics.of(labels, each, names, groups=groups) for name, each in baselines.items()},
            background=Metrics.of(hidden_labels, by_background, names, groups=hidden_groups),
            background_share=float(np.bincount(hidden_labels).max() / len(hidden_labels)),
            quantized_less_float=Interval.difference(labels, quantized, float_network, groups),
            quantized_less_baseline=Interval.difference(labels, quantized, baselines[best], groups),
            baseline=best,
        )

    @property
    def background_tells(self) -> bool:
        """Whether classes can be told apart by backgrounds without cells."""
        return self.background.accuracy.is_above(self.background_share)

    def check(self, own: bool) -> None:
        """Raise :class:`CheckFailed` with the first relation that does not hold.

        Of cells of the user's, what a network is worth is found and told, not promised: quantization alone is. They may
        be few, so that a loss counts only where the 95 % interval of the paired difference lies beyond what is allowed;
        so does a baseline's advantage.
        """
        quantized, float_network = self.quantized.accuracy.known, self.float_network.accuracy.known
        if not own and self.background_tells:
            found = self.background.accuracy
            raise CheckFailed(
                f"the background alone gives {found.value:.1%} ({found.low:.1%} to {found.high:.1%}), above chance, "
                f"{self.background_share:.1%}: classes differ in more than cells"
            )
        most = self.quantized_less_baseline.high
        assert most is not None, "a paired difference has an interval"
        if not own and most < 0:
            raise CheckFailed(
                f"the quantized network reaches {quantized:.1%}, {self.baseline} on hand-made features "
                f"{self.baselines[self.baseline].accuracy.known:.1%}; the network must not be below it, where the "
                "interval of their difference tells them apart"
            )
        least = self.quantized_less_float.high
        assert least is not None, "a paired difference has an interval"
        if quantized < float_network - QUANTIZATION_LOSS and (not own or least < -QUANTIZATION_LOSS):
            raise CheckFailed(
                f"the quantized network reaches {quantized:.1%}, more than {QUANTIZATION_LOSS:.0%} below its float "
                f"network with {float_network:.1%}"
            )

    def rows(self) -> list[tuple[str, Interval, Interval]]:
        """Return name, accuracy and balanced accuracy of everything that was compared."""
        averaged = self.over_symmetries
        return [
            ("quantized network", self.quantized.accuracy, self.quantized.balanced_accuracy),
            (f"the same, mean of {averaged.views} views", averaged.accuracy, averaged.balanced_accuracy),
            ("float network", self.float_network.accuracy, self.float_network.balanced_accuracy),
            *((name, each.accuracy, each.balanced_accuracy) for name, each in self.baselines.items()),
            ("background check", self.background.accuracy, self.background.balanced_accuracy),
        ]

    def print(self, console: Console, cells: str) -> None:
        """Print accuracies with their 95 % intervals."""
        table = Table(title=f"On {cells}")
        for column in ("classifier", "accuracy", "95 % interval", "balanced"):
            table.add_column(column, justify="left" if column == "classifier" else "right")
        for name, accuracy, balanced in self.rows():
            interval = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
            table.add_row(name, f"{accuracy.value:.1%}", interval, f"{balanced.value:.1%}")
        console.print(table)
