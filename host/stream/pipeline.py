"""The stream itself: source, accelerator and sinks, each in a thread of its own, with bounded queues between.

    source -> [arrivals] -> accelerator, gate -> [events] -> sinks

Memory is bounded by the two queues. A source that is paced does not wait, as an instrument does not: where the queue of
arrivals is full, the newest cell is dropped and counted, and this is the only place where cells are dropped. All other
sources wait. A stop, by whoever asks for it, lets everything that has arrived pass through to the sinks; so does a
source that fails.
"""

from __future__ import annotations

import gc
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.stream.cells import UNTRUSTED, Arrival, Event, Flag, SourceCell
from cytogate.host.stream.channel import Channel, Closed, Ended
from cytogate.host.stream.chip_gate import flags_of, kept_back, trigger_features, trigger_us, verdict_of
from cytogate.host.stream.frame_check import checked
from cytogate.host.stream.gating import Decision, LiveGates, Verdict
from cytogate.host.stream.ledger import Ledger, Span
from cytogate.host.stream.neighbors import Neighbors
from cytogate.model.command.processes import go_first
from cytogate.model.contract import off_axis
from cytogate.model.errors import CheckFailed
from cytogate.model.features.place_features import place_of
from cytogate.model.interface.answers import FoundCell
from cytogate.model.interface.frame_check import FrameCheck

FLUSH_S = 0.005
"""The oldest cell of a batch waits this long, from its arrival, for others that would share it."""
IDLE_S = 0.1
"""Longest sleep of a thread that has nothing to do; how soon it hears of a stop."""
MOST_REASONS = 64
"""Kinds of reasons that are counted apart."""
OTHER_REASONS = "other reasons"
HURRY_S = 10.0
"""After a second interrupt, the longest time in which what has come through is written."""


class CellStream(Protocol):
    """What computes: :class:`cytogate.host.driver.accelerator.Accelerator`, for example."""

    @property
    def silence_s(self) -> float:
        """Longest time in which it gives no result though it has cells."""

    @property
    def phase_latency_us(self) -> float:
        """Latency of the phase retrieval for the latest frame, by the kernel's counter; 0 if it counts no clocks."""

    def stream(self, frames: Iterable[NDArray | None]) -> Iterator[Result]:
        """Yield a result for each frames (channels, rows, columns), in order; None asks to finish what is begun."""


class Sink(Protocol):
    """Where events go."""

    def write(self, event: Event) -> None:
        """Take an event; indices only ever rise."""

    def flush(self) -> None:
        """Make all that was taken safe."""


@dataclass(frozen=True)
class NetworkOutput:
    """What logit codes mean."""

    class_names: tuple[str, ...]
    logit_step: float
    """Value of one step of a code."""
    clock_mhz: float
    """Of the chip, in whose clocks events of its gate are timed."""


@dataclass(frozen=True)
class Settings:
    """How a stream runs."""

    queue_cells: int
    """Most cells in each queue."""
    flush_s: float
    """Time between flushes of the sinks."""
    drop_when_full: bool
    """Whether the source is paced and drops what finds the queue full."""
    first_index: int = 0
    """Index of the first cell to arrive."""
    most_cells: int | None = None
    """Stop behind so many arrivals."""
    holograms: bool = False
    """Whether an arrival is a hologram, with any number of cells, and not the frames of one."""
    patience_s: float = 30.0
    """After a stop, the longest time in which no cell gets through; the accelerator may take longer for its own."""


@dataclass
class Reason:
    """Why some cells have no class."""

    cells: int
    first_index: int
    """Of the first of these cells."""
    example: str
    """What was said of that cell."""


@dataclass
class Counts:
    """What has happened so far; read by other threads while it changes.

    The first five count arrivals: cells, or holograms, whatever number of cells these have.
    """

    arrived: int = 0
    dropped: int = 0
    """Found the queue full."""
    faulty: int = 0
    """Could not be read, are no frames of this accelerator, or are kept from a chip that sorts by itself."""
    lost: int = 0
    """Given up by the accelerator."""
    finished: int = 0
    """Are with the sinks, with all that came of them."""
    events: int = 0
    """Are with the sinks: one a cell, and one of each hologram of which no cell is told."""
    cells: int = 0
    """Of these events, those of a cell."""
    deepest_queue: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    labelled: int = 0
    """Cells with a class whose source knew it too."""
    agreeing: int = 0
    """Of these, cells of which both say the same."""
    reasons: dict[str, Reason] = field(default_factory=dict)
    """Why cells without a class have none, by the reason with its numbers taken out."""


