"""Gates moved in pages: what others set stays, what makes no sense is refused once, as messages of real websockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from bokeh.model import Model
from tornado.websocket import WebSocketClientConnection

from cytogate.host.page import words
from cytogate.host.page.live import LivePage
from cytogate.host.page.scores import ScoreChart
from cytogate.host.page.words import About
from cytogate.host.stream.gating import Gates, LiveGates, ScoreKind
from cytogate.host.stream.monitor import Monitor
from cytogate.model.errors import InputError
from tests.streams import CLASSES
from tests.test_monitor import MS, Clock, event
from tests.test_page_access import WAIT_S, Served, page_token, served, websocket

FIRST, SECOND, THIRD = CLASSES[:3]


async def changed(connection: WebSocketClientConnection, model: Model, attribute: str, new: Any) -> None:
    """Tell the server of a change, as a browser does."""
    change = {"kind": "ModelChanged", "model": {"id": model.id}, "attr": attribute, "new": new}
    for part in ({"msgid": f"{time.monotonic_ns()}", "msgtype": "PATCH-DOC"}, {}, {"events": [change]}):
        await connection.write_message(json.dumps(part))


async def eventually(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.1)


async def page_of(server: Served) -> tuple[WebSocketClientConnection, LivePage]:
    """Open a page; return its websocket and the page itself, for what it shows and the names of its models."""
    connection = await websocket(server, page_token(server))
    page = server.pages[-1]()
    assert page is not None
    return connection, page


def shown(page: LivePage) -> dict[str, float]:
    """Return the thresholds that a page shows."""
    scores = page._scores
    return {CLASSES[index]: scores.boxes[index].bottom for index in scores.sorting.active}


def test_two_people_move_two_gates() -> None:
    """Neither undoes the other, though both move before either has seen the other's move."""

    async def moved(server: Served) -> None:
        (one, first), (other, second) = await page_of(server), await page_of(server)
        await changed(one, first._scores.boxes[0], "bottom", 0.31234)
        await changed(other, second._scores.sorting, "active", [0, 1])
        await changed(other, second._scores.boxes[1], "bottom", 0.75)
        wanted = {FIRST: 0.312, SECOND: 0.75}
        await eventually(lambda: server.gates.gates.thresholds == wanted, f"{server.gates.gates.thresholds}")
        await eventually(lambda: shown(first) == shown(second) == wanted, f"{shown(first)}, {shown(second)}")
        await changed(one, first._scores.sorting, "active", [1])
        wanted = {SECOND: 0.75}
        await eventually(lambda: server.gates.gates.thresholds == wanted, "the class is still sorted")
        await eventually(lambda: shown(first) == shown(second) == wanted, "the second page shows another gate")
        assert not first._scores.refused + second._scores.refused

    with served() as server:
        asyncio.run(moved(server))


@pytest.mark.parametrize("order", [(0, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1)])
def test_a_gate_under_way_stays_in_the_hand(order: tuple[int, ...]) -> None:
    """Pages settle at any times: what is being dragged is not pulled back by what another page hands over."""
    live = LiveGates(Gates({FIRST: 0.9, SECOND: 0.9}), CLASSES)
    pages = [ScoreChart(CLASSES, live), ScoreChart(CLASSES, live)]
    pages[0].boxes[0].bottom, pages[1].boxes[1].bottom = 0.2, 0.4
    for page in order:
        pages[page].settle()
        assert (pages[0].boxes[0].bottom, pages[1].boxes[1].bottom) == (0.2, 0.4)
    for page in pages:
        page.settle()
        assert [box.bottom for box in page.boxes[:2]] == [0.2, 0.4]
    assert live.gates.thresholds == {FIRST: 0.2, SECOND: 0.4}


NAN = {"type": "number", "value": "nan"}
REFUSED = {
    "nan": (0, NAN, "nan"), "infinity": (0, {"type": "number", "value": "+inf"}, "inf"), "negative": (0, -5.0, "-5.0"),
    "above": (0, 1.001, "1.001"), "huge": (0, 1e300, "1e+300"), "whole and huge": (0, 10**400, ""),
    "nothing": (0, None, ""), "yes": (0, True, ""), "words": (0, "high", ""),
    "of a class without gate": (1, NAN, "nan"),
    "no class": (None, [0, 99], "no class 99"),
    "the last but one": (None, [-1], "no class -1"), "both": (None, [0, 1, -99], "no class -99"),
    "no list": (None, 3, ""), "no indices": (None, ["x"], ""),
}  # fmt: skip
"""By kind: the class whose gate is dragged, None for the choice of classes; the value; what the page says, if it was
asked (what is of another type never comes to it)."""


