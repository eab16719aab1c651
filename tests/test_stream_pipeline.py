"""The pipeline: order, bounded queues, what overload, faults, stops and failures do."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import psutil
import pytest

from cytogate.host.stream.cells import WHOLE_FILE, Event, Flag, SourceCell
from cytogate.host.stream.channel import Channel, Closed, Ended
from cytogate.host.stream.gating import Decision, Gates, LiveGates
from cytogate.host.stream.pacing import paced, recorded, regular
from cytogate.host.stream.pipeline import FLUSH_S, Measure, NetworkOutput, Pipeline, Settings
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.interface.frame_check import FrameCheck
from tests.streams import (
    CHANNELS,
    CLASSES,
    LOGIT_STEP,
    SIDE,
    ListedCells,
    NumpyAccelerator,
    logits_of,
    small_frames,
)

PLAIN = Settings(queue_cells=16, flush_s=0.05, drop_when_full=False)
ALL = Gates(dict.fromkeys(CLASSES, 0.0))


class Kept:
    """A sink in memory."""

    def __init__(self, delay_s: float = 0.0, failing: int | None = None) -> None:
        self.events: list[Event] = []
        self.flushed = 0
        self._delay_s, self._failing = delay_s, failing

    def write(self, event: Event) -> None:
        time.sleep(self._delay_s)
        if len(self.events) == self._failing:
            raise OSError("no space left")
        self.events.append(event)

    def flush(self) -> None:
        self.flushed = len(self.events)


def pipeline(
    cells: Iterable[SourceCell | None],
    accelerator: NumpyAccelerator | None = None,
    sink: Kept | None = None,
    settings: Settings = PLAIN,
    gates: Gates = ALL,
    stopped: threading.Event | None = None,
    measure: Measure | None = None,
) -> tuple[Pipeline, Kept]:
    sink = sink or Kept()
    made = Pipeline(
        cells,
        accelerator or NumpyAccelerator(),
        NetworkOutput(CLASSES, LOGIT_STEP, 200.0),
        FrameCheck(SIDE, SIDE, 8, CHANNELS),
        LiveGates(gates, CLASSES),
        [sink],
        settings,
        stopped or threading.Event(),
        measure,
    )
    return made, sink


def test_every_cell_in_order_with_its_own_logits() -> None:
    frames = small_frames(1000)
    run, sink = pipeline(ListedCells(frames).read({}))
    run.run()
    assert [event.arrival.index for event in sink.events] == list(range(1000))
    for event, each in zip(sink.events, frames, strict=True):
        assert event.logits is not None
        np.testing.assert_array_equal(event.logits, logits_of(each))
        assert event.verdict.class_index == int(np.argmax(logits_of(each)))
    assert sink.flushed == run.counts.finished == run.counts.arrived == 1000
    assert run.counts.dropped == run.counts.lost == run.counts.faulty == 0
    assert run.counts.deepest_queue <= PLAIN.queue_cells
    assert run.ledger.summaries()["total"].cells == 1000
    assert run.ledger.summaries()["retrieval"].p50_us == pytest.approx(12.5, rel=0.01)


def test_cells_that_trickle_in_put_no_cell_off() -> None:
    """Each comes while the one before would still wait for others: the oldest goes all the same, in its time."""

    def trickle() -> Iterator[SourceCell]:
        for cell in ListedCells(small_frames(60)).read({}):
            time.sleep(0.6 * FLUSH_S)
            yield cell

    run, sink = pipeline(trickle(), NumpyAccelerator(batch=1000))
    run.run()
    batches = {event.result.received_ns for event in sink.events if event.result is not None}
    assert len(sink.events) == 60
    assert len(batches) > 3, "60 cells come in 36 times as long as one of them waits"


def test_collections_leave_alone_what_was_there_before_the_stream() -> None:
    """Looking through all of it would stop every thread for longer than a cell has."""
    before, frozen = gc.get_freeze_count(), list[int]()

    def looking() -> Iterator[SourceCell]:
        for cell in ListedCells(small_frames(3)).read({}):
            frozen.append(gc.get_freeze_count())
            yield cell

    run, _ = pipeline(looking())
    run.run()
    assert len(frozen) == 3
    assert min(frozen) > before + 10_000
    assert gc.get_freeze_count() == 0


def test_events_carry_the_features_of_their_own_frames() -> None:
    """40 cells, one of them without frames, one lost by the accelerator: that one has features but no class."""
    frames: list[np.ndarray | None] = list(small_frames(40))
    frames[7] = None
    cells = ListedCells(frames).read({})
    run, sink = pipeline(cells, NumpyAccelerator(lost=[11]), measure=lambda each: {"sum": float(each.sum())})
    run.run()
    assert [event.features for event in sink.events] == [
        {} if each is None else {"sum": float(each.sum())} for each in frames
    ]
    assert len(sink.events) == 40
    # The eleventh that was sent after the first; the one without frames was not.
    assert sink.events[12].logits is None
    assert all(not event.features for event in _events_without_measure(small_frames(3)))


def _events_without_measure(frames: np.ndarray) -> list[Event]:
    run, sink = pipeline(ListedCells(frames).read({}))
    run.run()
    assert len(sink.events) == len(frames)
    return sink.events


def test_faulty_cells_keep_their_place_and_the_stream_goes_on() -> None:
    """Cells that are no frames of this accelerator, one of each kind, between good ones."""
    good = small_frames(10)
    high, dark, bright = good[0].copy(), good[0].copy(), good[0].copy()
    dark[2] = 7
    bright[1, 0] = 255
    nan = good[0].astype(np.float32)
    nan[0, 0, 0] = np.nan
    strange = [
        (None, "it was cut off"),
        (good[0, :3], "frames of shape (3, 8, 8); the accelerator takes (4, 8, 8)"),
        (nan, "float32 and hold NaN or infinity"),
        (good[0].astype(np.float64), "frames are float64; codes"),
        (good[0].astype(np.int8), "frames are int8; codes"),
        (high.astype(np.uint16) * 2, "beyond the 8-bit ADC's 255"),
        (dark, "frame +y is empty: all of its pixels are 7"),
    ]
    cells: list[np.ndarray | None] = [good[0]]
    for number, (frames, _) in enumerate(strange):
        cells += [frames, good[number + 1]]
    cells.append(bright)
    run, sink = pipeline(ListedCells(cells).read({}))
    run.run()
    assert [event.arrival.index for event in sink.events] == list(range(len(cells)))
    for number, (_, said) in enumerate(strange):
        event = sink.events[2 * number + 1]
        assert event.flags == Flag.FAULTY
        assert said in str(event.reason)
        assert event.decision is Decision.LOST
        neighbor = sink.events[2 * number + 2]
        assert neighbor.logits is not None
        np.testing.assert_array_equal(neighbor.logits, logits_of(good[number + 1]))
    assert sink.events[-1].flags == Flag.SATURATED
    assert sink.events[-1].decision is Decision.UNTRUSTED
    assert run.counts.faulty == len(strange)


def test_cells_that_the_accelerator_loses_are_told() -> None:
    run, sink = pipeline(ListedCells(small_frames(9)).read({}), NumpyAccelerator(lost=[3, 4]))
    run.run()
    assert [event.arrival.index for event in sink.events if Flag.LOST in event.flags] == [3, 4]
    assert {event.reason for event in sink.events if event.logits is None} == {"the chip made no progress"}
    assert run.counts.lost == run.counts.decisions[Decision.LOST] == 2


def test_overload_drops_the_newest_and_counts() -> None:
    """A paced source that is ten times too fast: what is kept is in order, what is not is counted, queues are full."""
    settings = replace(PLAIN, drop_when_full=True, queue_cells=8)
    cells = paced(ListedCells(small_frames(400)).read({}), regular(2000), threading.Event())
    run, sink = pipeline(cells, NumpyAccelerator(batch=1, delay_s=0.005), settings=settings)
    run.run()
    counts = run.counts
    indices = [event.arrival.index for event in sink.events]
    assert indices == sorted(set(indices))
    assert counts.arrived == 400 == counts.finished + counts.dropped
    assert counts.dropped > 200
    assert counts.deepest_queue == 8
    # The first fill the queue, the newest find it full.
    assert indices[:8] == list(range(8))
    for event in sink.events:
        assert event.logits is not None
        np.testing.assert_array_equal(event.logits, logits_of(small_frames(400)[event.arrival.index]))


def test_a_slow_sink_drops_too_and_memory_stays_bounded() -> None:
    settings = replace(PLAIN, drop_when_full=True, queue_cells=4)
    cells = paced(ListedCells(small_frames(200)).read({}), regular(2000), threading.Event())
    run, sink = pipeline(cells, NumpyAccelerator(batch=1), Kept(delay_s=0.005), settings)
    run.run()
    assert run.counts.dropped > 50
    assert run.counts.arrived == 200 == len(sink.events) + run.counts.dropped


def test_coincident_cells_veto_each_other_even_if_one_is_dropped_or_faulty() -> None:
    """Pairs 1 ms apart, half a second from pair to pair; one of each pair is faulty, or missing to the accelerator.

    What is between is room for a machine that has other things to do.
    """
    frames = small_frames(12)
    offsets = [0.5 * (number // 2) + 0.001 * (number % 2) for number in range(8)] + [2.0, 2.5, 3.0, 3.5]

    def cells() -> Iterator[SourceCell]:
        for position, offset in enumerate(offsets):
            cell = SourceCell("list", position, frames[position], recorded_s=10 + offset)
            yield cell.faulty("cut off") if position == 3 else cell

    gates = replace(ALL, coincidence_us=150_000)
    run, sink = pipeline(paced(cells(), recorded(), threading.Event()), gates=gates)
    run.run()
    decisions = [event.decision for event in sink.events]
    assert decisions[:8] == [Decision.COINCIDENT] * 3 + [Decision.LOST] + [Decision.COINCIDENT] * 4
    assert decisions[8:] == [Decision.SORT] * 4


@pytest.mark.parametrize("where", [0, 3, 6])
@pytest.mark.parametrize("rate", [200.0, None])
def test_a_file_that_cannot_be_read_ends_no_pace(where: int, rate: float | None) -> None:
    """Its row has no recorded time: it goes by, and moves no other cell."""
    cells = [
        SourceCell("list", number, frames, recorded_s=0.1 * number) for number, frames in enumerate(small_frames(6))
    ]
    cells.insert(where, SourceCell("bad", WHOLE_FILE, None).faulty("there is no such file"))
    due = recorded() if rate is None else regular(rate)
    run, sink = pipeline(paced(cells, due, threading.Event()))
    began = time.monotonic()
    run.run()
    assert [event.arrival.cell.origin == "bad" for event in sink.events] == [n == where for n in range(7)]
    assert run.counts.faulty == 1
    if rate is None:
        assert 0.49 <= time.monotonic() - began < 5


def test_a_late_decision_is_do_not_sort() -> None:
    gates = replace(ALL, deadline_ms=20)
    run, sink = pipeline(ListedCells(small_frames(8)).read({}), NumpyAccelerator(delay_s=0.05), gates=gates)
    run.run()
    assert {event.decision for event in sink.events} == {Decision.LATE}
    assert run.ledger.misses == 8


def test_idle_sources_do_not_hold_results_back() -> None:
    """A batch that does not fill is sent when nothing follows: the cell is finished while the source still waits."""
    stopped = threading.Event()
    sink = Kept()

    def cells() -> Iterator[SourceCell | None]:
        yield SourceCell("list", 0, small_frames(1)[0])
        for _ in range(100):
            if sink.events:
                return
            yield None
        raise AssertionError("no event came")

    run, _ = pipeline(cells(), NumpyAccelerator(batch=16), sink, stopped=stopped)
    run.run()
    assert len(sink.events) == 1


def test_a_stop_lets_everything_that_arrived_pass() -> None:
    stopped = threading.Event()

    def endless() -> Iterator[SourceCell]:
        frames = small_frames(1)[0]
        for position in range(10**9):
            if position == 500:
                stopped.set()
            yield SourceCell("list", position, frames)

    run, sink = pipeline(endless(), NumpyAccelerator(delay_s=0.0005), stopped=stopped)
    run.run()
    assert run.counts.arrived == run.counts.finished == len(sink.events) == sink.flushed
    assert 400 < len(sink.events) <= 501


def test_an_interrupt_flushes_and_is_raised() -> None:
    def endless() -> Iterator[SourceCell]:
        for position in range(10**9):
            yield SourceCell("list", position, small_frames(1)[0])

    run, sink = pipeline(endless(), NumpyAccelerator(delay_s=0.001))

    def interrupt() -> None:
        if run.counts.finished > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(interrupt)
    assert run.counts.arrived == len(sink.events) == sink.flushed > 20


def test_what_was_finished_is_flushed_when_the_source_fails() -> None:
    def failing() -> Iterator[SourceCell]:
        yield from ListedCells(small_frames(10)).read({})
        raise InputError("the folder is gone")

    run, sink = pipeline(failing())
    with pytest.raises(InputError, match="the folder is gone"):
        run.run()
    assert len(sink.events) == sink.flushed == 10


def test_what_was_finished_is_flushed_when_the_board_fails() -> None:
    endless = (SourceCell("list", position, small_frames(1)[0]) for position in range(10**9))
    run, sink = pipeline(endless, NumpyAccelerator(failing=25))
    with pytest.raises(OSError, match="the board is gone"):
        run.run()
    assert [event.arrival.index for event in sink.events] == list(range(25))
    assert sink.flushed == 25


def test_a_sink_that_fails_ends_the_stream() -> None:
    endless = (SourceCell("list", position, small_frames(1)[0]) for position in range(10**9))
    run, sink = pipeline(endless, sink=Kept(failing=25))
    with pytest.raises(OSError, match="no space left"):
        run.run()
    assert sink.flushed == 25


def test_an_accelerator_that_hangs_does_not_hang_the_end() -> None:
    stopped = threading.Event()
    run, _ = pipeline(
        ListedCells(small_frames(1)).read({}),
        NumpyAccelerator(delay_s=20, begun=stopped),
        settings=replace(PLAIN, patience_s=0.3),
        stopped=stopped,
    )
    began = time.monotonic()
    with pytest.raises(CheckFailed, match="no cell got through; waiting for accelerator, sinks"):
        run.run()
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("where", ["accelerator", "source"])
def test_the_wait_after_a_stop_is_as_long_as_the_accelerator_may_take(where: str) -> None:
    """A batch that it has is waited for; a source that hangs is not, however patient the accelerator is."""
    stopped, going_on = threading.Event(), threading.Event()

    def hanging() -> Iterator[SourceCell]:
        yield SourceCell("list", 0, small_frames(1)[0])
        stopped.set()
        going_on.wait(20)

    cells = hanging() if where == "source" else ListedCells(small_frames(1)).read({})
    accelerator = NumpyAccelerator(batch=1, silence_s=10)
    if where == "accelerator":
        accelerator = NumpyAccelerator(batch=1, delay_s=1.5, silence_s=10, begun=stopped)
    run, sink = pipeline(cells, accelerator, settings=replace(PLAIN, patience_s=0.3), stopped=stopped)
    began = time.monotonic()
    if where == "source":
        with pytest.raises(CheckFailed, match=r"0[.]3 s after the stop no cell got through; waiting for source"):
            run.run()
        assert time.monotonic() - began < 5
    else:
        run.run()
    going_on.set()
    assert len(sink.events) == 1


@pytest.mark.parametrize("fault", ["swapped", "missing"])
def test_results_of_another_cell_are_never_taken(fault: str) -> None:
    class Wrong(NumpyAccelerator):
        def stream(self, frames):  # type: ignore[no-untyped-def]
            for result in super().stream(frames):
                if fault == "swapped" and result.index in (5, 6):
                    result = replace(result, index=11 - result.index)
                if not (fault == "missing" and result.index == 9):
                    yield result

    run, sink = pipeline(ListedCells(small_frames(10)).read({}), Wrong())
    with pytest.raises(CheckFailed, match=r"that of 5 is due|owes the results of 1 cells"):
        run.run()
    assert [event.arrival.index for event in sink.events] == list(range(5 if fault == "swapped" else 9))


def test_gates_can_change_while_it_runs() -> None:
    live: list[LiveGates] = []

    def cells() -> Iterator[SourceCell | None]:
        for position, frames in enumerate(small_frames(20)):
            if position == 10:
                while len(sink.events) < 10:
                    yield None
                live[0].change(Gates())
            yield SourceCell("list", position, frames)

    run, sink = pipeline(cells())
    live.append(run.gates)
    run.run()
    assert [event.decision for event in sink.events] == [Decision.SORT] * 10 + [Decision.UNWANTED] * 10
    assert [index for index, _ in run.gates.record] == [0, 10]


def test_rates_are_kept_and_slow_sources_are_not_hurried() -> None:
    frames = small_frames(1)[0]

    def slow() -> Iterator[SourceCell]:
        for position in range(41):
            if position == 20:
                time.sleep(0.3)
            yield SourceCell("list", position, frames)

    began = time.monotonic()
    times = [time.monotonic() - began for _ in paced(slow(), regular(200), threading.Event())]
    gaps = np.diff(times)
    assert times[-1] > 0.3 + 0.2 - 0.015
    # Not one behind the other at once, to make up for the pause.
    assert np.median(gaps[20:]) > 0.003
    for rate in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(InputError, match="above 0"):
            regular(rate)
    with pytest.raises(InputError, match="no recorded time"):
        list(paced([SourceCell("list", 0, frames)], recorded(), threading.Event()))


def test_channel_ends_and_closes() -> None:
    channel: Channel[int] = Channel(2)
    assert [channel.offer(number) for number in range(3)] == [True, True, False]
    assert channel.get(0) == 0
    channel.end()
    assert channel.get(0) == 1
    with pytest.raises(Ended):
        channel.get(10)
    channel.close()
    with pytest.raises(Closed):
        channel.offer(1)
    full: Channel[int] = Channel(1)
    full.put(1)
    threading.Timer(0.1, full.close).start()
    with pytest.raises(Closed):
        full.put(2)
    assert Channel[int](1).get(0.01) is None


def test_memory_stays_flat_over_twenty_thousand_cells() -> None:
    """The stream alone, with frames of 64 KiB a cell: all of them together are 1.3 GB."""
    side, count = 128, 20_000
    frames = small_frames(4, side)
    process = psutil.Process()
    resident: list[int] = []

    def cells() -> Iterator[SourceCell]:
        for position in range(count):
            if position % 1000 == 0:
                resident.append(process.memory_info().rss)
            yield SourceCell("list", position, frames[position % 4] + np.uint8(0))

    class Forgetting(Kept):
        def write(self, event: Event) -> None:
            self.last = event

    class Light(NumpyAccelerator):
        def _answers(self, first, waiting):  # type: ignore[no-untyped-def]
            yield from super()._answers(first, [each[:, :SIDE, :SIDE] for each in waiting])

    run = Pipeline(
        cells(),
        Light(batch=16),
        NetworkOutput(CLASSES, LOGIT_STEP, 200.0),
        FrameCheck(side, side, 8, CHANNELS),
        LiveGates(ALL, CLASSES),
        [Forgetting()],
        replace(PLAIN, queue_cells=64),
        threading.Event(),
    )
    run.run()
    assert run.counts.finished == count
    assert max(resident[5:]) - resident[4] < 16 << 20