Measure: TypeAlias = Callable[[NDArray], Mapping[str, float]]
"""Computes features of frames (4, rows, columns), such as
:func:`cytogate.model.features.cell_features.measure_frames` of a design."""


class Pipeline:
    """One run of a stream; to be used once."""

    def __init__(
        self,
        cells: Iterable[SourceCell | None],
        accelerator: CellStream,
        output: NetworkOutput,
        check: FrameCheck,
        gates: LiveGates,
        sinks: Sequence[Sink],
        settings: Settings,
        stopped: threading.Event,
        measure: Measure | None = None,
    ) -> None:
        """Join source, accelerator and sinks.

        Parameters
        ----------
        cells
            Already paced; None says that there is nothing at the moment.
        stopped
            Set by anyone: ends the stream in good order.
        measure
            Gives events their features, in the sinks' thread: where it is slower than the cells, they wait in the
            queue of events, and at last in that of arrivals.
        """
        self.counts = Counts()
        self.ledger = Ledger()
        self.seconds = 0.0
        """How long it ran."""
        self._cells, self._accelerator, self._output = cells, accelerator, output
        self._check = check
        self.gates = gates
        self._sinks, self._settings, self._stopped = sinks, settings, stopped
        self._measure = measure
        self._arrivals: Channel[Arrival] = Channel(settings.queue_cells)
        self._events: Channel[Event] = Channel(settings.queue_cells)
        self._in_flight: deque[Arrival] = deque()
        self._undecided: deque[tuple[Arrival, Result | None]] = deque()
        """Answered; those behind the first may be its neighbors."""
        self._neighbors = Neighbors()
        self._failure: BaseException | None = None

    @property
    def queue_depth(self) -> int:
        """Cells that wait for the accelerator."""
        return len(self._arrivals)

    def run(self, on_progress: Callable[[], None] = lambda: None) -> None:
        """Run until the source ends or the stream is stopped, and return when all events are with the sinks.

        ``on_progress`` is called about ten times a second, in the caller's thread. An interrupt of the caller's thread
        stops the stream in good order and is raised behind that; after a second one only what has come through is
        written before.

        Raises
        ------
        InputError, CheckFailed, OSError
            What a part of the stream has failed with; what was finished before is flushed.
        """
        with _short_collections():
            self._run(on_progress)

    def _run(self, on_progress: Callable[[], None]) -> None:
        # Not Thread.join: up to Python 3.12, one that is interrupted takes a running thread for ended.
        parts = {name: threading.Event() for name in ("source", "accelerator", "sinks")}
        for work, (name, done) in zip((self._receive, self._compute, self._store), parts.items(), strict=True):
            threading.Thread(target=self._guarded, args=(work, done), name=name, daemon=True).start()
        interrupt: KeyboardInterrupt | None = None
        began_s = time.monotonic()
        while True:
            # Around the whole watch: an interrupt comes between any two steps.
            try:
                self._watch(parts, on_progress)
                break
            except KeyboardInterrupt as error:
                if interrupt is not None:
                    self._events.end()
                    parts["sinks"].wait(HURRY_S)
                    raise
                interrupt = error
                self._stopped.set()
            finally:
                self.seconds = time.monotonic() - began_s
        failure = self._failure or interrupt
        if failure is not None:
            raise failure

    def _watch(self, parts: Mapping[str, threading.Event], on_progress: Callable[[], None]) -> None:
        """Wait until all parts are done; after a stop, as long as cells get through."""
        patience = _Patience()
        while alive := [name for name, done in parts.items() if not done.is_set()]:
            parts[alive[-1]].wait(IDLE_S)
            on_progress()
            allowed_s = self._settings.patience_s
            if self._in_flight:
                allowed_s = max(allowed_s, self._accelerator.silence_s)
            if self._stopped.is_set() and patience.waited_s(self.counts.events) > allowed_s:
                raise self._failure or CheckFailed(
                    f"for {allowed_s:g} s after the stop no cell got through; waiting for " + ", ".join(alive)
                )

    def _guarded(self, work: Callable[[], None], done: threading.Event) -> None:
        """Run a thread's work and say when it is done; the first failure stops the stream."""
        try:
            work()
        except Closed:
            # Whoever closed the channel has a failure of its own to tell.
            pass
        except BaseException as error:
            self._failure = self._failure or error
            self._stopped.set()
        finally:
            done.set()

    # The source's thread.

    def _receive(self) -> None:
        try:
            for cell in self._cells:
                if self._stopped.is_set():
                    break
                if cell is None:
                    self._stopped.wait(IDLE_S)
                    continue
                cell = checked(cell, self._check)
                self._arrive(kept_back(cell) if self.gates.on_chip else cell)
                if self.counts.arrived == self._settings.most_cells:
                    break
        finally:
            self._arrivals.end()

    def _arrive(self, cell: SourceCell) -> None:
        counts = self.counts
        holds_cell = None if self._settings.holograms and cell.frames is not None else True
        arrival = Arrival(self._settings.first_index + counts.arrived, cell, self._neighbors.arrive(holds_cell))
        counts.arrived += 1
        if not self._settings.drop_when_full:
            self._arrivals.put(arrival)
        elif not self._arrivals.offer(arrival):
            self._neighbors.drop(arrival.moment)
            counts.dropped += 1
        counts.deepest_queue = max(counts.deepest_queue, len(self._arrivals))

    # The accelerator's thread.

    def _compute(self) -> None:
        go_first()
        sent, batch_ns = 0, None
        try:
            for result in self._accelerator.stream(self._frames()):
                if result.is_answered and result.received_ns != batch_ns:
                    batch_ns = result.received_ns
                    self._record_phase_latency(self._accelerator.phase_latency_us)
                if not self._in_flight or result.index != sent:
                    raise CheckFailed(
                        f"the accelerator gave a result of its cell {result.index}; that of {sent} is due"
                    )
                sent += 1
                self._finish(self._in_flight.popleft(), result)
                self._finish_faulty()
            if self._in_flight:
                raise CheckFailed(f"the accelerator ended and owes the results of {len(self._in_flight)} cells")
        finally:
            try:
                self._decide(last=True)
            finally:
                self._arrivals.close()
                self._events.end()

    def _frames(self) -> Iterator[NDArray | None]:
        """Hand over frames as they arrive; cells without keep their place in the order."""
        while True:
            try:
                arrival = self._arrivals.get(self._patience_s())
            except Ended:
                return
            if arrival is None:
                yield None
                continue
            self._in_flight.append(arrival)
            if arrival.cell.frames is None:
                self._finish_faulty()
            else:
                yield arrival.cell.frames

    def _patience_s(self) -> float:
        """How long the next cell may be waited for, by the oldest that is on its way."""
        if not self._in_flight:
            return IDLE_S
        waited_s = (time.monotonic_ns() - self._in_flight[0].arrived_ns) / 1e9
        return max(0.0, FLUSH_S - waited_s)

    def _record_phase_latency(self, latency_us: float) -> None:
        if latency_us > 0:
            self.ledger.record_span(Span.RETRIEVAL, round(1e3 * latency_us))

    def _record_trigger(self, latency_us: float | None) -> None:
        if latency_us is not None:
            self.ledger.record_span(Span.TRIGGER, round(1e3 * latency_us))

    def _finish_faulty(self) -> None:
        """Let go of cells that were never sent and have none before them that was."""
        while self._in_flight and self._in_flight[0].cell.frames is None:
            self._finish(self._in_flight.popleft(), None)

    def _finish(self, arrival: Arrival, result: Result | None) -> None:
        """Take a cell's answer, or a hologram's."""
        field = None if result is None else result.field
        holds_cell = field is None or field.is_crowded or bool(field.cells)
        self._neighbors.settle(arrival.moment, holds_cell=holds_cell)
        self._undecided.append((arrival, result))
        self._decide()

    def _decide(self, *, last: bool = False) -> None:
        """Decide about cells in order, as far as their neighbors are known; at last about all."""
        while self._undecided:
            arrival, result = self._undecided[0]
            found = _found(result)
            coincident = self._coincident(arrival, result, found)
            if coincident is None and not last:
                return
            self._undecided.popleft()
            for number, cell in enumerate(found, start=1):
                event = self._event(
                    arrival, result, cell, coincident=coincident is not False, is_last=number == len(found)
                )
                self._count(event)
                self._events.put(event)

    def _coincident(self, arrival: Arrival, result: Result | None, found: Sequence[FoundCell | None]) -> bool | None:
        """Say whether cells of an answer have neighbors; None while that depends on an answer that is not there."""
        window_ns = self.gates.gates.coincidence_ns
        is_cell = result is not None and (result.logits is not None or found[0] is not None)
        if not window_ns or not is_cell:
            return False
        # The cells of one hologram were taken in one moment.
        return len(found) > 1 or self._neighbors.beside(arrival.moment, window_ns)

    def _event(
        self, arrival: Arrival, result: Result | None, found: FoundCell | None, *, coincident: bool, is_last: bool
    ) -> Event:
        gates = self.gates.for_cell(arrival.index, None if result is None else result.gate)
        codes = found.logits if found is not None else None if result is None else result.logits
        logits = None if codes is None else [code * self._output.logit_step for code in codes.tolist()]
        flags = arrival.cell.flags | _flags(result, found)
        decided_ns = time.monotonic_ns()
        verdict = _told(result, logits, found) or gates.judge(
            logits,
            self._output.class_names,
            coincident=coincident,
            trusted=not flags & UNTRUSTED,
            latency_ns=decided_ns - arrival.arrived_ns,
        )
        if result is not None and result.event is not None:
            self._record_trigger(trigger_us(result.event, self._output.clock_mhz))
        if result is not None and logits is not None:
            self.ledger.record(arrival.arrived_ns, result.sent_ns, result.received_ns, decided_ns, gates.deadline_ns)
        return Event(arrival, result, verdict, flags, decided_ns, found=found, is_last=is_last)

    def _count(self, event: Event) -> None:
        counts, chosen = self.counts, event.verdict.class_index
        counts.decisions[event.decision] += 1
        counts.faulty += Flag.FAULTY in event.flags
        counts.lost += Flag.LOST in event.flags
        if event.reason is not None:
            kind = re.sub(r"\d+", "#", event.reason)
            kind = kind if kind in counts.reasons or len(counts.reasons) < MOST_REASONS else OTHER_REASONS
            counts.reasons.setdefault(kind, Reason(0, event.arrival.index, event.reason)).cells += 1
        if chosen is not None:
            counts.classes[self._output.class_names[chosen]] += 1
            if event.arrival.cell.label is not None:
                counts.labelled += 1
                counts.agreeing += event.arrival.cell.label == chosen

    # The sinks' thread.

    def _store(self) -> None:
        due_s = time.monotonic() + self._settings.flush_s
        try:
            while True:
                event = self._events.get(max(0.0, due_s - time.monotonic()))
                if event is not None:
                    event = self._measured(event)
                    for sink in self._sinks:
                        sink.write(event)
                    self._count_stored(event)
                if time.monotonic() >= due_s:
                    self._flush()
                    due_s = time.monotonic() + self._settings.flush_s
        except Ended:
            pass
        finally:
            self._events.close()
            self._flush()

    def _count_stored(self, event: Event) -> None:
        counts = self.counts
        counts.events += 1
        counts.finished += event.is_last
        counts.cells += event.found is not None or not self._settings.holograms

    def _measured(self, event: Event) -> Event:
        """Add features, if they were asked for; here, where no decision waits for them. A cell's place is its own."""
        if event.found is not None:
            return replace(event, features=place_of(event.found))
        frames, result = event.arrival.cell.frames, event.result
        features = {} if self._measure is None or frames is None else dict(self._measure(frames))
        if result is not None and result.event is not None:
            features |= trigger_features(result.event, self._output.clock_mhz)
        return replace(event, features=features)

    def _flush(self) -> None:
        for sink in self._sinks:
            sink.flush()


