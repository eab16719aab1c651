"""Estimates of the laws with a recursion, held against what is counted: clocks by simulation, area by yosys."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.design.boards import BOARDS, board_named
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED
from cytogate.model.design.folder import BUILTIN, DESIGN_FILE, design_text, load_design
from cytogate.model.engines.planner import plan_boards
from cytogate.model.engines.upward import in_order_of_rows
from cytogate.model.estimates.recursion import estimate_recursion, recursion_modules
from cytogate.sim.area.tools import synthesize
from tests.phantoms import noise
from tests.pipelines import small_network
from tests.recursions import arriving, by_law, knowing, simulation
from tests.test_estimate import WINDOW, by_module

full = pytest.mark.full
LAWS = (TWO_SIDED, CAUSAL)
CELLS = 4
"""From the second one on a causal frame waits for what the one before it says of the light."""


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("size", "samples"),
    [
        (64, 2),
        *(pytest.param(*each, marks=full) for each in ((64, 1), (64, 4), (128, 1), (128, 4), (256, 2))),
    ],
)
def test_clocks_are_those_that_are_counted(size: int, samples: int, law: str, builds: Path) -> None:
    design = arriving(size, law)
    kernel, predicted = simulation(design, samples, builds), estimate_recursion(design, samples)
    kernel.reset()
    played = kernel.play(*kernel.beats(noise(design, CELLS, seed=6)), CELLS)
    beats = size**2 // samples
    left, arrived = played.out_cycles[beats - 1 :: beats], played.in_cycles[beats - 1 :: beats]
    assert (left - arrived)[1:].tolist() == [predicted.latency_cycles] * (CELLS - 1)
    assert np.diff(left)[1:].tolist() == [predicted.interval_cycles] * (CELLS - 2)


@full
@pytest.mark.parametrize("law", LAWS)
def test_raw_frames_are_paced_by_their_pixels(law: str, builds: Path) -> None:
    design = by_law(WINDOW, law)
    kernel = simulation(design, 4, builds)
    kernel.reset()
    played = kernel.play(*kernel.beats(noise(design, CELLS, seed=6)), CELLS)
    left = played.out_cycles[design.size**2 // 4 - 1 :: design.size**2 // 4]
    assert np.diff(left)[1:].tolist() == [estimate_recursion(design, 4).raw_interval_cycles] * (CELLS - 2)


KERNEL = "retrieve_two_sided"
OTHERWISE = {
    (TWO_SIDED, 64, 1): {KERNEL: (0.0, 9.0)},
    (TWO_SIDED, 64, 2): {KERNEL: (0.0, 9.0)},
    (TWO_SIDED, 64, 4): {KERNEL: (0.0, 11.0)},
    (TWO_SIDED, 128, 2): {"back_lane": (9.0, 4.5), "row_pairs": (0.0, 2.0)},
    (TWO_SIDED, 128, 4): {KERNEL: (0.0, 32.0), "back_lane": (18.0, 0.0)},
}
"""Where yosys takes other block RAMs than the estimate has: it folds the last row of the frame memory's blocks (10, 10,
12 and 35 by the estimate), keeps a table of 256 words in look-up tables or in half a block less (1 and 5), and takes
two blocks for lines of 52 bits that one would hold."""
NOT_FITTED, DISTANCE, FITTED_DISTANCE = (128, 2), 0.05, 0.001


@full
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("size", "samples"), [(64, 1), (64, 2), (64, 4), (128, 2), (128, 4)])
def test_the_kernel_has_the_area_that_yosys_counts(size: int, samples: int, law: str, builds: Path) -> None:
    """DSP and block RAM of every module exactly, LUT and FF of the whole as the fit has them."""
    design = arriving(size, law)
    found = synthesize(design, samples, builds / f"synth-{design.name}")
    modules = recursion_modules(design, samples)
    told = {name: (area.dsp, area.bram36) for name, area in modules.items() if area.dsp or area.bram36}
    assert by_module(found) == told | OTHERWISE.get((law, size, samples), {})
    predicted = estimate_recursion(design, samples).area
    assert predicted.dsp == found.area.dsp
    assert predicted.bram36 == sum(blocks for _, blocks in told.values())
    distance = DISTANCE if (size, samples) == NOT_FITTED else FITTED_DISTANCE
    assert predicted.lut == pytest.approx(found.area.lut, rel=distance)
    assert predicted.ff == pytest.approx(found.area.ff, rel=distance)


@full
@pytest.mark.parametrize(("size", "samples"), [(64, 1), (64, 2), (64, 4), (128, 4)])
def test_the_area_of_a_kernel_with_a_known_surface(size: int, samples: int, builds: Path) -> None:
    design = knowing(arriving(size, TWO_SIDED))
    found, predicted = synthesize(design, samples, builds / f"synth-{design.name}"), estimate_recursion(design, samples)
    modules = recursion_modules(design, samples)
    told = {name: (area.dsp, area.bram36) for name, area in modules.items() if area.dsp or area.bram36}
    assert by_module(found) == told | OTHERWISE.get((TWO_SIDED, size, samples), {})
    assert predicted.area.dsp == found.area.dsp
    assert predicted.area.lut == pytest.approx(found.area.lut, rel=FITTED_DISTANCE)
    assert predicted.area.ff == pytest.approx(found.area.ff, rel=FITTED_DISTANCE)


def test_plans_are_behind_the_law() -> None:
    """No more samples per clock than the law takes; engines sooner behind the last pixel."""
    board = board_named("kv260")
    plans = {}
    for law in (FFT, *LAWS):
        design = arriving(64, law)
        network = in_order_of_rows(small_network(design), design)
        plans[law] = {each.samples_per_clock: each for each in plan_boards(design, network, [board])[board.name]}
    assert [*plans[FFT]] == [1, 2, 4, 8]
    assert [*plans[TWO_SIDED]] == [*plans[CAUSAL]] == [1, 2, 4]
    for samples in (1, 2, 4):
        latencies = [plans[law][samples].latency_us for law in (CAUSAL, TWO_SIDED, FFT)]
        assert latencies == sorted(latencies)
        for law in LAWS:
            ahead, plan = estimate_recursion(arriving(64, law), samples), plans[law][samples]
            assert plan.latency_us == (ahead.latency_cycles + plan.latency_cycles) / board.clock_mhz


@full
@pytest.mark.parametrize("law", LAWS)
def test_the_verb_by_the_design(law: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = load_design("qatom128")
    chip = dataclasses.replace(design.chip, kernel="rtl", network="rtl", retrieval=law)
    text = design_text(dataclasses.replace(design, chip=chip, operating_point=None))
    (tmp_path / DESIGN_FILE).write_text(text, encoding="utf-8")
    shutil.copytree(BUILTIN / "qatom128" / "network", tmp_path / "network")
    assert main(["estimate", "--design", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["board"] for each in told] == list(BOARDS)
    assert all([plan["samples_per_clock"] for plan in each["rtl_engines"]] == [1, 2, 4] for each in told)
