"""The bench of the live page: a crowd comes, some of it is served, and the stream is what it was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cytogate.model.design.design import Design
from cytogate.model.errors import CheckFailed
from cytogate.sim import viewers
from cytogate.sim.viewers import Crowd, Pair, hostile_requests, median_ratio, watched_and_quiet
from tests.streams import small_design, small_frames, write_bundle


def without_network(design: Design, folder: Path) -> SimpleNamespace:
    return SimpleNamespace(path=write_bundle(folder / "b.zip", design))


@pytest.mark.full
def test_a_pair_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CELLS", 150), ("CELLS_PER_S", 10), ("PAIRS", 1), ("emulate", without_network)):
        monkeypatch.setattr(viewers, name, value)
    (pair,) = watched_and_quiet(small_design(), small_frames(4))
    assert pair.crowd.served
    assert pair.crowd.turned_away
    assert pair.crowd.hostile >= len(hostile_requests("", ""))
    assert pair.quiet_ms > 0
    assert pair.watched_ms > 0


def test_a_stream_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "emulate", lambda _design, folder: SimpleNamespace(path=folder / "none.zip"))
    with pytest.raises(CheckFailed, match=r"the stream that is timed has failed: .*none.zip"):
        list(watched_and_quiet(small_design(), small_frames(4)))


def test_the_pair_in_the_middle_counts() -> None:
    pairs = [Pair(10.0, watched_ms, Crowd()) for watched_ms in (30.0, 11.0, 9.0)]
    assert median_ratio(pairs) == pytest.approx(1.1)


def test_hostile_requests_are_many_and_different() -> None:
    assert len(set(hostile_requests("127.0.0.1:1", "/secret/"))) == 20
