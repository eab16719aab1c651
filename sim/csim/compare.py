"""The two relations of the contract, tallied over any number of cells: exact and bounded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.stage import Stage
from cytogate.model.errors import CheckFailed


@dataclass(frozen=True)
class ExactStage:
    """A stage without a float reference: its values are equal or not."""

    name: str
    values: int
    """Values compared between model and simulation."""
    differing: int


@dataclass(frozen=True)
class StageResult:
    """What was compared at one stage, and how it came out."""

    name: str
    values: int
    """Values compared between the integer model and the C-simulation."""
    differing: int
    float_rmse: float
    """Root-mean-square difference of the integer model from the float64 reference, in ``unit``."""
    float_max: float
    rmse_bound: float
    """Largest allowed ``float_rmse``."""
    unit: str

    @property
    def holds(self) -> bool:
        """Whether every value is equal and the RMSE from float within its bound."""
        return self.values > 0 and self.differing == 0 and self.float_rmse <= self.rmse_bound


@dataclass
class StageTally:
    """Running comparison of one stage."""

    stage: Stage
    values: int = 0
    differing: int = 0
    _bounded: int = 0
    _squares: float = 0.0
    _allowed: float = 0.0
    """What ``_squares`` may be at most."""
    _largest: float = field(default=0.0)

    def exact(self, expected: ArrayLike, found: ArrayLike) -> None:
        """Compare codes value for value; a different number of values is a failure of its own."""
        expected, found = np.asarray(expected), np.asarray(found)
        if expected.shape != found.shape:
            raise CheckFailed(f"stage {self.stage.name}: {found.shape} values where {expected.shape} are due")
        self.values += expected.size
        self.differing += int(np.count_nonzero(expected != found))

    def bounded(self, reference: NDArray, fixed: NDArray, exponents: Codes | None = None) -> None:
        """Compare values (cells, ...), complex ones by the magnitude of their difference.

        A stage of block exponents needs them, (cells, lines): its bound is in their steps.
        """
        if reference.shape != fixed.shape:
            raise CheckFailed(f"stage {self.stage.name}: float has {reference.shape} values, fixed {fixed.shape}")
        error = reference - fixed
        # Of complex values without their magnitudes, which take a root each.
        squares = error.real**2 + error.imag**2 if np.iscomplexobj(error) else np.square(error)
        self._bounded += error.size
        self._squares += float(squares.sum())
        self._allowed += float(self.stage.bound.squares(exponents).mean()) * error.size
        self._largest = max(self._largest, math.sqrt(squares.max(initial=0.0)))

    def result(self) -> StageResult:
        """Return the comparison so far; none at all is a failure."""
        if not self.values or not self._bounded:
            raise CheckFailed(f"stage {self.stage.name}: nothing was compared")
        return StageResult(
            name=self.stage.name,
            values=self.values,
            differing=self.differing,
            float_rmse=math.sqrt(self._squares / self._bounded),
            float_max=self._largest,
            rmse_bound=math.sqrt(self._allowed / self._bounded),
            unit=self.stage.unit,
        )
