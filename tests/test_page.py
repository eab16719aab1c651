"""The live page in a browser: what it shows is the stream, and a moved gate is the stream's gate."""

from __future__ import annotations

import dataclasses
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cytogate.host.page.about import About
from cytogate.host.page.darkroom import Darkroom
from cytogate.host.page.gallery import GAP
from cytogate.host.page.live import LivePage
from cytogate.host.page.served import live_page
from cytogate.host.stream.cells import SourceCell
from cytogate.host.stream.gating import Decision, Gates, LiveGates
from cytogate.host.stream.monitor import Monitor
from cytogate.host.stream.pipeline import NetworkOutput, Pipeline, Settings
from cytogate.model.command.files import temporary_folder
from cytogate.model.contract.law import contract
from cytogate.model.contract.off_axis import OPD
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED, Design, Network, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.topologies import Compact
from cytogate.model.errors import InputError
from cytogate.model.interface.answers import FoundCell
from cytogate.model.interface.frame_check import FrameCheck
from cytogate.model.retrieval.laws import exact
from cytogate.model.retrieval.off_axis import integer as off_axis
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.simulation.simulator import SimulatedCells
from tests.holograms import fields, off_axis_design
from tests.streams import (
    CHANNELS,
    CLASSES,
    LOGIT_STEP,
    SIDE,
    NumpyAccelerator,
    small_design,
    small_frames,
)
from tests.test_monitor import event

WAIT_S = 20.0
expect.set_options(timeout=1000 * WAIT_S)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
OWN = ("file:", "data:", "blob:")
FIRST_GATE, TARGET = 0.3, 0.8
EDGE = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const box = models.find((model) => model.type == "BoxAnnotation" && model.visible)
  const plot = models.find((model) => model.type == "Figure" && model.center.includes(box))
  const view = Bokeh.index.find_one(plot)
  const canvas = view.canvas_view.el.getBoundingClientRect()
  const x = view.frame.x_scale, y = view.frame.y_scale
  return [canvas.x + x.compute((box.left + box.right) / 2), canvas.y + y.compute(box.bottom), canvas.y + y.compute(0.8)]
}"""
"""Where the lower edge of the gate is on the screen, and where a score of 0.8 is."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("Chromium was not found; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS), timeout=1000 * WAIT_S)
        yield browser
        browser.close()


@dataclass
class Run:
    """A stream that goes on until it is stopped, with its page."""

    pipeline: Pipeline
    monitor: Monitor
    gates: LiveGates
    url: str
    stop: threading.Event
    decisions: list[Decision] = field(default_factory=list)


@contextmanager
def running(gates: Gates, about: About, cells_per_second: float = 60.0) -> Iterator[Run]:
    """Stream random cells through a stand-in and serve the page meanwhile."""
    stop, live = threading.Event(), LiveGates(gates, CLASSES)
    monitor = Monitor(CLASSES, gates.deadline_ns)

    def cells() -> Iterator[SourceCell | None]:
        for position, frames in enumerate(small_frames(5000)):
            if stop.wait(1 / cells_per_second):
                return
            yield SourceCell("random", position, frames)

    settings = Settings(queue_cells=64, flush_s=0.1, drop_when_full=False)
    pipeline = Pipeline(
        cells(), NumpyAccelerator(), NetworkOutput(CLASSES, LOGIT_STEP, 200.0), FrameCheck(SIDE, SIDE, 8, CHANNELS),
        live, [monitor], settings, stop,
    )  # fmt: skip
    with (
        temporary_folder() as folder,
        live_page(monitor, live, about, Darkroom(small_design()), 0, folder / "page.html") as url,
    ):
        run = Run(pipeline, monitor, live, url, stop)

        def show() -> None:
            monitor.progress(pipeline.queue_depth, pipeline.counts.dropped)

        thread = threading.Thread(target=pipeline.run, args=(show,), daemon=True)
        thread.start()
        try:
            yield run
        finally:
            stop.set()
            thread.join(WAIT_S)
    assert not thread.is_alive()