def test_what_makes_no_sense_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """No gate moves, the page says why and shows what stands, nothing is repeated; what follows is done."""

    async def tried(server: Served) -> None:
        before = server.gates.gates
        connection, page = await page_of(server)
        scores = page._scores
        for what, (index, value, said) in REFUSED.items():
            model = scores.sorting if index is None else scores.boxes[index]
            edges = [box.bottom for box in scores.boxes]
            await changed(connection, model, "active" if index is None else "bottom", value)
            if said:
                await eventually(lambda said=said: said in scores.refused, f"{what}: {scores.refused}")
                await eventually(lambda: page._refused.visible and scores.refused in page._refused.text, "not told")
            await asyncio.sleep(0.2)
            assert server.gates.gates is before, what
            assert [box.bottom for box in scores.boxes] == edges, what
            assert scores.sorting.active == [0], what
        await asyncio.sleep(2)
        assert server.gates.gates is before
        await changed(connection, scores.boxes[0], "bottom", 0.5)
        await eventually(lambda: server.gates.gates.thresholds == {FIRST: 0.5}, "a good value was not taken")
        await eventually(lambda: not page._refused.visible, "an old refusal is still told")

    with served() as server:
        asyncio.run(tried(server))
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 4, said


def test_a_lead_may_be_any_number() -> None:
    live = LiveGates(Gates({FIRST: 2.0}, score=ScoreKind.MARGIN), CLASSES)
    scores = ScoreChart(CLASSES, live)
    for value, wanted in ((7.5, 7.5), (float("inf"), 7.5), (float("nan"), 7.5), (-0.1, 7.5), (0, 0)):
        scores.boxes[0].bottom = value
        scores.settle()
        scores.settle()
        assert live.gates.thresholds == {FIRST: wanted}
        assert scores.boxes[0].bottom == wanted
        assert bool(scores.refused) == (value != wanted)


def test_moving_leaves_all_else() -> None:
    live = LiveGates(Gates({FIRST: 0.5, SECOND: 0.6}, deadline_ms=3), CLASSES)
    assert live.for_cell(0) is live.gates
    live.move({FIRST: 0.5, THIRD: None})
    assert live.for_cell(1) is live.record[0][1], "what changes nothing is recorded"
    live.move({THIRD: 0.7, FIRST: None})
    moved = live.gates
    assert moved == Gates({SECOND: 0.6, THIRD: 0.7}, deadline_ms=3)
    for wrong in ({"HeLa": 0.5}, {SECOND: 2.0}, {SECOND: 0.1, THIRD: float("nan")}):
        with pytest.raises(InputError):
            live.move(wrong)
        assert live.gates is moved


@pytest.mark.parametrize(
    ("late", "in_time", "then_in_time", "alarmed"), [(9, 0, 0, False), (60, 30, 0, True), (30, 60, 0, False),
    (500, 0, 40, True), (500, 0, 60, False), (0, 200, 0, False)]
)  # fmt: skip
def test_a_deadline_that_most_cells_miss(late: int, in_time: int, then_in_time: int, alarmed: bool) -> None:
    """The latest cells count while the stream runs, all of them when it has ended."""
    clock = Clock()
    monitor = Monitor(CLASSES, deadline_ns=20 * MS, clock=clock)
    for latencies, cells in ((30, late), (1, in_time), (1, then_in_time)):
        for index in range(cells):
            monitor.write(event(index, clock.now, latency_ns=latencies * MS))
    for emulated, why in ((True, "emulated board"), (False, "--batch")):
        about = About("small", "a board", "cells", emulated=emulated, simulated=False)
        view = monitor.view()
        sentence, state = words.lateness(view, monitor.deadline_ns, about), words.state(view)
        assert ("missed the deadline of 20 ms" in sentence, why in sentence) == (alarmed, alarmed)
        assert (words.ALARM in state) == alarmed
    assert not words.lateness(monitor.view(), None, about)
    monitor.ended("the source has ended")
    ended = words.lateness(monitor.view(), monitor.deadline_ns, about)
    assert bool(ended) == (late >= 10 and late > in_time + then_in_time)
    assert (words.ALARM in words.state(monitor.view())) == bool(ended)
