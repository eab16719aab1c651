"""What a network is worth on unseen cells: intervals, paired comparisons, and the verdict on a training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from cytogate.model.errors import CheckFailed
from cytogate.model.evaluation.metrics import CONFIDENCE, Difference, Labels

QUANTIZATION_LOSS = 0.02
"""How far below its float twin a quantized network may be."""


@dataclass(frozen=True)
class Score:
    """Agreement of predictions with the truth; intervals are Wilson's."""

    cells: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    balanced_accuracy: float
    """Mean of the recalls, whatever the classes' shares."""
    precision: tuple[float | None, ...]
    """By class; None where it was never predicted."""
    recall: tuple[float | None, ...]
    """By class; None where there is no such cell."""
    confusion: tuple[tuple[int, ...], ...]
    """Cells by true class (rows) and predicted class (columns)."""

    @staticmethod
    def of(labels: Labels, predicted: Labels, classes: int) -> Score:
        """Compare ``predicted`` with ``labels``, both (cells,) of 0 to ``classes - 1``."""
        confusion = confusion_matrix(labels, predicted, labels=range(classes))
        right, cells = int(np.trace(confusion)), len(labels)
        interval = binomtest(right, cells).proportion_ci(CONFIDENCE, method="wilson")
        recall = _shares(confusion.diagonal(), confusion.sum(axis=1))
        return Score(
            cells=cells,
            accuracy=right / cells,
            accuracy_low=float(interval.low),
            accuracy_high=float(interval.high),
            balanced_accuracy=float(np.mean([share for share in recall if share is not None])),
            precision=_shares(confusion.diagonal(), confusion.sum(axis=0)),
            recall=recall,
            confusion=tuple(tuple(map(int, row)) for row in confusion),
        )


@dataclass(frozen=True)
class Evaluation:
    """A quantized network and what it is compared with on the same unseen cells, and the control."""

    quantized: Score
    float_twin: Score
    svm: Score
    control: Score
    """The float twin's topology, trained and tested on cells' background alone."""
    quantized_less_float: Difference
    quantized_less_svm: Difference

    @staticmethod
    def of(
        labels: Labels, *, quantized: Labels, float_twin: Labels, svm: Labels, control: Score, classes: int
    ) -> Evaluation:
        """Compare predictions (cells,) with ``labels`` and with each other."""
        return Evaluation(
            quantized=Score.of(labels, quantized, classes),
            float_twin=Score.of(labels, float_twin, classes),
            svm=Score.of(labels, svm, classes),
            control=control,
            quantized_less_float=Difference.of(labels, quantized, float_twin),
            quantized_less_svm=Difference.of(labels, quantized, svm),
        )

    def check(self) -> None:
        """Raise :class:`CheckFailed` with the first relation that does not hold."""
        chance = 1 / len(self.control.confusion)
        if self.control.accuracy_low > chance:
            raise CheckFailed(
                f"the background alone gives {self.control.accuracy:.1%} ({self.control.accuracy_low:.1%} to "
                f"{self.control.accuracy_high:.1%}), above chance, {chance:.1%}: classes differ in more than cells"
            )
        if self.quantized.accuracy < self.svm.accuracy:
            raise CheckFailed(
                f"the quantized network reaches {self.quantized.accuracy:.1%}, a support vector machine on hand-made "
                f"features {self.svm.accuracy:.1%}; the network must not be below it"
            )
        if self.quantized.accuracy < self.float_twin.accuracy - QUANTIZATION_LOSS:
            raise CheckFailed(
                f"the quantized network reaches {self.quantized.accuracy:.1%}, more than {QUANTIZATION_LOSS:.0%} below "
                f"its float twin with {self.float_twin.accuracy:.1%}"
            )


def _shares(parts: NDArray, wholes: NDArray) -> tuple[float | None, ...]:
    return tuple(part / whole if whole else None for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True))
