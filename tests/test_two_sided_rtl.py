"""The SystemVerilog of the law "two-sided" equals the integer model on every word; its rows leave bottom-up."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import BORDER
from cytogate.model.contract.recursion import Half
from cytogate.model.design.design import TWO_SIDED
from cytogate.model.design.folder import DESIGN_FILE, design_text
from cytogate.model.errors import CheckFailed
from cytogate.model.interface.background_registers import register_writes
from cytogate.model.interface.registers import BackgroundControl, BackgroundRegister, Control, Register
from cytogate.sim.rtl.simulation import RtlSimulation
from tests.phantoms import noise
from tests.recursions import (
    SIXTEEN_BITS,
    Fault,
    arriving,
    by_law,
    compare,
    cut_frames,
    differing,
    faulty,
    frames_of,
    halves_of,
    knowing,
    known_of,
    simulation,
)
from tests.test_cosim import CASES

full = pytest.mark.full
WIDTHS = (4, pytest.param(1, marks=full), pytest.param(2, marks=full))


def words(size: int) -> int:
    """Of a frame: binned, gradient, G[k] and conj G[-k], i phi^, phase, pixels."""
    return size * size * (4 + 2 + 1 + 5) + size * (size // 2 - 1) * 4 + size * size


@pytest.fixture(scope="module", params=WIDTHS)
def compiled(request: pytest.FixtureRequest, builds: Path) -> RtlSimulation:
    return simulation(arriving(64, TWO_SIDED), request.param, builds)


@pytest.fixture
def kernel(compiled: RtlSimulation) -> RtlSimulation:
    compiled.reset()
    return compiled


@pytest.fixture(scope="module", params=WIDTHS)
def compiled_knowing(request: pytest.FixtureRequest, builds: Path) -> RtlSimulation:
    return simulation(knowing(arriving(64, TWO_SIDED)), request.param, builds)


@pytest.fixture
def knowing_kernel(compiled_knowing: RtlSimulation) -> RtlSimulation:
    compiled_knowing.reset()
    return compiled_knowing


def test_equals_the_integer_model_at_full_rate(kernel: RtlSimulation) -> None:
    """A frame every N * N clocks over samples per clock, and the registers say what was counted at the pins."""
    frames = frames_of(kernel.design)
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played) == len(frames) * words(64)
    beats = 64 * 64 // kernel.samples_per_clock
    ends, arrivals = played.out_cycles[beats - 1 :: beats], played.in_cycles[beats - 1 :: beats]
    assert np.all(np.diff(ends) == beats)
    assert np.all(ends - arrivals < beats + 700)
    assert kernel.read(Register.LATENCY_CYCLES) == ends[-1] - arrivals[-1]
    assert kernel.read(Register.FRAMES_ACCEPTED) == len(frames)


@pytest.mark.parametrize(
    ("idle", "stall"),
    [(0.3, 0.3), *(pytest.param(*pauses, marks=full) for pauses in ((0.5, 0), (0, 0.5), (0, 0.9), (0.9, 0.1)))],
)
def test_pauses_change_no_word(idle: float, stall: float, kernel: RtlSimulation) -> None:
    frames = np.concatenate([noise(kernel.design, 2, seed=3), frames_of(kernel.design)[:4]])
    played = kernel.play(*kernel.beats(frames), len(frames), idle=idle, stall=stall, seed=7)
    assert compare(kernel, frames, played) == len(frames) * words(64)


@full
@pytest.mark.parametrize(("size", "samples", "cells"), [(128, 1, 4), (128, 4, 16), (256, 2, 3)])
def test_larger_frames_at_full_rate(size: int, samples: int, cells: int, builds: Path) -> None:
    kernel = simulation(arriving(size, TWO_SIDED), samples, builds)
    frames = np.concatenate([frames_of(kernel.design), noise(kernel.design, 8, seed=4)])[:cells]
    played = kernel.play(*kernel.beats(frames), cells)
    assert compare(kernel, frames, played) == cells * words(size)
    beats = size * size // samples
    assert np.all(np.diff(played.out_cycles[beats - 1 :: beats]) == beats)


@full
@pytest.mark.parametrize("samples", [1, 4])
def test_binning_and_sixteen_bits(samples: int, builds: Path) -> None:
    kernel = simulation(by_law(SIXTEEN_BITS, TWO_SIDED), samples, builds)
    frames = frames_of(kernel.design)
    played = kernel.play(*kernel.beats(frames), len(frames), idle=0.05, stall=0.05)
    assert compare(kernel, frames, played) == len(frames) * words(64)


@pytest.mark.parametrize("sent", [1500, *(pytest.param(beats, marks=full) for beats in (1, 63, 4096))])
def test_reset_in_mid_frame(sent: int, kernel: RtlSimulation) -> None:
    frames = frames_of(kernel.design)[:3]
    beats, lasts = kernel.beats(frames)
    kernel.play(beats[:sent], lasts[:sent], 0)
    kernel.reset()
    played = kernel.play(beats, lasts, 3)
    assert compare(kernel, frames, played) == 3 * words(64)


def load(kernel: RtlSimulation, known: Background | None) -> None:
    """Load a background; None lets each frame be flattened by its own border again."""
    own_border = ((BackgroundRegister.CONTROL.offset, 0),)
    for offset, value in own_border if known is None else register_writes(known, TWO_SIDED):
        kernel.write_at(offset, value)


@pytest.mark.parametrize("stall", [0.0, pytest.param(0.5, marks=full)])
def test_a_known_surface_and_the_half_of_each_frame(stall: float, knowing_kernel: RtlSimulation) -> None:
    kernel = knowing_kernel
    frames, known = cut_frames(kernel.design), known_of(kernel.design)
    halves = halves_of(frames, kernel.design)
    assert {Half(half) for half in halves} == set(Half)
    load(kernel, known)
    played = kernel.play(*kernel.beats(frames), len(frames), idle=stall, stall=stall, seed=5)
    assert compare(kernel, frames, played, known) == len(frames) * words(64)
    if not stall:  # a first frame that the upward half tells is later, once, by the rows that are gone through
        beats = 64 * 64 // kernel.samples_per_clock
        intervals = np.diff(played.out_cycles[beats - 1 :: beats])
        assert np.all(intervals >= beats)
        assert intervals.sum() - beats * len(intervals) <= 64 - BORDER


def test_the_registers_of_a_known_surface(knowing_kernel: RtlSimulation) -> None:
    """They are read as they were written, and a reset of the data path leaves them; the half is each frame's own."""
    kernel = knowing_kernel
    frames, known = cut_frames(kernel.design), known_of(kernel.design)
    load(kernel, known)
    first = BackgroundRegister.SURFACE.offset
    codes = np.array([kernel.read_at(first + 4 * place) for place in range(12)], np.uint32).astype(np.int32)
    assert np.array_equal(codes.reshape(2, 6).T, known.surface)
    kernel.write(Register.CONTROL, Control.SOFT_RESET)
    assert kernel.read_at(BackgroundRegister.CONTROL.offset) == BackgroundControl.KNOWN
    for frame, half in zip(frames, halves_of(frames, kernel.design), strict=True):
        played = kernel.play(*kernel.beats(frame[None]), 1)
        assert compare(kernel, frame[None], played, known) == words(64)
        assert kernel.read_at(BackgroundRegister.HALF.offset) == half
    load(kernel, None)
    assert kernel.read_at(BackgroundRegister.CONTROL.offset) == 0
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played) == len(frames) * words(64)
    assert kernel.read_at(BackgroundRegister.HALF.offset) == Half.BOTH


