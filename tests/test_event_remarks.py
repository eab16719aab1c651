"""Remarks of the law of retrieval on a frame, in the event of its cell: unsettled, clipped, half, curl, sign."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.hls.sources import FPGA
from cytogate.model.contract.background import Background
from cytogate.model.contract.recursion import SETTLING_FRAMES, Half
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED, Design
from cytogate.model.retrieval import laws
from cytogate.sim.axi.job import RATE
from cytogate.sim.axi.levels import Level, behind_background, bench_task, hardware, unclipped
from cytogate.sim.axi.simulator import Outcome, Simulator, compile_hardware, run_benches
from cytogate.sim.axi.task import Measured
from tests import test_cosim
from tests.phantoms import bumps
from tests.pipelines import telling_network
from tests.recursions import arriving, cut_frames, knowing, known_of
from tests.test_cosim import failures

pytestmark = pytest.mark.full
LAWS = (FFT, TWO_SIDED, CAUSAL)
UNSETTLED = 2
"""Frames before the causal pipeline settles."""


def events(
    design: Design,
    frames: NDArray[np.unsignedinteger],
    known: Background | None,
    unsettled: int,
    folder: Path,
    run: Path,
    changed: Iterable[Path] = (),
) -> list[Outcome]:
    """Run frames back to back, of the first ones of which the background is unsettled; some modules may be changed."""
    pixels = laws.Run(design, known).network_inputs(frames)
    network = telling_network(design, pixels)
    engines = pipeline_engines(network, design, 4)
    task = dataclasses.replace(bench_task(Level.RTL, design, 4, engines), unsettled=unsettled)
    behind_background(task, frames, design, known).write(run, frames, network.classify(pixels))
    under_test = hardware(Level.RTL, design, 4, folder, network=engines)
    others = {path.name: path for path in changed}
    sources = tuple(others.get(path.name, path) for path in under_test.sources)
    under_test = dataclasses.replace(under_test, sources=sources)
    build = compile_hardware(under_test, Simulator.VERILATOR, folder / "build", waves=False)
    return run_benches(under_test, Simulator.VERILATOR, build, RATE, run)


def settling(folder: Path, run: Path, changed: Iterable[Path] = ()) -> list[Outcome]:
    design = arriving(64, CAUSAL)
    frames = unclipped(test_cosim.frames_of(design), design)[:5]
    known = Background(laws.background_after(frames, design).surface, SETTLING_FRAMES - UNSETTLED)
    return events(design, frames, known, UNSETTLED, folder, run, changed)


def choosing(folder: Path, run: Path, changed: Iterable[Path] = ()) -> list[Outcome]:
    design = knowing(arriving(64, TWO_SIDED))
    frames, known = cut_frames(design), known_of(design)
    assert {each.half for each in laws.remarks(frames, design, known)} == set(Half)
    return events(design, frames, known, 0, folder, run, changed)


def clipping(folder: Path, run: Path, changed: Iterable[Path] = ()) -> list[Outcome]:
    design = arriving(64, CAUSAL)
    frames = cut_frames(design)
    assert {each.half for each in laws.remarks(frames, design)} == set(Half)
    return events(design, frames, laws.standing_background(frames, design), 0, folder, run, changed)


ORDERS = {"right": (0, 1, 2, 3), "exchanged": (0, 2, 1, 3), "inverted": (1, 0, 3, 2)}


def ordering(law: str, folder: Path, run: Path, changed: Iterable[Path] = ()) -> list[Outcome]:
    """Cells in the right order, in one with a curl, and with + and - exchanged; more than the register counts."""
    design = arriving(64, law)
    cells = bumps(design, 6, seed=31, shading=0.02)[0]
    frames = np.concatenate([cells[:, list(order)] for order in ORDERS.values()])
    known = laws.standing_background(frames[:8], design)
    remarks = laws.remarks(frames, design, known)
    assert {(each.curled, each.negative) for each in remarks} >= {(False, False), (True, False), (False, True)}
    return events(design, frames, known, 0, folder, run, changed)


@pytest.mark.covers
@pytest.mark.parametrize("law", LAWS)
def test_an_event_tells_the_order(law: str, builds: Path, tmp_path: Path) -> None:
    """And the register counts the latest sixteen: 18 frames come."""
    assert not failures(ordering(law, builds / f"remarks-ordering-{law}", tmp_path))
    gate = Measured.read(tmp_path).gate
    assert gate is not None
    assert gate.events == 18


@pytest.mark.covers
def test_nothing_triggers_before_the_background_has_settled(builds: Path, tmp_path: Path) -> None:
    """Every cell is told, those before it as such; none of these triggers."""
    assert not failures(settling(builds / "remarks-settling", tmp_path))
    gate = Measured.read(tmp_path).gate
    assert gate is not None
    assert gate.events == 5
    assert 0 < gate.triggers <= 5 - UNSETTLED


@pytest.mark.covers
def test_an_event_tells_the_half(builds: Path, tmp_path: Path) -> None:
    assert not failures(choosing(builds / "remarks-choosing", tmp_path))
    gate = Measured.read(tmp_path).gate
    assert gate is not None
    assert gate.events == len(cut_frames(arriving(64, TWO_SIDED)))


@pytest.mark.covers
def test_a_part_of_a_cell_triggers_nothing(builds: Path, tmp_path: Path) -> None:
    """Of the law "causal", which cannot tell the half that begins at the bottom."""
    assert not failures(clipping(builds / "remarks-clipping", tmp_path))
    gate = Measured.read(tmp_path).gate
    assert gate is not None
    sound = unclipped(cut_frames(arriving(64, CAUSAL)), arriving(64, CAUSAL))
    assert gate.events > len(sound)
    assert 0 < gate.triggers <= len(sound)


FAULTS = {
    "no phase is unsettled": ("frame_tags", "== 0, unsettled && malformed == 0", "== 0, 1'b0"),
    "settled is unsettled": ("causal_retrieval", "unsettled <= !settled;", "unsettled <= settled;"),
    "no cell is clipped": ("frame_tags", "clipped && !unsettled", "1'b0 && !unsettled"),
    "the other half is clipped": (
        "causal_retrieval", "remark_half == 2'(contract_pkg::HALF_UP)", "remark_half == 2'(contract_pkg::HALF_DOWN)",
    ),
    "a part of a cell triggers": ("gate", "trusted      = flaws == 0", "trusted      = flaws[2:0] == 0"),
    "settled a frame early": (
        "background", "settled = frames == FRAME_BITS'(SETTLING_FRAMES);",
        "settled = frames >= FRAME_BITS'(SETTLING_FRAMES - 1);",
    ),
    "an unsettled phase triggers": ("gate", "trusted      = flaws == 0", "trusted      = flaws[1:0] == 0"),
    "the half of the frame before": ("two_sided_retrieval", "{known, 2'b00, next_half}", "{known, 2'b00, told_half}"),
    "no remark": ("gate", "event_remark <= remark;", "event_remark <= '0;"),
    "the word has no remark": (
        "pipeline_control", "{event_remark, 1'b0", "{4'd0, 1'b0",
    ),
    "a remark stays": (
        "frame_tags", ".read(take), .out_valid(remarked)", ".read(take && out_remark[1:0] == 0), .out_valid(remarked)",
    ),
}  # fmt: skip
"""By module, and what replaces what."""
OF_ORDER = {
    "the order is never told": ("gate_registers", "event_remark[2]};", "1'b0};"),
    "seven frames are counted": ("gate_registers", "{with_curl[ORDER-2:0],", "{9'd0, with_curl[ORDER-11:0],"),
    "signs of other frames": (
        "frame_tags", ".read(take), .out_valid(signed_too)", ".read(take && !out_remark[2]), .out_valid(signed_too)",
    ),
}  # fmt: skip
"""Seen by the order of frames, by all laws."""
FAULTS |= OF_ORDER
OF_SETTLING = {"no phase is unsettled", "settled is unsettled", "settled a frame early", "an unsettled phase triggers"}
OF_CLIPPING = {"no cell is clipped", "the other half is clipped", "a part of a cell triggers"}


@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    module, right, wrong = FAULTS[name]
    text = (FPGA / "rtl" / f"{module}.sv").read_text(encoding="ascii")
    assert text.count(right) == 1, f"{module} has {right!r} {text.count(right)} times"
    changed = tmp_path / f"{module}.sv"
    changed.write_text(text.replace(right, wrong), encoding="ascii")
    bench = settling if name in OF_SETTLING else clipping if name in OF_CLIPPING else choosing
    if name in OF_ORDER:
        bench = partial(ordering, CAUSAL)
    assert failures(bench(tmp_path / "generated", tmp_path / "run", [changed]))
