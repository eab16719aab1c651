"""The last minutes of a stream, second by second, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 120
"""Whole seconds that are kept; the present one is kept beside them."""
RATE_S = 5
"""Whole seconds over which the present rate is averaged."""


@dataclass(frozen=True, eq=False)
class Course:
    """The last whole seconds, oldest first."""

    seconds: NDArray[np.int64]
    """(seconds,) numbers of the seconds since the start."""
    classes: NDArray[np.int64]
    """(seconds, classes) cells classified."""
    others: NDArray[np.int64]
    """(seconds,) cells dropped or lost."""
    waiting: NDArray[np.int64]
    """(seconds,) most cells that were seen waiting for the accelerator."""

    @property
    def rate(self) -> float:
        """Cells classified a second, averaged over the last :data:`RATE_S`; 0 before the first whole second."""
        recent = self.classes[-RATE_S:]
        return float(recent.sum() / max(1, len(recent)))


class CourseRecorder:
    """Rings of seconds; seconds of which nothing is told count as empty."""

    def __init__(self, classes: int) -> None:
        rows = WINDOW_S + 1
        self._second = 0
        self._classes = np.zeros((rows, classes), np.int64)
        self._others = np.zeros(rows, np.int64)
        self._waiting = np.zeros(rows, np.int64)

    def proceed(self, second: int) -> None:
        """Make ``second`` the present one; it never lies before the present one."""
        for passed in range(max(self._second + 1, second - WINDOW_S), second + 1):
            for ring in (self._classes, self._others, self._waiting):
                ring[passed % len(ring)] = 0
        self._second = second

    def classified(self, class_index: int) -> None:
        """Count a cell of a class in the present second."""
        self._classes[self._row, class_index] += 1

    def other(self, cells: int) -> None:
        """Count cells without a class in the present second."""
        self._others[self._row] += cells

    def waiting(self, cells: int) -> None:
        """Take note of how many cells wait."""
        self._waiting[self._row] = max(cells, self._waiting[self._row])

    def course(self) -> Course:
        """Return a copy of the whole seconds before the present one."""
        seconds = np.arange(max(0, self._second - WINDOW_S), self._second)
        rows = seconds % len(self._others)
        return Course(seconds, self._classes[rows], self._others[rows], self._waiting[rows])

    @property
    def _row(self) -> int:
        return self._second % len(self._others)
