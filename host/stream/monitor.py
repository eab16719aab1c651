"""A running stream as a page may draw it: counters, the last minutes, the last cells, in memory that does not grow.

The stream tells a :class:`Monitor` of every cell that left it. Whoever draws asks for a :class:`View`, a copy that
nobody changes any more: no lock is held while something is drawn, and a slow page never slows the stream.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytogate.host.stream.cells import Event, Flag
from cytogate.host.stream.course import Course, CourseRecorder
from cytogate.host.stream.gating import Decision
from cytogate.host.stream.ledger import Histogram
from cytogate.host.text_enum import TextEnum
from cytogate.model.interface.answers import FoundCell

RECENT = 2000
"""Scores that are kept."""
GALLERY = 6
"""Cells whose frames are kept."""
GALLERY_INTERVAL_NS = 500_000_000
"""Frames are copied at most this often: no eye follows more, and it costs a fast stream nothing."""
LATEST = 100
"""Cells of which the share that missed the deadline is told."""
BARS_PER_DECADE = 10
FASTEST_NS, DECADES = 10_000, 7
"""Bars of latencies range from 10 us to 100 s; the first and the last hold what lies beyond as well."""
BAR_EDGES_NS: NDArray[np.float64] = FASTEST_NS * 10 ** (np.arange(BARS_PER_DECADE * DECADES + 1) / BARS_PER_DECADE)
"""(bars + 1,) nanoseconds."""

_SECOND_NS = 1_000_000_000


class State(TextEnum):
    """Where a stream is in its life."""

    WAITING = "waiting"
    """No cell has left it yet."""
    STREAMING = "streaming"
    ENDED = "ended"


@dataclass(frozen=True)
class CellCounts:
    """Cells since the start of the stream."""

    classified: int = 0
    sorted: int = 0
    missed: int = 0
    """Classified, and later than the deadline."""
    dropped: int = 0
    """Never sent: the queue was full when they arrived."""
    lost: int = 0
    """Without a class for another reason: unreadable, or given up by the accelerator."""


@dataclass(frozen=True, eq=False)
class ScoredCells:
    """Scores of some classified cells, oldest first; all arrays (cells,)."""

    index: NDArray[np.int64]
    class_index: NDArray[np.int64]
    score: NDArray[np.float64]
    decision: tuple[Decision, ...]


@dataclass(frozen=True, eq=False)
class Latency:
    """From a cell's arrival to its decision, since the start, in nanoseconds; quantiles as in the ledger."""

    bars: NDArray[np.int64]
    """(bars,) cells between neighboring :data:`BAR_EDGES_NS`."""
    p50_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int


@dataclass(frozen=True, eq=False)
class Shown:
    """A cell of the gallery."""

    index: int
    frames: NDArray[np.unsignedinteger]
    """(channels, rows, columns)."""
    class_index: int
    score: float
    decision: Decision
    flags: Flag
    found: FoundCell | None = None
    """Where the cell is, of a hologram."""


@dataclass(frozen=True, eq=False)
class View:
    """A stream at one moment."""

    state: State
    why_ended: str
    elapsed_s: float
    """Time from the start until now, or until the end."""
    counts: CellCounts
    late_share: float
    """Share of the last :data:`LATEST` classified cells, once the stream has ended of all, that missed the deadline."""
    class_totals: NDArray[np.int64]
    """(classes,) cells since the start."""
    last_loss: str | None
    """Why the last lost cell has no class, in words."""
    course: Course
    scores: ScoredCells
    """Those newer than was asked for, at most the last :data:`RECENT`."""
    scored: int
    """Scores so far; asking with it again gives those that came since."""
    latency: Latency
    gallery: tuple[Shown, ...]
    """Oldest first."""


