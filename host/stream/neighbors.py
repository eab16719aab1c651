"""Neighbors in time: whether a cell came so close before or behind another that a sorter would take both.

Frames of one cell hold it as soon as they arrive. What a hologram holds is known when it is answered, and one without a
cell is nobody's neighbor. What is never answered (dropped, unreadable, lost, crowded) may hold cells, and counts as if
it did.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(eq=False)
class Moment:
    """When frames arrived, and whether they hold a cell."""

    ns: int
    """``time.monotonic_ns``."""
    holds_cell: bool | None = True
    """None: not known yet."""
    before_ns: float = -math.inf
    """Of the latest cell before; known when this one is settled."""
    next: Moment | None = None


class Neighbors:
    """The moments of all arrivals, of which one thread tells, and another asks and settles them in their order."""

    def __init__(self) -> None:
        # Guards the times: a decision that finds no neighbor must not be overtaken by one.
        self._lock = threading.Lock()
        self._latest = self._settled = Moment(0, holds_cell=False)
        self._cell_ns = -math.inf
        """Of the latest cell among the settled."""

    def arrive(self, holds_cell: bool | None) -> Moment:
        """Take note of an arrival at this moment."""
        with self._lock:
            moment = Moment(time.monotonic_ns(), holds_cell)
            self._latest.next = self._latest = moment
        return moment

    def drop(self, moment: Moment) -> None:
        """Take note that nobody will know what an arrival holds."""
        with self._lock:
            moment.holds_cell = True

    def settle(self, moment: Moment, *, holds_cell: bool) -> None:
        """Take note of what an arrival holds; all between it and the one that was settled last were dropped."""
        with self._lock:
            while (passed := self._settled.next) is not None and passed is not moment:
                self._cell_ns, self._settled = passed.ns, passed
            moment.before_ns, moment.holds_cell = self._cell_ns, holds_cell
            self._settled = moment
            if holds_cell:
                self._cell_ns = moment.ns

    def beside(self, moment: Moment, window_ns: int) -> bool | None:
        """Say whether a cell came within a window of a settled moment, if need be after waiting for what comes.

        None: what came behind it within the window is to be settled before that can be said.
        """
        if moment.ns - moment.before_ns < window_ns:
            return True
        while True:
            with self._lock:
                behind, now_ns = moment.next, time.monotonic_ns()
                while behind is not None and behind.holds_cell is False:
                    behind = behind.next
                if behind is not None:
                    return behind.holds_cell if behind.ns - moment.ns < window_ns else False
            if now_ns - moment.ns >= window_ns:
                return False
            time.sleep((moment.ns + window_ns - now_ns) / 1e9)
