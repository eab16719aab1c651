"""The verdict on a training: the quantized network beside what it is compared with, on the same unseen cells."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.errors import CheckFailed
from cytogate.model.evaluation.metrics import Interval, Labels, Metrics

QUANTIZATION_LOSS = 0.02
"""How far below its float network a quantized network may be."""


@dataclass(frozen=True)
class Evaluation:
    """A quantized network and what it is compared with on the same unseen cells, and the background check."""

    quantized: Metrics
    float_network: Metrics
    svm: Metrics
    background: Metrics
    """The float network's topology, trained and tested on cells' background alone."""
    quantized_less_float: Interval
    """Accuracy of one less that of the other, cell by cell; so is the next."""
    quantized_less_svm: Interval

    @staticmethod
    def of(
        labels: Labels,
        class_names: tuple[str, ...],
        *,
        quantized: Labels,
        float_network: Labels,
        svm: Labels,
        background: Metrics,
    ) -> Evaluation:
        """Compare predictions (cells,) with ``labels`` and with each other."""
        return Evaluation(
            quantized=Metrics.of(labels, quantized, class_names),
            float_network=Metrics.of(labels, float_network, class_names),
            svm=Metrics.of(labels, svm, class_names),
            background=background,
            quantized_less_float=Interval.difference(labels, quantized, float_network),
            quantized_less_svm=Interval.difference(labels, quantized, svm),
        )

    def check(self) -> None:
        """Raise :class:`CheckFailed` with the first relation that does not hold."""
        chance = 1 / len(self.background.classes)
        quantized, float_network = self.quantized.accuracy.known, self.float_network.accuracy.known
        if self.background.accuracy.is_above(chance):
            found = self.background.accuracy
            raise CheckFailed(
                f"the background alone gives {found.value:.1%} ({found.low:.1%} to {found.high:.1%}), above chance, "
                f"{chance:.1%}: classes differ in more than cells"
            )
        if quantized < self.svm.accuracy.known:
            raise CheckFailed(
                f"the quantized network reaches {quantized:.1%}, a support vector machine on hand-made features "
                f"{self.svm.accuracy.known:.1%}; the network must not be below it"
            )
        if quantized < float_network - QUANTIZATION_LOSS:
            raise CheckFailed(
                f"the quantized network reaches {quantized:.1%}, more than {QUANTIZATION_LOSS:.0%} below its float "
                f"network with {float_network:.1%}"
            )
