"""The SystemVerilog of the law "causal" equals the integer model on every word, frame after frame, state included."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.contract.background import Background
from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.design.design import CAUSAL
from cytogate.model.design.folder import DESIGN_FILE, design_text
from cytogate.model.errors import CheckFailed
from cytogate.model.interface.background_registers import register_writes
from cytogate.model.interface.registers import BackgroundControl, BackgroundRegister, Control, ErrorFlag, Register
from cytogate.model.retrieval.recursion import integer
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.phantoms import bumps, noise
from tests.recursions import SIXTEEN_BITS, Fault, arriving, by_law, compare, differing, faulty, frames_of, simulation
from tests.test_cosim import CASES

full = pytest.mark.full
WIDTHS = (2, pytest.param(1, marks=full), pytest.param(4, marks=full))


def words(size: int) -> int:
    """Of a frame: binned, gradient, background, G[k], i phi^, phase, pixels."""
    return size * size * (4 + 2 + 1 + 5) + 12 + size * (size // 2 - 1) * 2 + size * size


@pytest.fixture(scope="module", params=WIDTHS)
def compiled(request: pytest.FixtureRequest, builds: Path) -> RtlSimulation:
    return simulation(arriving(64, CAUSAL), request.param, builds)


@pytest.fixture
def kernel(compiled: RtlSimulation) -> RtlSimulation:
    compiled.reset()
    return compiled


def test_equals_the_integer_model_at_full_rate(kernel: RtlSimulation) -> None:
    """A frame every N * N clocks over samples per clock, and the registers say what was counted at the pins."""
    frames = frames_of(kernel.design)
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played) == len(frames) * words(64)
    beats = 64 * 64 // kernel.samples_per_clock
    ends, arrivals = played.out_cycles[beats - 1 :: beats], played.in_cycles[beats - 1 :: beats]
    assert np.all(np.diff(ends)[1:] == beats)
    assert np.all(ends - arrivals < {1: 1100, 2: 700, 4: 500}[kernel.samples_per_clock])
    assert kernel.read(Register.INTERVAL_CYCLES) == beats
    assert kernel.read(Register.LATENCY_CYCLES) == ends[-1] - arrivals[-1]
    assert kernel.read(Register.FRAMES_ACCEPTED) == len(frames)


@pytest.mark.parametrize(
    ("idle", "stall"),
    [(0.3, 0.3), *(pytest.param(*pauses, marks=full) for pauses in ((0.5, 0), (0, 0.5), (0, 0.9), (0.9, 0.1)))],
)
def test_pauses_change_no_word(idle: float, stall: float, kernel: RtlSimulation) -> None:
    frames = np.concatenate([noise(kernel.design, 2, seed=3), frames_of(kernel.design)[:2]])
    played = kernel.play(*kernel.beats(frames), len(frames), idle=idle, stall=stall, seed=7)
    assert compare(kernel, frames, played) == len(frames) * words(64)


@full
@pytest.mark.parametrize(("size", "samples", "cells"), [(128, 1, 4), (128, 4, 16), (256, 2, 3)])
def test_larger_frames_at_full_rate(size: int, samples: int, cells: int, builds: Path) -> None:
    kernel = simulation(arriving(size, CAUSAL), samples, builds)
    frames = np.concatenate([frames_of(kernel.design), noise(kernel.design, 8, seed=4)])[:cells]
    played = kernel.play(*kernel.beats(frames), cells)
    assert compare(kernel, frames, played) == cells * words(size)
    beats = size * size // samples
    assert np.all(np.diff(played.out_cycles[beats - 1 :: beats])[1:] == beats)


@full
@pytest.mark.parametrize("samples", [1, 4])
def test_binning_and_sixteen_bits(samples: int, builds: Path) -> None:
    kernel = simulation(by_law(SIXTEEN_BITS, CAUSAL), samples, builds)
    frames = frames_of(kernel.design)
    played = kernel.play(*kernel.beats(frames), len(frames), idle=0.05, stall=0.05)
    assert compare(kernel, frames, played) == len(frames) * words(64)


def background(kernel: RtlSimulation) -> Background:
    """What the kernel's registers say."""
    first = BackgroundRegister.SURFACE.offset
    codes = np.array([kernel.read_at(first + 4 * place) for place in range(12)], np.uint32)
    surface = codes.astype(np.int32).astype(np.int64).reshape(2, 6).T
    frozen = bool(kernel.read_at(BackgroundRegister.CONTROL.offset) & BackgroundControl.FREEZE)
    return Background(surface, kernel.read_at(BackgroundRegister.FRAMES.offset), frozen)


def load(kernel: RtlSimulation, known: Background) -> None:
    for offset, value in register_writes(known, CAUSAL):
        kernel.write_at(offset, value)