@full
@pytest.mark.parametrize(("size", "samples", "cells"), [(128, 1, 4), (128, 4, 16), (256, 2, 3)])
def test_a_known_surface_of_larger_frames(size: int, samples: int, cells: int, builds: Path) -> None:
    kernel = simulation(knowing(arriving(size, TWO_SIDED)), samples, builds)
    kernel.reset()
    frames, known = cut_frames(kernel.design)[:cells], known_of(kernel.design)
    load(kernel, known)
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played, known) == len(frames) * words(size)


@full
def test_cosim_by_the_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames at the pins by their own borders; then, with a known surface, pauses, malformed packets and resets."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    design = dataclasses.replace(knowing(arriving(64, TWO_SIDED)), name="own")
    (tmp_path / "own" / DESIGN_FILE).write_text(design_text(design), encoding="utf-8")
    assert main(["cosim", "--design", "own", "--cells", "8", "--samples-per-clock", "4", "--scenarios"]) == 0
    report = json.loads((tmp_path / "out" / "cosim" / "rtl" / "report.json").read_text(encoding="utf-8"))
    assert report["stages"] == [{"name": "network_input", "values": 8 * 64 * 64 * 5, "differing": 0}]
    assert len(report["scenarios"]) == CASES
    assert all(outcome["failure"] is None for outcome in report["scenarios"])