def _found(result: Result | None) -> Sequence[FoundCell | None]:
    """Return what becomes an event each: a hologram's cells; None for it where there are none, and for a cell."""
    cells = () if result is None or result.field is None else result.field.cells
    return cells or (None,)


def _told(result: Result | None, logits: Sequence[float] | None, found: FoundCell | None) -> Verdict | None:
    """Return what the chip's answer has decided already; None leaves it to the host's gates."""
    if result is None:
        return None
    if result.event is not None and logits is not None:
        return verdict_of(logits, result.event)
    if result.field is not None and found is None:
        return Verdict(Decision.CROWDED if result.field.is_crowded else Decision.EMPTY, None, None)
    return None


def _flags(result: Result | None, found: FoundCell | None) -> Flag:
    """Return what the chip's answer says is unusual."""
    if result is None:
        return Flag(0)
    if not result.is_answered:
        return Flag.LOST
    if result.event is not None:
        return flags_of(result.event)
    if found is None:
        return Flag.CROWDED if result.field is not None and result.field.is_crowded else Flag(0)
    clipped, several = off_axis.Flag.CLIPPED & found.flags, off_axis.Flag.SEVERAL & found.flags
    return (Flag.CLIPPED if clipped else Flag(0)) | (Flag.SEVERAL if several else Flag(0))


@contextmanager
def _short_collections() -> Iterator[None]:
    """Let Python's collector leave alone what is there already: to look through all of it stops every thread.

    With the modules of a stream loaded that takes 60 ms, as often as some thousand cells have come.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Patience:
    """For how long a count has not changed."""

    def __init__(self) -> None:
        self._count: int | None = None
        self._since_s = 0.0

    def waited_s(self, count: int) -> float:
        """Look at the count."""
        now_s = time.monotonic()
        if count != self._count:
            self._count, self._since_s = count, now_s
        return now_s - self._since_s