def same(one: Background, other: Background) -> bool:
    return np.array_equal(one.surface, other.surface) and (one.frames, one.frozen) == (other.frames, other.frozen)


def test_the_background_is_read_loaded_and_frozen(kernel: RtlSimulation) -> None:
    frames = frames_of(kernel.design)
    assert same(background(kernel), Background.unknown())
    kernel.play(*kernel.beats(frames[:4]), 4)
    first = integer.retrieve(frames[:4], kernel.design).background
    assert first is not None
    assert same(background(kernel), first)
    settled = Background(3 * first.surface + 5, SETTLING_FRAMES, frozen=True)
    load(kernel, settled)
    assert same(background(kernel), settled)
    played = kernel.play(*kernel.beats(frames[4:6]), 2)
    assert compare(kernel, frames[4:6], played, settled) == 2 * words(64)
    assert same(background(kernel), settled)
    # A reset of the data path leaves it; what it counted since is exact again.
    kernel.write(Register.CONTROL, Control.SOFT_RESET)
    thawed = dataclasses.replace(settled, frozen=False)
    load(kernel, thawed)
    played = kernel.play(*kernel.beats(frames[6:9]), 3)
    assert compare(kernel, frames[6:9], played, thawed) == 3 * words(64)
    last = integer.retrieve(frames[6:9], kernel.design, thawed).background
    assert last is not None
    assert same(background(kernel), last)
    kernel.reset()
    assert same(background(kernel), Background.unknown())


@full
def test_a_run_until_the_background_has_settled(builds: Path) -> None:
    """70 frames: every step of the background's settling, and what follows."""
    kernel = simulation(arriving(64, CAUSAL), 4, builds)
    kernel.reset()
    cells, _ = bumps(kernel.design, 10, seed=33, shading=0.08)
    frames = np.concatenate([cells] * 7)
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played) == 70 * words(64)
    assert kernel.read_at(BackgroundRegister.FRAMES.offset) == SETTLING_FRAMES


@pytest.mark.parametrize("surplus", [-1, 64, *(pytest.param(beats, marks=full) for beats in (1, -64, -1000, 9000))])
def test_a_malformed_packet_is_marked_and_its_neighbors_are_exact(surplus: int, kernel: RtlSimulation) -> None:
    """It leaves as what came of it, zeros behind that, and moves the background as that would."""
    frames = noise(kernel.design, 4, seed=31)
    beats, lasts = kernel.beats(frames)
    frame = len(beats) // 4
    cut = beats[frame : 2 * frame + min(surplus, 0)]
    more = np.zeros((max(surplus, 0), beats.shape[1]), np.uint8)
    sent = np.concatenate([beats[:frame], cut, more, beats[2 * frame :]])
    ends = np.zeros(len(sent), np.uint8)
    ends[[frame - 1, 2 * frame + surplus - 1, 3 * frame + surplus - 1, 4 * frame + surplus - 1]] = 1
    played = kernel.play(sent, ends, 4, idle=0.1, stall=0.2, seed=2)
    pixel = frames[1].reshape(4, -1)
    pixel[:, pixel.shape[1] + min(surplus, 0) * kernel.samples_per_clock :] = 0
    exact = integer.retrieve(frames, kernel.design).stages["network_input"]
    assert np.array_equal(played.pixels, exact)
    assert played.malformed.tolist() == [False, True, False, False]
    assert (kernel.read(Register.FRAMES_ACCEPTED), kernel.read(Register.FRAMES_DROPPED)) == (3, 1)
    assert kernel.read(Register.ERROR_FLAGS) == (ErrorFlag.SHORT_PACKET if surplus < 0 else ErrorFlag.LONG_PACKET)
    assert kernel.violations == 0
    assert lasts.sum() == 4


@pytest.mark.parametrize("sent", [700, *(pytest.param(beats, marks=full) for beats in (1, 63, 4096))])
def test_reset_in_mid_frame(sent: int, kernel: RtlSimulation) -> None:
    frames = frames_of(kernel.design)[:3]
    beats, lasts = kernel.beats(frames)
    kernel.play(beats[:sent], lasts[:sent], 0)
    kernel.reset()
    played = kernel.play(beats, lasts, 3)
    assert compare(kernel, frames, played) == 3 * words(64)


