"""Errors of each law of phase retrieval on the same fields, from the true phase, cell by cell."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.background import Background
from cytogate.model.contract.law import contract
from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED, Design
from cytogate.model.evaluation.metrics import NORMAL_QUANTILE, Interval
from cytogate.model.experiments.laws.scenes import Field
from cytogate.model.retrieval.laws import CELLS_AT_A_TIME, Run
from cytogate.model.retrieval.recursion.integer import empty_field
from cytogate.model.simulation.optics import Floats

EMPTY_FIELDS = 16
"""Of the beginning of a run, where a law is given what it is to know of the light."""


@dataclass(frozen=True)
class Way:
    """A law, and where it knows the light from."""

    name: str
    law: str
    from_empty_fields: bool = False
    """Whether it is given the surface of empty fields; otherwise frames' own borders give it."""


WAYS = (
    Way("fft", FFT),
    Way("two-sided", TWO_SIDED),
    Way("two-sided, empty fields known", TWO_SIDED, from_empty_fields=True),
    Way("causal", CAUSAL),
    Way("causal, empty fields known", CAUSAL, from_empty_fields=True),
)


def by_law(design: Design, law: str) -> Design:
    """Return a design with another law."""
    return dataclasses.replace(design, chip=dataclasses.replace(design.chip, retrieval=law))


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of a way on the cells of a field, in mrad."""

    way: Way
    mean_free: Floats
    """(cells,) RMSE over the window, the mean error removed: what a shape is worth."""
    own_zero: Floats
    """(cells,) RMSE with the law's own zero: what the network sees, too."""
    first: Floats
    """(N, N) error of the first cell, its mean removed, in radians."""
    settling: Floats
    """(frames before the cells,) RMSE of each, the mean removed."""

    @property
    def mean(self) -> Interval:
        """Mean over cells of :attr:`mean_free`, and its 95 % interval."""
        return mean_of(self.mean_free)

    def less(self, other: Errors) -> Interval:
        """Return by how much the mean error exceeds another way's, compared cell by cell."""
        return mean_of(self.mean_free - other.mean_free)


def mean_of(values: Floats) -> Interval:
    """Return the mean of values (cells,) and its 95 % interval."""
    mean, reach = float(values.mean()), NORMAL_QUANTILE * float(values.std()) / math.sqrt(len(values))
    return Interval(mean, mean - reach, mean + reach)


def errors_of(
    way: Way, design: Design, field: Field, frames: NDArray[np.unsignedinteger], truth: Sequence[Floats]
) -> Errors:
    """Return the errors of a way on the frames (frames, 4, rows, columns) of a run, in their order.

    The first :data:`SETTLING_FRAMES` are those in which a causal chip learns the light: they are told apart from the
    others. ``truth`` are the true phases of all of them.
    """
    own = by_law(design, way.law)
    background: Background | None = None
    if way.from_empty_fields:
        background = empty_field(np.stack([field.empty_frames(index) for index in range(EMPTY_FIELDS)]), own).freeze()
    run, stage = Run(own, background), contract(own).stage("phase")
    wrong = []
    for start in range(0, len(frames), CELLS_AT_A_TIME):
        phase = stage.values(run.codes(frames[start : start + CELLS_AT_A_TIME], ("phase",))["phase"])
        wrong.append(phase - np.stack(truth[start : start + len(phase)]))
    error = np.concatenate(wrong)
    flat = error - error.mean(axis=(1, 2), keepdims=True)
    mean_free, own_zero = (1e3 * np.sqrt(np.square(each).mean(axis=(1, 2))) for each in (flat, error))
    return Errors(
        way,
        mean_free[SETTLING_FRAMES:],
        own_zero[SETTLING_FRAMES:],
        flat[SETTLING_FRAMES],
        mean_free[:SETTLING_FRAMES],
    )
