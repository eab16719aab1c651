"""Neighbors in time: every pair of cells within the window is found, in whatever order things become known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.stream import neighbors
from cytogate.host.stream.cells import SourceCell
from cytogate.host.stream.gating import Decision
from cytogate.host.stream.neighbors import Moment, Neighbors
from cytogate.host.stream.pacing import paced, recorded
from cytogate.model.interface.answers import FieldAnswer, FoundCell
from tests.streams import CLASSES, NumpyAccelerator, small_frames
from tests.test_stream_pipeline import ALL, PLAIN, pipeline

WINDOW_NS = 10


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0

    def monotonic_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(1e9 * seconds)


@given(
    st.lists(st.tuples(st.integers(1, 15), st.sampled_from(["cell", "empty", "dropped"])), min_size=1, max_size=12),
    st.booleans(),
    st.integers(1, 12),
)
def test_cells_within_the_window_are_found(steps: list[tuple[int, str]], holograms: bool, batch: int) -> None:
    """Against all pairs, with answers of ``batch`` at a time; holograms that are dropped may hold cells."""
    clock, made = Clock(), Neighbors()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "time", clock)
        moments = list[tuple[Moment, str]]()
        for step, kind in steps:
            clock.now += step
            moment = made.arrive(None if holograms else True)
            if kind == "dropped":
                made.drop(moment)
            moments.append((moment, kind if holograms or kind == "dropped" else "cell"))
        due, found, waiting = dict[int, bool](), dict[int, bool](), list[Moment]()
        answered = [(moment, kind) for moment, kind in moments if kind != "dropped"]
        for place in range(0, len(answered), batch):
            for moment, kind in answered[place : place + batch]:
                made.settle(moment, holds_cell=kind == "cell")
                waiting += [moment] * (kind == "cell")
                while waiting and (beside := made.beside(waiting[0], WINDOW_NS)) is not None:
                    found[waiting.pop(0).ns] = beside
        for moment, kind in moments:
            others = [each.ns for each, other in moments if other != "empty" and each is not moment]
            if kind == "cell":
                due[moment.ns] = any(abs(moment.ns - ns) < WINDOW_NS for ns in others)
    assert not waiting
    assert found == due


class HologramAccelerator(NumpyAccelerator):
    """Finds as many cells as the first pixel of a hologram says; that of 99 is crowded."""

    def _answers(self, first: int, waiting: list[NDArray]) -> Iterator[Result]:
        for result, frames in zip(super()._answers(first, waiting), waiting, strict=True):
            count, logits = int(frames.flat[0]), np.array([100, 0, 0], np.int64)
            cells = () if count == 99 else (FoundCell((0, 0), 1, 0, logits),) * count
            yield replace(result, logits=None, field=FieldAnswer(cells, count == 99))


def holograms(counts: Iterable[int], times: Iterable[float]) -> Iterator[SourceCell]:
    for position, (count, recorded_s) in enumerate(zip(counts, times, strict=True)):
        frames = small_frames(1)[0]
        frames.flat[0] = count
        yield SourceCell("list", position, frames, recorded_s=recorded_s)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_cells_of_a_hologram_and_of_its_neighbors_veto_each_other(batch: int) -> None:
    """Two in one field; one alone; one beside an empty field; one of each of two fields; one beside a crowded field."""
    counts, times = [2, 1, 1, 0, 1, 1, 1, 99], [0.0, 0.3, 0.6, 0.6005, 0.9, 0.9005, 1.2, 1.2005]
    cells = paced(holograms(counts, times), recorded(), threading.Event())
    run, sink = pipeline(
        cells,
        HologramAccelerator(batch),
        settings=replace(PLAIN, holograms=True),
        gates=replace(ALL, coincidence_us=5e4),
    )
    began = time.monotonic()
    run.run()
    by_field = [[event.decision for event in sink.events if event.arrival.index == index] for index in range(8)]
    pair, alone = [Decision.COINCIDENT], [Decision.SORT]
    assert by_field == [pair * 2, alone, alone, [Decision.EMPTY], pair, pair, pair, [Decision.CROWDED]]
    assert [event.is_last for event in sink.events] == [False] + [True] * 8
    assert (run.counts.arrived, run.counts.finished, run.counts.events, run.counts.cells) == (8, 8, 9, 7)
    assert time.monotonic() - began < 5
    assert CLASSES[0] in run.counts.classes


def test_what_waits_for_an_answer_that_never_comes_is_not_sorted() -> None:
    """The accelerator fails behind the first of two holograms: the first may have had a neighbor, and is an event."""
    cells = holograms([1, 1], [0.0, 0.0])
    run, sink = pipeline(
        cells,
        HologramAccelerator(2, failing=1),
        settings=replace(PLAIN, holograms=True),
        gates=replace(ALL, coincidence_us=1e6),
    )
    with pytest.raises(OSError, match="the board is gone"):
        run.run()
    assert [event.decision for event in sink.events] == [Decision.COINCIDENT]
