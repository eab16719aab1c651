"""Remarks of the law of retrieval on a frame, in the event of its cell: an unsettled background, the chosen half."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.hls.sources import FPGA
from cytogate.model.contract.background import Background
from cytogate.model.contract.recursion import SETTLING_FRAMES, Half
from cytogate.model.design.design import CAUSAL, TWO_SIDED, Design
from cytogate.model.retrieval import laws
from cytogate.sim.axi.job import RATE
from cytogate.sim.axi.levels import Level, behind_background, bench_task, hardware
from cytogate.sim.axi.simulator import Outcome, Simulator, compile_hardware, run_benches
from cytogate.sim.axi.task import Measured
from tests import test_cosim
from tests.pipelines import telling_network
from tests.recursions import arriving, cut_frames, knowing, known_of
from tests.test_cosim import failures

pytestmark = pytest.mark.full
UNSETTLED = 2
"""Frames before the causal pipeline settles."""


def events(
    design: Design,
    frames: NDArray[np.unsignedinteger],
    known: Background,
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
    frames = test_cosim.frames_of(design)[:5]
    known = Background(laws.background_after(frames, design).surface, SETTLING_FRAMES - UNSETTLED)
    return events(design, frames, known, UNSETTLED, folder, run, changed)


def choosing(folder: Path, run: Path, changed: Iterable[Path] = ()) -> list[Outcome]:
    design = knowing(arriving(64, TWO_SIDED))
    frames, known = cut_frames(design), known_of(design)
    assert set(laws.chosen_halves(frames, design, known)) == set(Half)
    return events(design, frames, known, 0, folder, run, changed)


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


FAULTS = {
    "no phase is unsettled": ("frame_tags", "unsettled && malformed == 0", "1'b0"),
    "settled is unsettled": ("causal_retrieval", "{known, !settled,", "{known, settled,"),
    "settled a frame early": (
        "background", "settled = frames == FRAME_BITS'(SETTLING_FRAMES);",
        "settled = frames >= FRAME_BITS'(SETTLING_FRAMES - 1);",
    ),
    "an unsettled phase triggers": ("gate", "trusted      = flaws == 0", "trusted      = flaws[1:0] == 0"),
    "the half of the frame before": ("two_sided_retrieval", "{known, 1'b0, next_half}", "{known, 1'b0, told_half}"),
    "every half is both": ("gate", "event_half   <= half;", "event_half   <= '0;"),
    "the word has no half": (
        "pipeline_control", "{event_half, event_flags[FLAGS-1:2]", "{2'd0, event_flags[FLAGS-1:2]",
    ),
    "a remark stays": (
        "frame_tags", "remark_half}), .read(take)", "remark_half}), .read(take && out_half == 0)",
    ),
}  # fmt: skip
"""By module, and what replaces what."""
OF_SETTLING = {"no phase is unsettled", "settled is unsettled", "settled a frame early", "an unsettled phase triggers"}


@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    module, right, wrong = FAULTS[name]
    text = (FPGA / "rtl" / f"{module}.sv").read_text(encoding="ascii")
    assert text.count(right) == 1, f"{module} has {right!r} {text.count(right)} times"
    changed = tmp_path / f"{module}.sv"
    changed.write_text(text.replace(right, wrong), encoding="ascii")
    bench = settling if name in OF_SETTLING else choosing
    assert failures(bench(tmp_path / "generated", tmp_path / "run", [changed]))