@contextmanager
def opened(browser: Browser, run: Run, width: int = 1440) -> Iterator[Page]:
    """Open the page; whatever a console or another host would hear fails the test."""
    page, complaints = browser.new_page(viewport={"width": width, "height": 900}), list[str]()
    page.set_default_timeout(1000 * WAIT_S)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if _own(asked.url, run.url) else complaints.append(asked.url))
    page.goto(run.url)
    try:
        yield page
    finally:
        page.close()
    assert not complaints, complaints


def _own(asked: str, url: str) -> bool:
    return asked.startswith((url, url.replace("http:", "ws:"), "data:", "blob:"))


def figure(page: Page, name: str) -> float:
    """Return the figure of a tile."""
    tile = page.locator(".tile", has_text=re.compile(f"^{name}"))
    expect(tile).to_have_count(1)
    return float(tile.locator(".value").inner_text().split()[0].replace(",", ""))


def eventually(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


SIMULATED = About("small", "emulated none", "random <b>cells</b>", emulated=True, simulated=True)


def test_it_shows_the_stream_and_its_end(browser: Browser) -> None:
    gates = Gates(dict.fromkeys(CLASSES, FIRST_GATE), deadline_ms=1e-3)
    with running(gates, SIMULATED) as run, opened(browser, run) as page:
        expect(page.get_by_text("streaming,")).to_be_visible()
        # What comes from outside is text, not markup.
        expect(page.get_by_text("random <b>cells</b>")).to_be_visible()
        expect(page.get_by_text("Emulated board, simulated cells")).to_be_visible()
        seen = figure(page, "classified")
        eventually(lambda: figure(page, "classified") > seen, "the number of cells stands still")
        assert figure(page, "missed deadline") > 0
        assert figure(page, "dropped") == figure(page, "lost") == 0
        for name in CLASSES:
            expect(page.locator(".totals", has_text=name)).to_be_visible()
        run.stop.set()
        eventually(lambda: run.pipeline.counts.finished == run.pipeline.counts.arrived, "cells are left")
        run.monitor.ended("the source has ended")
        expect(page.get_by_text("the source has ended")).to_be_visible()
        assert figure(page, "classified") == run.pipeline.counts.finished > seen


def test_what_it_showed_at_the_end_is_kept(browser: Browser, tmp_path: Path) -> None:
    monitor, live = Monitor(CLASSES, None), LiveGates(Gates({CLASSES[0]: FIRST_GATE}), CLASSES)
    for index in range(30):
        monitor.write(event(index, 0, index % 3))
    error = InputError("a lamp burnt out")
    with suppress(InputError), live_page(monitor, live, SIMULATED, Darkroom(small_design()), 0, tmp_path / "page.html"):
        raise error
    page, complaints = browser.new_page(), list[str]()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(OWN) else None)
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.get_by_text("a lamp burnt out")).to_be_visible()
    assert figure(page, "classified") == 30
    for index in range(3):
        expect(page.get_by_role("checkbox").nth(index)).to_be_disabled()
    expect(page.get_by_role("button", name="dark")).to_have_count(0)
    page.close()
    assert not complaints, complaints


@pytest.mark.parametrize("width", [1440, 800])
def test_a_dragged_gate_decides(browser: Browser, width: int) -> None:
    with running(Gates({CLASSES[0]: FIRST_GATE}), SIMULATED) as run, opened(browser, run, width) as page:
        expect(page.get_by_text("streaming,")).to_be_visible()
        eventually(lambda: drag_to_the_target(page, run.gates), "the gate did not move")
        moved = run.gates.gates
        assert moved.thresholds[CLASSES[0]] == pytest.approx(TARGET, abs=0.02)
        eventually(lambda: run.gates.record[-1][1] == moved, "the run's record knows nothing of it")
        changes = [(at, gates.thresholds[CLASSES[0]]) for at, gates in run.gates.record]
        assert changes[0] == (0, FIRST_GATE)
        assert changes[-1][0] > 0
        recent = run.monitor.view().scores
        assert {decision for decision in recent.decision if decision is Decision.SORT}, "nothing was ever sorted"
        for index, class_index, score, decision in zip(
            recent.index, recent.class_index, recent.score, recent.decision, strict=True
        ):
            (*_, threshold) = (value for at, value in changes if at <= index)
            wanted = class_index == 0 and score >= threshold
            assert (decision is Decision.SORT) == wanted, index


