"""Operating point of a classifier: what is taken off its logits so that rare classes are found, too.

A network that learned from few cells of a class says that class seldom: its logits hold the logarithm of the class's
share of the training cells. Taking it off again gives the decision for classes that are equally frequent, which is
what balanced accuracy asks for: logit adjustment after training, A. K. Menon et al., "Long-tail learning via logit
adjustment", ICLR 2021, equation 9, where the share that is taken off is called tau.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import OperatingPoint
from cytogate.model.evaluation.metrics import Labels

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the logarithm of the prior: how much may be taken off."""
MOST_LOST = 0.01
"""Share of all validation cells that may be lost for rare ones: who sorts common cells should not notice."""


@dataclass(frozen=True)
class Rates:
    """What was right."""

    accuracy: float
    balanced_accuracy: float
    """Mean of the recalls of the classes that there are."""

    @staticmethod
    def of(labels: Labels, predicted: Labels) -> Rates:
        """Compare predictions (cells,) with the truth, one cell at least."""
        right = predicted == labels
        cells, found = np.bincount(labels), np.bincount(labels, right)
        return Rates(float(right.mean()), float((found[cells > 0] / cells[cells > 0]).mean()))


@dataclass(frozen=True)
class Chosen:
    """Offsets of the logits, and what they do on the validation cells that chose them."""

    share: float
    """Of the logarithm of the prior; 0 leaves the logits as they are."""
    offsets: tuple[float, ...]
    """Of each class, in units of logits; their mean is zero but for rounding."""
    without: Rates
    with_offsets: Rates

    @property
    def operating_point(self) -> OperatingPoint | None:
        """What a design keeps; None where nothing is added."""
        return OperatingPoint(self.offsets) if any(self.offsets) else None


def offsets_of(training_cells: NDArray[np.integer], share: float, step: float) -> NDArray[np.float64]:
    """Return ``-share * log(prior)`` of each class, centred and rounded to a grid.

    Parameters
    ----------
    training_cells : (classes,)
        Cells of each class that the network learned from; their shares are the priors. A class without is taken for
        one of a single cell.
    step : float
        Of the grid, in units of logits.

    Examples
    --------
    >>> offsets_of(np.array([900, 90, 10]), 0.5, 2**-9).tolist()
    [-1.1328125, 0.017578125, 1.115234375]
    >>> offsets_of(np.array([50, 50]), 1.0, 2**-9).tolist()
    [0.0, 0.0]
    """
    logs = np.log(np.maximum(training_cells, 1))
    # Adding zero makes -0 a 0, which is how it is written down.
    return np.rint(share * (logs.mean() - logs) / step) * step + 0.0


def chosen(
    logits: NDArray[np.float64],
    labels: Labels,
    training_cells: NDArray[np.integer],
    step: float,
    is_possible: Callable[[tuple[float, ...]], bool] = lambda offsets: True,
) -> Chosen:
    """Return the offsets of best balanced accuracy on validation cells among those that cost little accuracy.

    At most :data:`MOST_LOST` of the cells are lost in all, but one may always be. Between equals the smaller share of
    the prior is chosen, so that balanced classes, or rare ones that are found anyway, leave the logits as they are. So
    do validation cells that lack a class: they would pay for none of its cells.

    Parameters
    ----------
    logits : (cells, classes)
        Of validation cells, which neither trained the network nor are reported on.
    labels : (cells,)
        Their classes.
    training_cells, step
        As for :func:`offsets_of`.
    is_possible
        Whether the network can hold such offsets.
    """
    without = best = Rates.of(labels, logits.argmax(axis=1))
    share, offsets = 0.0, np.zeros(logits.shape[1])
    most_lost = max(1, math.floor(MOST_LOST * len(labels)))
    whole = len(np.unique(labels)) == logits.shape[1]
    for tried in SHARES[1:] if whole else ():
        given = offsets_of(training_cells, tried, step)
        rates = Rates.of(labels, (logits + given).argmax(axis=1))
        lost = round((without.accuracy - rates.accuracy) * len(labels))
        better = rates.balanced_accuracy > best.balanced_accuracy and lost <= most_lost
        if better and is_possible(tuple(given.tolist())):
            best, share, offsets = rates, tried, given
    return Chosen(share, tuple(offsets.tolist()), without, best)