class Monitor:
    """Observes one stream, as one of its sinks; methods may be called from any thread.

    Parameters
    ----------
    class_names
        In the order of the logits.
    deadline_ns
        Latency beyond which a decision comes too late; None if there is no deadline.
    clock
        Nanoseconds of the clock that stamps the cells.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        deadline_ns: int | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.class_names = tuple(class_names)
        self.deadline_ns = deadline_ns
        self._clock = clock
        self._lock = threading.Lock()
        self._start = clock()
        self._state, self._why, self._end = State.WAITING, "", 0
        self._counts = CellCounts()
        self._missed = deque[bool](maxlen=LATEST)
        self._class_totals = np.zeros(len(self.class_names), np.int64)
        self._last_loss: str | None = None
        self._course = CourseRecorder(len(self.class_names))
        self._scores = deque[tuple[int, int, float, Decision]](maxlen=RECENT)
        self._histogram = Histogram()
        self._bars = np.zeros(len(BAR_EDGES_NS) - 1, np.int64)
        self._gallery = deque[Shown](maxlen=GALLERY)
        self._gallery_due = self._start

    def write(self, event: Event) -> None:
        """Take note of a cell that has left the stream, with a class or without."""
        with self._lock:
            if self._state is State.WAITING:
                self._state = State.STREAMING
            self._proceed()
            if event.decision is Decision.EMPTY:
                self._course.other(1)
            elif event.verdict.class_index is None or event.verdict.score is None:
                self._counts = replace(self._counts, lost=self._counts.lost + 1)
                self._last_loss = event.reason
                self._course.other(1)
            else:
                self._classified(event, event.verdict.class_index, event.verdict.score)

    def flush(self) -> None:
        """Do nothing: what a monitor knows is not kept."""

    def progress(self, waiting: int, dropped: int) -> None:
        """Take note of how many cells wait for the accelerator, and how many were dropped since the start.

        To be called a few times a second: what waits between two calls is not seen.
        """
        with self._lock:
            self._proceed()
            self._course.waiting(waiting)
            self._course.other(dropped - self._counts.dropped)
            self._counts = replace(self._counts, dropped=dropped)

    def ended(self, why: str) -> None:
        """Take note that the stream is over and ``why``, in words; the first word counts."""
        with self._lock:
            if self._state is not State.ENDED:
                self._proceed()
                self._state, self._why, self._end = State.ENDED, why, self._clock()

    def view(self, scored: int = 0) -> View:
        """Return the stream as it is now; ``scored`` of an earlier view leaves out the scores it gave."""
        with self._lock:
            if self._state is not State.ENDED:
                self._proceed()
            total = self._counts.classified
            fresh = list(self._scores)[-(total - scored) :] if total > scored else []
            p50, p99, p999 = (self._histogram.quantile_ns(share) for share in (0.5, 0.99, 0.999))
            now = self._end if self._state is State.ENDED else self._clock()
            return View(
                state=self._state,
                why_ended=self._why,
                elapsed_s=(now - self._start) / _SECOND_NS,
                counts=self._counts,
                late_share=self._late_share(),
                class_totals=self._class_totals.copy(),
                last_loss=self._last_loss,
                course=self._course.course(),
                scores=_scores(fresh),
                scored=total,
                latency=Latency(self._bars.copy(), p50, p99, p999, self._histogram.max_ns),
                gallery=tuple(self._gallery),
            )

    def _late_share(self) -> float:
        counts, latest = self._counts, self._missed
        late, of = (counts.missed, counts.classified) if self._state is State.ENDED else (sum(latest), len(latest))
        return late / max(of, 1)

    def _proceed(self) -> None:
        """Bring the course up to the present second."""
        self._course.proceed((self._clock() - self._start) // _SECOND_NS)

    def _classified(self, event: Event, class_index: int, score: float) -> None:
        decision, index = event.decision, event.arrival.index
        latency_ns = event.decided_ns - event.arrival.arrived_ns
        missed = self.deadline_ns is not None and latency_ns > self.deadline_ns
        counts = self._counts
        self._counts = replace(
            counts,
            classified=counts.classified + 1,
            sorted=counts.sorted + (decision is Decision.SORT),
            missed=counts.missed + missed,
        )
        self._missed.append(missed)
        self._class_totals[class_index] += 1
        self._course.classified(class_index)
        self._scores.append((index, class_index, score, decision))
        self._histogram.record(latency_ns)
        self._bars[_bar(latency_ns)] += 1
        frames, now = event.arrival.cell.frames, self._clock()
        if frames is not None and now >= self._gallery_due:
            self._gallery_due = now + GALLERY_INTERVAL_NS
            self._gallery.append(Shown(index, frames.copy(), class_index, score, decision, event.flags, event.found))


def _bar(latency_ns: int) -> int:
    """Return the number of the bar that holds a latency."""
    bar = int(np.searchsorted(BAR_EDGES_NS, latency_ns, side="right")) - 1
    return min(max(bar, 0), len(BAR_EDGES_NS) - 2)


def _scores(rows: list[tuple[int, int, float, Decision]]) -> ScoredCells:
    index, class_index, score, decision = zip(*rows, strict=True) if rows else ((), (), (), ())
    return ScoredCells(
        np.array(index, np.int64), np.array(class_index, np.int64), np.array(score, np.float64), decision
    )