@full
def test_cosim_by_the_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames at the pins, then pauses, malformed packets, registers and resets with a background that is loaded."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    design = dataclasses.replace(arriving(64, CAUSAL), name="own")
    (tmp_path / "own" / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    asked = ["cosim", "--design", "own", "--cells", "8", "--samples-per-clock", "4", "--scenarios"]
    assert main(asked) == 0
    report = json.loads((tmp_path / "out" / "cosim" / "rtl" / "report.json").read_text(encoding="utf-8"))
    assert report["stages"] == [{"name": "network_input", "values": 8 * 64 * 64 * 5, "differing": 0}]
    assert report["latency_cycles"] < 500
    assert len(report["scenarios"]) == CASES
    assert all(outcome["failure"] is None for outcome in report["scenarios"])


FAULTS = {
    "factors of another column": Fault("column_factors.sv", "k[i] = slot[SLOT_BITS-1-i]", "k[i] = slot[i]"),
    "a row before its line": Fault("causal_lane.sv", "by_row   <= flat * u", "by_row   <= row_4 * u"),
    "sums that go on": Fault("row_sums.sv", "above      <= ends ? '0 : sum", "above      <= sum"),
    "rows without a place": Fault("sharp_rows.sv", ".room(queue_room && room)", ".room(room)"),
    "no sharpening of the last row but one": Fault("sharpen.sv", ".in_word(y == 1)", ".in_word(y == 1 || &y)"),
    "words that are cut": Fault("shift_round.sv", "assign up = guard && (sticky || quotient[0]);", "assign up = 1'b0;"),
    "the last row in the place of the one above it": Fault(
        "row_queue.sv", "in_last ? last_words : in_words", "in_words"
    ),
    "a move without its upper limit": Fault("background.sv", "difference > limit ? limit :", ""),
    "a step of the background too late": Fault(
        "background.sv", "STEP_BITS'(frames / STEP_FRAMES)", "STEP_BITS'((frames - 1) / STEP_FRAMES)"
    ),
    "a frozen background that moves": Fault("background.sv", "if (stored && !frozen)", "if (stored)"),
    "a line one row low": Fault("surface_lines.sv", "(q <<< LOG2) + q", "(q <<< LOG2) - q"),
    "a line of the wrong column": Fault("surface_lines.sv", "written[SLOT_BITS-1-i]", "written[i]"),
    "a trend that is not sharpened": Fault("surface_trend.sv", "BITS'(mean_square) - unbent", "BITS'(mean_square)"),
    "a background that changes under a frame": Fault("mean_steps.sv", "if (first) bend <=", "bend <="),
    "a zero of seven rows": Fault("mean_column.sv", "counts  <= preparing", "counts  <= preparing && !(&prepared_row)"),
    "a state that outlives its frame": Fault("recursion.sv", "in_first ? '0 : states[in_slot]", "states[in_slot]"),
    "row words that have no opposite": Fault("row_round.sv", "? nearest + 1'b1 : nearest", "? nearest : nearest"),
    "a Nyquist column": Fault("phase_lines.sv", "if (nyquist_3) out_words", "if (0) out_words"),
    "rows of a pair exchanged": Fault("row_codes.sv", "2*from_3+32'(odd_3)", "2*from_3+32'(!odd_3)"),
    "a transform the other way": Fault(
        "lane_butterfly.sv", "INVERSE ? negated(im) : im", "INVERSE ? im : negated(im)", 4
    ),
    "sums that wrap": Fault("butterfly.sv", "if (SATURATE && value[IN_BITS]", "if (0 && value[IN_BITS]"),
    "pairs without a place": Fault("causal_retrieval.sv", "(y[0] || pair_room)", "1'b1"),
    "a frame that is ahead of its background": Fault("causal_retrieval.sv", "waiting && !following &&", "waiting &&"),
    "a malformed frame without its mark": Fault("row_output.sv", "last && !whole}", "1'b0}"),
}


def something_is_wrong(kernel: RtlSimulation) -> bool:
    """Play all frames, one of them too long, to a receiver that pauses, then one to a frozen background."""
    frames = frames_of(kernel.design)
    beats, lasts = kernel.beats(frames)
    frame = len(beats) // len(frames)
    beats, lasts = np.insert(beats, 4 * frame, 0, axis=0), np.insert(lasts, 4 * frame, 1)
    lasts[4 * frame - 1] = 0
    try:
        played = kernel.play(beats, lasts, len(frames), stall=0.5, seed=3)
        found = differing(kernel, frames, played)
        if any(wrong for wrong, _ in found.values()) or np.flatnonzero(played.malformed).tolist() != [3]:
            return True
        known = dataclasses.replace(background(kernel), frozen=True)
        load(kernel, known)
        played = kernel.play(*kernel.beats(frames[:2]), 2)
        found = differing(kernel, frames[:2], played, known)
    except CheckFailed:
        return True
    return any(wrong for wrong, _ in found.values())


def test_without_a_fault_nothing_is_wrong(kernel: RtlSimulation) -> None:
    assert not something_is_wrong(kernel)


@full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    assert something_is_wrong(faulty(FAULTS[name], CAUSAL, tmp_path))