CARDS = """() => [...document.querySelectorAll("*")].flatMap(function inside(element) {
  const own = element.matches(".bk-Figure") ? [element.getBoundingClientRect()] : []
  return own.concat([...element.shadowRoot?.querySelectorAll("*") ?? []].flatMap(inside))
}).map((chart) => [chart.left, chart.top, chart.right, chart.bottom])"""
"""Where the charts are."""


@pytest.mark.parametrize("width", [800, 1099, 1100, 1920])
def test_every_chart_has_its_place(browser: Browser, width: int) -> None:
    """Nothing is to be scrolled to the side, no chart is too small to read, none lies over another."""
    gates = Gates({CLASSES[0]: FIRST_GATE}, deadline_ms=1e-3)
    with running(gates, SIMULATED) as run, opened(browser, run, width) as page:
        expect(page.get_by_text("of the latest cells missed the deadline of 0.001 ms")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        charts = page.evaluate(CARDS)
    assert len(charts) == 6
    for left, top, right, bottom in charts:
        assert left >= 0
        assert right <= width
        assert right - left > 200
        assert bottom - top > 80
    for one, other in combinations(charts, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def drag_to_the_target(page: Page, gates: LiveGates) -> bool:
    """Drag the gate's edge as a hand does, and say whether it came to rest there; on a busy computer it may slip."""
    x, edge, target = page.evaluate(EDGE)
    page.mouse.move(x, edge)
    page.mouse.down()
    page.mouse.move(x, (edge + target) / 2, steps=5)
    page.mouse.move(x, target, steps=5)
    page.mouse.up()
    end = time.monotonic() + WAIT_S / 5
    while time.monotonic() < end:
        if gates.gates.thresholds[CLASSES[0]] == pytest.approx(TARGET, abs=0.02):
            return True
        time.sleep(0.1)
    return False


def test_a_class_is_chosen_for_sorting(browser: Browser) -> None:
    with running(Gates({}), SIMULATED) as run, opened(browser, run) as page:
        expect(page.get_by_text("streaming,")).to_be_visible()
        page.get_by_label(CLASSES[1]).check()
        eventually(lambda: set(run.gates.gates.thresholds) == {CLASSES[1]}, "the choice did not reach the stream")
        before = figure(page, "to be sorted")
        eventually(lambda: figure(page, "to be sorted") > before, "nothing is sorted")


def test_gates_changed_elsewhere_are_followed(browser: Browser) -> None:
    with running(Gates({}), SIMULATED) as run, opened(browser, run) as page:
        expect(page.get_by_text("streaming,")).to_be_visible()
        run.gates.change(Gates({CLASSES[2]: 0.9}))
        expect(page.get_by_label(CLASSES[2])).to_be_checked()


def test_a_lost_connection_is_said(browser: Browser) -> None:
    with running(Gates({}), SIMULATED) as run:
        page = browser.new_page()
        page.goto(run.url)
        expect(page.get_by_text("streaming,")).to_be_visible()
        expect(page.get_by_text("connection closed")).to_be_hidden()
    expect(page.get_by_text("connection closed")).to_be_visible(timeout=1000 * WAIT_S)
    page.close()


def test_a_page_that_fails_disturbs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with running(Gates({}), SIMULATED) as run:
        (page,) = (each for each in psutil.Process().children() if "serve_apart" in " ".join(each.cmdline()))
        page.kill()
        finished = run.pipeline.counts.finished
        eventually(lambda: run.pipeline.counts.finished > finished, "the stream stands still")
    assert "the live page has failed; the stream goes on without it" in capfd.readouterr().err


def drawn(
    design: Design, frames: NDArray, phasor: NDArray | None = None, found: FoundCell | None = None
) -> dict[float, NDArray]:
    """Return, without a browser, the pictures of a cell that the gallery draws, by their height."""
    monitor = Monitor(design.network.class_names)
    page = LivePage(monitor, LiveGates(Gates({}), design.network.class_names), SIMULATED, Darkroom(design, phasor))
    sent = dataclasses.replace(event(0, time.monotonic_ns()), found=found)
    sent.arrival.cell = SourceCell("a file", 0, frames)
    monitor.write(sent)
    page.refresh()
    pictures = {}
    for renderer in page._gallery.plot.renderers:
        images = renderer.data_source.data.get("image", [])
        if images:
            pictures[renderer.glyph.y] = images[0]
    return pictures


@pytest.mark.parametrize(("law", "shown"), [(FFT, FFT), (TWO_SIDED, TWO_SIDED), (CAUSAL, TWO_SIDED)])
def test_phase_of_the_cells_shown(law: str, shown: str) -> None:
    """Below the bright field, the phase of the integer model, as high as the chart has it; of any law."""
    given = load_design("qatom64")
    chips = (dataclasses.replace(given.chip, retrieval=each) for each in (law, shown))
    design, own = (dataclasses.replace(given, chip=chip) for chip in chips)
    cell = SimulatedCells(design.four_angle, design.network.class_names, 1, 3)[0]
    pictures = drawn(design, cell.frames)
    assert len(pictures) == 2
    phase = contract(own).stage("phase").values(exact(cell.frames[None], own)["phase"])[0]
    np.testing.assert_array_equal(pictures[0], phase[::-1].astype(np.float32))
    assert pictures[1 + GAP].dtype == np.uint8


def test_path_delay_of_the_cells_of_a_hologram_shown() -> None:
    """The part of the hologram about the cell, and below it the square of path delays that the network sees."""
    design = off_axis_design()
    hologram, phasor = fields(1, cells=2)[0].frame, off_axis.reference_phasor(reference_field(design))
    words = off_axis.retrieve(hologram, design, phasor)
    compared = 0
    for center, region, seen in zip(words.center.tolist(), words.region.tolist(), words.network_input, strict=True):
        found = FoundCell((center[0], center[1]), region[0], region[1], np.zeros(2, np.int64))
        pictures = drawn(design, hologram[None], phasor, found)
        assert sorted(pictures) == [0, pytest.approx(1 + GAP)]
        assert np.array_equal(off_axis.network_codes(OPD.encode(pictures[0][::-1]))[..., None], seen)
        assert pictures[1 + GAP].dtype == np.uint8
        assert pictures[1 + GAP].shape == (128, 128)
        compared += 1
    assert compared >= 1


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_channels_of_a_cell_shown(channels: int) -> None:
    """Of a design without phase: each channel's window, the first above; no phase and no color bar of it."""
    names = tuple(f"channel {number}" for number in range(channels))
    design = dataclasses.replace(
        small_design(20, 12, names), window=Window(rows=8, columns=16, binning=1), network=Network(CLASSES, Compact())
    )
    frames = np.random.default_rng(1).integers(0, 4096, (channels, 20, 20), np.uint16)
    # Out of the window: it must not be seen, nor set the range of the grays.
    frames[:, :6] = frames[:, :, :2] = 60_000
    pictures = drawn(design, frames)
    assert sorted(pictures) == [pytest.approx((0.5 + GAP) * place) for place in range(channels)]
    for number, height in enumerate(sorted(pictures, reverse=True)):
        shown, window = pictures[height], frames[number, 6:14, 2:18]
        assert shown.shape == (8, 16)
        # First row at the bottom, brighter where the frame is.
        order = np.argsort(window[::-1], axis=None)
        assert (np.diff(shown.ravel()[order].astype(int)) >= 0).all()
        assert (shown.min(), shown.max()) == (0, 255)


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    monitor, live = Monitor(CLASSES), LiveGates(Gates({}), CLASSES)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, saved = taken.getsockname()[1], tmp_path / "page.html"
        with (
            pytest.raises(InputError, match=rf"the live page cannot listen at 127.0.0.1:{port}: "),
            live_page(monitor, live, SIMULATED, Darkroom(small_design()), port, saved),
        ):
            pass
    assert not saved.exists()
