"""The monitor of a stream: what it counts, what it keeps, and that it neither grows nor gives away what it changes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from cytogate.host.stream.cells import NOTHING_UNUSUAL, Arrival, Event, SourceCell
from cytogate.host.stream.course import WINDOW_S
from cytogate.host.stream.gating import Decision, Verdict
from cytogate.host.stream.ledger import RELATIVE_ERROR
from cytogate.host.stream.monitor import BAR_EDGES_NS, GALLERY, RECENT, Monitor, State
from cytogate.host.stream.neighbors import Moment
from tests.streams import CLASSES, small_frames

MS = 1_000_000
SECOND = 1000 * MS
FRAMES = small_frames(1)[0]


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def monitor(clock: Clock) -> Monitor:
    return Monitor(CLASSES, deadline_ns=20 * MS, clock=clock)


def event(index: int, now_ns: int, class_index: int | None = 0, latency_ns: int = MS, sort: bool = False) -> Event:
    if class_index is None:
        cell = SourceCell("list", index, None).faulty("it was cut off")
        verdict = Verdict(Decision.LOST, None, None)
    else:
        cell = SourceCell("list", index, FRAMES)
        verdict = Verdict(Decision.SORT if sort else Decision.UNWANTED, class_index, 0.5)
    return Event(Arrival(index, cell, Moment(now_ns - latency_ns)), None, verdict, NOTHING_UNUSUAL, now_ns)


def test_a_stream_waits_runs_and_ends(monitor: Monitor, clock: Clock) -> None:
    assert monitor.view().state is State.WAITING
    clock.now += 2 * SECOND
    monitor.write(event(0, clock.now))
    assert monitor.view().state is State.STREAMING
    monitor.ended("the source has ended")
    clock.now += 9 * SECOND
    monitor.ended("too late to say anything else")
    view = monitor.view()
    assert (view.state, view.why_ended, view.elapsed_s) == (State.ENDED, "the source has ended", 2.0)


def test_cells_are_counted_by_what_became_of_them(monitor: Monitor, clock: Clock) -> None:
    monitor.write(event(0, clock.now, 0, sort=True))
    monitor.write(event(1, clock.now, 2, latency_ns=20 * MS))
    monitor.write(event(2, clock.now, 2, latency_ns=20 * MS + 1))
    monitor.write(event(3, clock.now, None))
    monitor.progress(waiting=7, dropped=2)
    monitor.progress(waiting=3, dropped=5)
    clock.now += SECOND
    view = monitor.view()
    counts = view.counts
    assert (counts.classified, counts.sorted, counts.missed, counts.dropped, counts.lost) == (3, 1, 1, 5, 1)
    assert view.class_totals.tolist() == [1, 0, 2]
    assert view.last_loss == "it was cut off"
    course = view.course
    assert (course.seconds.tolist(), course.classes.tolist()) == ([0], [[1, 0, 2]])
    assert (course.others.tolist(), course.waiting.tolist()) == ([6], [7])
    assert course.rate == 3.0


def test_a_silent_minute_leaves_nothing_of_the_minutes_before(monitor: Monitor, clock: Clock) -> None:
    for second in range(3 * WINDOW_S):
        monitor.write(event(second, clock.now, second % 3))
        clock.now += SECOND
    course = monitor.view().course
    assert course.seconds.tolist() == list(range(2 * WINDOW_S, 3 * WINDOW_S))
    assert course.classes.sum(axis=1).tolist() == [1] * WINDOW_S
    clock.now += 10 * WINDOW_S * SECOND
    course = monitor.view().course
    assert len(course.seconds) == WINDOW_S
    assert course.classes.sum() == 0


def test_scores_come_once_each_and_only_the_last_are_kept(monitor: Monitor, clock: Clock) -> None:
    for index in range(10):
        monitor.write(event(index, clock.now))
    first = monitor.view()
    for index in range(10, 14):
        monitor.write(event(index, clock.now))
    assert first.scores.index.tolist() == list(range(10))
    assert monitor.view(first.scored).scores.index.tolist() == [10, 11, 12, 13]
    assert monitor.view(14).scores.index.tolist() == []
    for index in range(14, 3 * RECENT):
        monitor.write(event(index, clock.now))
    assert monitor.view(first.scored).scores.index.tolist() == list(range(2 * RECENT, 3 * RECENT))


def test_latencies_fill_bars_and_quantiles(monitor: Monitor, clock: Clock) -> None:
    latencies = np.random.default_rng(3).lognormal(np.log(5 * MS), 0.8, 1000).astype(np.int64)
    for index, latency_ns in enumerate(latencies.tolist()):
        monitor.write(event(index, clock.now, latency_ns=latency_ns))
    latency = monitor.view().latency
    np.testing.assert_array_equal(latency.bars, np.histogram(latencies, BAR_EDGES_NS)[0])
    for found, share in ((latency.p50_ns, 0.5), (latency.p99_ns, 0.99), (latency.p999_ns, 0.999)):
        true = np.quantile(latencies, share, method="inverted_cdf")
        assert true <= found <= true * (1 + RELATIVE_ERROR)
    assert latency.max_ns == latencies.max()


@pytest.mark.parametrize(("latency_ns", "bar"), [(1, 0), (100_000, 10), (3600 * SECOND, len(BAR_EDGES_NS) - 2)])
def test_edges_belong_to_the_bar_above_and_the_outermost_bars_hold_what_lies_beyond(
    latency_ns: int, bar: int, monitor: Monitor, clock: Clock
) -> None:
    monitor.write(event(0, clock.now, latency_ns=latency_ns))
    assert np.flatnonzero(monitor.view().latency.bars).tolist() == [bar]


def test_the_gallery_takes_a_cell_each_half_second(monitor: Monitor, clock: Clock) -> None:
    for index in range(100):
        monitor.write(event(index, clock.now))
        clock.now += 100 * MS
    gallery = monitor.view().gallery
    assert [shown.index for shown in gallery] == list(range(95, 95 - 5 * GALLERY, -5))[::-1]
    # A source may use its memory again.
    assert all(not np.shares_memory(shown.frames, FRAMES) for shown in gallery)
    np.testing.assert_array_equal(gallery[-1].frames, FRAMES)


def test_a_view_is_not_changed_any_more(monitor: Monitor, clock: Clock) -> None:
    monitor.write(event(0, clock.now))
    before = monitor.view()
    monitor.write(event(1, clock.now))
    clock.now += SECOND
    assert before.class_totals.tolist() == [1, 0, 0]
    assert before.latency.bars.sum() == before.counts.classified == 1
    assert len(before.course.seconds) == 0


def test_views_are_consistent_while_the_stream_writes() -> None:
    monitor = Monitor(CLASSES)
    clock, half, viewed, done = Clock(), threading.Event(), threading.Event(), threading.Event()

    def stream() -> None:
        for index in range(5000):
            monitor.write(event(index, clock.now, index % 3))
            if index == 2500:
                half.set()
                # However seldom the other thread is let run, a view falls between two events.
                viewed.wait(60)
        done.set()

    threading.Thread(target=stream, daemon=True).start()
    scored = views = 0
    seen: list[int] = []
    assert half.wait(60)
    while not done.wait(0.001) or scored < 5000:
        view = monitor.view(scored)
        assert view.class_totals.sum() == view.counts.classified == view.latency.bars.sum() == view.scored
        seen += view.scores.index.tolist()
        scored, views = view.scored, views + 1
        viewed.set()
        assert views < 60_000
    assert views > 1
    assert seen == sorted(set(seen))
    assert seen[-1] == 4999
