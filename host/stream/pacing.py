"""Pace at which cells arrive: as fast as they are taken, at a rate, or at the times at which they were recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from cytogate.host.stream.cells import SourceCell
from cytogate.model.errors import InputError

SLACK_S = 0.002
"""A cell that is this late has only been woken late; beyond it the source itself is slow."""
MAX_RATE = 1e6

DueTime = Callable[[int, SourceCell], float | None]
"""From the number of a cell in this process and the cell to its time in seconds since the first one; None: at once."""


def regular(rate: float) -> DueTime:
    """Cells at equal distances, ``rate`` a second."""
    if not 0 < rate <= MAX_RATE:
        raise InputError(f"the rate is {rate:g} cells a second; it must be above 0 and at most {MAX_RATE:g}")
    return lambda number, cell: number / rate


def recorded() -> DueTime:
    """Cells at the distances at which the instrument took them; what could not be read has no time, and needs none."""
    first_s: float | None = None

    def due_s(number: int, cell: SourceCell) -> float | None:
        nonlocal first_s
        if cell.recorded_s is None and cell.frames is None:
            return None
        if cell.recorded_s is None:
            raise InputError(f"{cell.origin}: cell {cell.position} has no recorded time; give a rate in cells a second")
        if first_s is None:
            first_s = cell.recorded_s
        return cell.recorded_s - first_s

    return due_s


def paced(
    cells: Iterable[SourceCell | None], due_time: DueTime, stopped: threading.Event
) -> Iterator[SourceCell | None]:
    """Yield each cell when it is due, until ``stopped``.

    A source that cannot keep the pace is slower than asked, never hurried to catch up: what is late moves everything
    behind it.
    """
    begin_s: float | None = None
    number = 0
    for cell in cells:
        after_s = None if cell is None else due_time(number, cell)
        number += cell is not None
        if after_s is not None:
            now_s = time.monotonic()
            if begin_s is None:
                begin_s = now_s
            due_s = begin_s + after_s
            if now_s > due_s + SLACK_S:
                begin_s += now_s - due_s
            elif stopped.wait(max(0.0, due_s - now_s)):
                return
        yield cell