FAULTS = {
    "coefficients without a sign": Fault(
        "surface_registers.sv", "surface[i*BITS+:BITS] <= write_data[BITS-1:0]",
        "surface[i*BITS+:BITS] <= BITS'(write_data[BITS-2:0])",
    ),
    "a memory that is always written": Fault("ram.sv", "if (write) words[write_address]", "words[write_address]"),
    "a word of the wrong frequency": Fault("row_pairs.sv", "reversed(-reversed(out_beat))", "out_beat"),
    "a first column without its opposite": Fault(
        "row_pairs.sv", "edge_ && lane > 0 ? lane - 1 : lane", "lane", samples=4
    ),
    "a conjugate left out": Fault("down_lane.sv", "part == 0 ? far : -far", "far"),
    "a place given twice": Fault("row_places.sv", "fresh     <= fresh + 1'b1", "fresh     <= fresh + 2'd2"),
    "the place of the frame before the last": Fault(
        "row_places.sv", "rows[{read_frame, read_row}]", "rows[{1'b0, read_frame[0], read_row}]"
    ),
    "lines of the other frame": Fault("two_sided_retrieval.sv", ".line_odd(prepared_odd)", ".line_odd(!prepared_odd)"),
    "no sign of the conjugate's coefficients": Fault("surface_lines.sv", "along_1 - along", "along_1 + along"),
    "a response without its slope": Fault("surface_response.sv", "<<< RISE) - REST_BITS'(beta)", "<<< RISE)"),
    "a line that begins at the first row": Fault(
        "line_word.sv", "(BITS'(slope) <<< SIZE_LOG2) - BITS'(slope)", "BITS'(slope)"
    ),
    "a decay beyond its table": Fault("back_lane.sv", "place_2 >= 2 * SIZE", "place_2 >= SIZE"),
    "a state of the first row": Fault("back_lane.sv", "top_9 ? '0 : fits", "fits"),
    "the last row's state": Fault("recursion.sv", "in_first ? '0 : states[in_slot]", "states[in_slot]"),
    "a zero of seven rows": Fault("mean_rows.sv", "LOG2'(ROWS - 1)", "LOG2'(ROWS - 2)"),
    "a mean gradient that stays": Fault("mean_rows.sv", "(BITS'(frame_total) <<< FRACTION) -", "-"),
    "the other edge": Fault("cleaner_edge.sv", "32'(row) < ROWS,", "32'(row) >= SIZE - ROWS,"),
    "an edge that is too wide": Fault("cleaner_edge.sv", "32'(row) >= SIZE - ROWS}", "32'(row) >= SIZE - ROWS - 16}"),
    "gradients, not how they change": Fault(
        "cleaner_edge.sv", "- CHANGE_BITS'($signed(earlier[(BEATS_APART-1)*WORD+part*IN_BITS+:IN_BITS]))", ""
    ),
    "gradients too close to each other": Fault("cleaner_edge.sv", "(BEATS_APART-1)*WORD+part", "part"),
    "gradients of the row before": Fault("cleaner_edge.sv", "!compared ? '0 :", ""),
    "a half that is always both": Fault("cleaner_edge.sv", "half <= 2'(contract_pkg::HALF_UP)", "half <= half"),
    "the half of the other frame": Fault("two_sided_retrieval.sv", "halves[back_frame[0]]", "halves[!back_frame[0]]"),
    "rows of both halves": Fault("back_lane.sv", "half_6 == UP ? far : near", "near"),
    "states of both halves": Fault("back_lane.sv", "half_10 == DOWN ? down : up_10", "up_10"),
    "a zero of the first rows": Fault("mean_rows.sv", "zeroing && (!is_upward || last_rows)", "zeroing && !last_rows"),
    "a trend of the frame": Fault("mean_rows.sv", "trend       <= !KNOWN || both ?", "trend       <= 1'b1 ?"),
    "a trend without its square": Fault("surface_trend.sv", "+ BITS'(mean_square) -", "-"),
    "a coefficient of the border": Fault("two_sided_retrieval.sv", "is_known ? known_surface : fit", "fit"),
    "rows of a pair exchanged": Fault("phase_lines.sv", "in_second != UPWARD", "in_second"),
    "bright rows from the top": Fault("frame_codes.sv", "address(out_place, 1'b1)", "address(out_place, 1'b0)"),
}  # fmt: skip


def something_is_wrong(kernel: RtlSimulation) -> bool:
    """Play all frames at full rate, then some to a receiver that pauses."""
    frames = frames_of(kernel.design)
    try:
        for some, stall in ((frames, 0.0), (frames[:4], 0.5)):
            played = kernel.play(*kernel.beats(some), len(some), stall=stall, seed=3)
            if any(wrong for wrong, _ in differing(kernel, some, played).values()):
                return True
        cut, known = cut_frames(kernel.design), known_of(kernel.design)
        load(kernel, known)
        played = kernel.play(*kernel.beats(cut), len(cut))
        if any(wrong for wrong, _ in differing(kernel, cut, played, known).values()):
            return True
        load(kernel, None)
    except CheckFailed:
        return True
    return False


def test_without_a_fault_nothing_is_wrong(knowing_kernel: RtlSimulation) -> None:
    assert not something_is_wrong(knowing_kernel)


def test_a_kernel_without_a_known_surface_takes_none(kernel: RtlSimulation) -> None:
    frames, known = cut_frames(kernel.design)[:3], known_of(kernel.design)
    load(kernel, known)
    assert kernel.read_at(BackgroundRegister.CONTROL.offset) == 0
    played = kernel.play(*kernel.beats(frames), 3)
    assert compare(kernel, frames, played) == 3 * words(64)


@full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    assert something_is_wrong(faulty(FAULTS[name], TWO_SIDED, tmp_path))
