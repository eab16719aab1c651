"""The SystemVerilog kernel equals the integer model on every word of every stage, and keeps the rules of its pins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.design.design import Design, Window
from cytogate.model.design.folder import load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.errors import CheckFailed
from cytogate.model.interface.registers import IDENTITY, VERSION, Control, ErrorFlag, Register
from cytogate.model.retrieval import integer
from cytogate.sim.rtl.simulation import Played, RtlSimulation
from tests.phantoms import bumps, extremes, noise


def arriving(size: int) -> Design:
    """A design whose frames arrive at N x N, so that nothing but the kernel sets the pace."""
    return Design(f"arriving{size}", window=Window(size, size, 1), instrument=FourAngle(rows=size, columns=size))


SIXTEEN_BITS = Design(
    "sixteen_bits", window=Window(64, 64, 2), instrument=FourAngle(adc_bits=16, rows=150, columns=133)
)
"""Binning; logarithms cut to the ROM's address; a window that no beat of several pixels begins with."""
ANISOTROPIC = Design(
    "anisotropic", window=Window(64, 64, 1),
    instrument=FourAngle(adc_bits=10, rows=64, columns=64, pixel_pitch_y_um=0.4),
)  # fmt: skip


def steep(design: Design) -> np.ndarray:
    """Frames (6, 4, rows, columns) of the largest gradients, with the signs of 1, s, t, s^2 - 1/2, t^2 - 1/2 and s t.

    They drive every moment of the border as far as it goes.
    """
    acquisition = design.four_angle
    t, s = (2 * np.indices((acquisition.rows, acquisition.columns)) + 1) / [
        [[acquisition.rows]],
        [[acquisition.columns]],
    ] - 1
    positive = np.stack([np.ones_like(s), s, t, s * s - 0.5, t * t - 0.5, s * t]) > 0
    along_y = positive[[3, 2, 1, 0, 5, 4]]
    top = 2**acquisition.adc_bits - 1
    return np.stack([positive, ~positive, ~along_y, along_y], axis=1).astype(np.uint16) * np.uint16(top)


STAGES = ("binned", "gradient", "spectrum", "spectrum_exponent", "quotient", "phase")
full = pytest.mark.full


def simulation(design: Design, samples: int, builds: Path) -> RtlSimulation:
    return RtlSimulation(design, builds / f"rtl_{design.name}", samples)


def compare(kernel: RtlSimulation, frames: np.ndarray, played: Played) -> int:
    """Return the number of words that were compared and equal; fail on any that differ."""
    exact, heard = integer.retrieve(frames, kernel.design), kernel.stages(len(frames))
    assert tuple(heard) == STAGES
    differ = {name: int(np.count_nonzero(codes != getattr(exact, name))) for name, codes in heard.items()}
    differ["network_input"] = int(np.count_nonzero(pixels(kernel, played) != exact.network_input))
    assert differ == dict.fromkeys(differ, 0)
    return sum(codes.size for codes in heard.values()) + exact.network_input.size


def pixels(kernel: RtlSimulation, played: Played) -> np.ndarray:
    """Frames (cells, N, N, 5) of what left; TLAST is where it belongs."""
    beats = kernel.design.size**2 // kernel.samples_per_clock
    assert np.array_equal(np.flatnonzero(played.lasts) % beats, np.full(len(played.lasts) // beats, beats - 1))
    return played.pixels


@pytest.mark.parametrize(
    ("design", "samples"),
    [
        (load_design("qatom64"), 1),
        (SIXTEEN_BITS, 4),
        pytest.param(ANISOTROPIC, 2, marks=full),
        pytest.param(load_design("qatom64"), 8, marks=full),
        pytest.param(load_design("qatom256"), 1, marks=full),
    ],
    ids=lambda value: value.name if isinstance(value, Design) else str(value),
)
def test_equals_the_integer_model_on_every_word(design: Design, samples: int, builds: Path) -> None:
    kernel = simulation(design, samples, builds)
    frames = np.concatenate([bumps(design, 1, seed=20, shading=0.03)[0], noise(design, 1, seed=21)])
    if design.size == 64:
        frames = np.concatenate([frames, steep(design), *extremes(design).values()])
    played = kernel.play(*kernel.beats(frames), len(frames))
    assert compare(kernel, frames, played) == len(frames) * (design.size**2 * (4 + 2 + 2 + 2 + 1 + 5) + design.size)
    assert kernel.violations == 0


@pytest.mark.parametrize(
    ("size", "samples", "cells"),
    [
        (64, 1, 4),
        *(pytest.param(*case, marks=full) for case in ((64, 2, 4), (64, 8, 6), (128, 1, 4), (128, 4, 16))),
    ],
)
def test_frames_back_to_back(size: int, samples: int, cells: int, builds: Path) -> None:
    """A frame every N * N clocks over samples per clock and 26 more; the registers say what was counted at the pins."""
    kernel = simulation(arriving(size), samples, builds)
    frames = np.concatenate(
        [bumps(kernel.design, cells // 2, seed=3)[0], noise(kernel.design, cells - cells // 2, seed=4)]
    )
    played = kernel.play(*kernel.beats(frames), cells)
    assert compare(kernel, frames, played) == cells * (size**2 * 16 + size)
    beats = size * size // samples
    ends, arrivals = played.out_cycles[beats - 1 :: beats], played.in_cycles[beats - 1 :: beats]
    assert np.all(np.diff(ends) <= beats + 40)
    assert kernel.read(Register.INTERVAL_CYCLES) == ends[-1] - ends[-2]
    assert kernel.read(Register.LATENCY_CYCLES) == ends[-1] - arrivals[-1]
    assert kernel.read(Register.FRAMES_ACCEPTED) == cells


@pytest.fixture(scope="module")
def compiled(builds: Path) -> RtlSimulation:
    return simulation(arriving(64), 1, builds)


@pytest.fixture
def kernel(compiled: RtlSimulation) -> RtlSimulation:
    compiled.reset()
    return compiled


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_simulations_of_one_kernel_end_in_any_order(
    order: tuple[int, int], kernel: RtlSimulation, builds: Path
) -> None:
    """None leaves the others without what they share."""
    pair = [simulation(arriving(64), 1, builds) for _ in range(2)]
    for number in order:
        pair[number].reset()
        pair[number].close()
    another = simulation(arriving(64), 1, builds)
    frames = noise(another.design, 1, seed=3)
    found, due = (each.play(*each.beats(frames), 1).pixels for each in (another, kernel))
    assert found.size == 64 * 64 * found.shape[-1]
    assert np.array_equal(found, due)


@pytest.mark.parametrize(("idle", "stall"), [(0.5, 0.0), (0.0, 0.5), (0.3, 0.3), (0.0, 0.9), (0.9, 0.1), (0.05, 0.05)])
def test_pauses_change_no_word(idle: float, stall: float, kernel: RtlSimulation) -> None:
    frames = noise(kernel.design, 5, seed=int(100 * idle + stall * 10))
    played = kernel.play(*kernel.beats(frames), 5, idle=idle, stall=stall, seed=7)
    assert compare(kernel, frames, played) == 5 * (64 * 64 * 16 + 64)
    assert kernel.violations == 0


def packet(kernel: RtlSimulation, frame: np.ndarray, surplus: int) -> tuple[np.ndarray, np.ndarray]:
    """Beats of one frame with ``surplus`` beats too many, or too few where negative."""
    beats, lasts = kernel.beats(frame)
    wanted = len(beats) + surplus
    beats = np.concatenate([beats] * (wanted // len(beats) + 1))[:wanted]
    lasts = np.zeros(wanted, np.uint8)
    lasts[-1] = 1
    return beats, lasts


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("surplus", [-1, 1, -64, -4095, -100, 64, 4096, 9000])
def test_a_malformed_packet_is_dropped_and_its_neighbors_are_not(
    surplus: int, stall: float, kernel: RtlSimulation
) -> None:
    frames = noise(kernel.design, 4, seed=31)
    packets = [packet(kernel, frames[i : i + 1], surplus if i == 1 else 0) for i in range(4)]
    beats, lasts = (np.concatenate(parts) for parts in zip(*packets, strict=True))
    played = kernel.play(beats, lasts, 3, idle=0.1, stall=stall, seed=2)
    exact = integer.network_inputs(frames[[0, 2, 3]], kernel.design)
    assert np.array_equal(pixels(kernel, played), exact)
    assert kernel.read(Register.FRAMES_ACCEPTED) == 3
    assert kernel.read(Register.FRAMES_DROPPED) == 1
    flag = ErrorFlag.SHORT_PACKET if surplus < 0 else ErrorFlag.LONG_PACKET
    assert kernel.read(Register.ERROR_FLAGS) == flag
    kernel.write(Register.ERROR_FLAGS, ErrorFlag.SHORT_PACKET | ErrorFlag.LONG_PACKET)
    assert kernel.read(Register.ERROR_FLAGS) == 0
    assert kernel.violations == 0


def test_nothing_but_malformed_packets(kernel: RtlSimulation) -> None:
    """Ten packets of a beat or a few are dropped, and the frame behind them is not."""
    frames = noise(kernel.design, 1, seed=5)
    beats, lasts = kernel.beats(frames)
    short = np.zeros(20, np.uint8)
    short[1::2] = 1
    played = kernel.play(np.concatenate([beats[:20], beats]), np.concatenate([short, lasts]), 1)
    assert np.array_equal(pixels(kernel, played), integer.network_inputs(frames, kernel.design))
    assert kernel.read(Register.FRAMES_DROPPED) == 10


BEATS_OF_A_ROW = -(-SIXTEEN_BITS.camera.columns // 4)
ROWS_ABOVE = (SIXTEEN_BITS.camera.rows - SIXTEEN_BITS.window.raw[0]) // 2
SLOW = 0.99
"""Share of clocks in which a receiver is busy, so that a frame behind the one that leaves has been read by then."""


@pytest.fixture(scope="module")
def binning_kernel(builds: Path) -> RtlSimulation:
    return simulation(SIXTEEN_BITS, 4, builds)


def wrong_after_reset(kernel: RtlSimulation) -> bool:
    """Say whether a reset in any row of a bin, or between rows, leaves something behind."""
    frames = noise(kernel.design, 2, seed=6)
    beats, lasts = kernel.beats(frames)
    exact = integer.network_inputs(frames, kernel.design)
    for row, beat in ((0, 1), (ROWS_ABOVE, 7), (ROWS_ABOVE + 1, 0), (ROWS_ABOVE + 1, 7), (ROWS_ABOVE + 2, 7)):
        kernel.reset()
        sent = row * BEATS_OF_A_ROW + beat
        kernel.play(beats[:sent], lasts[:sent], 0)
        kernel.reset()
        try:
            played = kernel.play(beats, lasts, 2)
        except CheckFailed:
            return True
        if not np.array_equal(played.pixels, exact) or kernel.read(Register.FRAMES_ACCEPTED) != 2:
            return True
    return False


def wrong_latency(kernel: RtlSimulation) -> bool:
    """Say whether a malformed packet is taken for the frame before it, which leaves slowly while that one is read."""
    kernel.reset()
    frames = noise(kernel.design, 2, seed=9)
    packets = [packet(kernel, frames[i : i + 1], surplus) for i, surplus in enumerate((0, -1))]
    beats, lasts = (np.concatenate(parts) for parts in zip(*packets, strict=True))
    played = kernel.play(beats, lasts, 1, stall=SLOW, seed=1)
    arrived = played.in_cycles[len(packets[0][0]) - 1]
    return kernel.read(Register.LATENCY_CYCLES) != played.out_cycles[-1] - arrived


def test_reset_in_the_middle_of_a_bin(binning_kernel: RtlSimulation) -> None:
    assert not wrong_after_reset(binning_kernel)


@pytest.mark.parametrize("samples", [1, pytest.param(8, marks=full)])
def test_latency_is_of_the_frame_that_left(samples: int, builds: Path) -> None:
    assert not wrong_latency(simulation(arriving(64), samples, builds))


@pytest.mark.parametrize("sent", [1, 63, 2000, 4096, 9000])
def test_reset_in_mid_frame(sent: int, kernel: RtlSimulation) -> None:
    frames = noise(kernel.design, 4, seed=6)
    beats, lasts = kernel.beats(frames)
    kernel.play(beats[:sent], lasts[:sent], 0)
    kernel.reset()
    played = kernel.play(beats, lasts, 4)
    assert compare(kernel, frames, played) == 4 * (64 * 64 * 16 + 64)
    assert kernel.read(Register.FRAMES_ACCEPTED) == 4


def test_soft_reset_drops_what_is_inside_and_the_rest_of_its_packet(kernel: RtlSimulation) -> None:
    frames = noise(kernel.design, 3, seed=8)
    beats, lasts = kernel.beats(frames)
    kernel.play(beats[:5000], lasts[:5000], 0)
    kernel.write(Register.CONTROL, Control.SOFT_RESET)
    assert kernel.read(Register.CONTROL) == 0
    played = kernel.play(beats[5000:], lasts[5000:], 1)
    assert np.array_equal(pixels(kernel, played), integer.network_inputs(frames[2:], kernel.design))
    assert kernel.read(Register.FRAMES_DROPPED) == 1
    assert kernel.read(Register.ERROR_FLAGS) == ErrorFlag.SHORT_PACKET


def test_registers_say_who_it_is(kernel: RtlSimulation) -> None:
    assert kernel.read(Register.IDENTITY) == IDENTITY == 0x4359544F
    assert kernel.read(Register.VERSION) == VERSION
    assert kernel.read(Register.DESIGN_HASH) == design_hash(kernel.design)
    kernel.write(Register.IDENTITY, 0)
    assert kernel.read(Register.IDENTITY) == IDENTITY


def test_register_map() -> None:
    """Offsets are whole words, each once."""
    offsets = [register.offset for register in Register]
    assert offsets == list(range(0, 4 * len(offsets), 4))


@dataclass(frozen=True)
class Fault:
    """One change of one module that every test above would have to notice."""

    module: str
    old: str
    new: str


FAULTS = {
    "sign of a quadrant": Fault("quotient.sv", "left ? -$signed(along_x)", "above ? -$signed(along_x)"),
    "Nyquist row kept": Fault("quotient.sv", " || row == LOG2'(SIZE / 2)", ""),
    "s and t curvature swapped": Fault(
        "surface_fit.sv", "bowl - saddle, bowl + saddle", "bowl + saddle, bowl - saddle"
    ),
    "first value of the polynomial": Fault("surface_columns.sv", "(q <<< (2 * LOG2)) + q", "(q <<< (2 * LOG2))"),
    "u^2 a clock late": Fault("moments.sv", "masked_uu <= u * u", "masked_uu <= masked_u * masked_u"),
    "offset at the wrong exponent": Fault("phase_offset.sv", "exponent - own_exponent", "6'd1"),
    "code offset by one step": Fault("phase_code.sv", "(PHASE_BITS + 1)'(OFFSET)", "(PHASE_BITS + 1)'(OFFSET + 1)"),
    "malformed frames leave": Fault("frame_output.sv", ".in_valid(read && whole)", ".in_valid(read)"),
    "no swallowing": Fault("frame_input.sv", "s_axis_tvalid && s_axis_tlast) state", "s_axis_tvalid) state"),
    "places in the transpose not counted": Fault("retrieval.sv", "row_ready && rows_room", "row_ready"),
    "a surface that does not bend": Fault("surface_subtract.sv", "step  <= step + bend", "step  <= step"),
    "a table's other word": Fault("rom.sv", "fetched_a <= words[address_a]", "fetched_a <= words[address_b]"),
    "an inverse transform forward": Fault(
        "transform.sv", ".LEVEL(level), .IN_BITS(BITS), .INVERSE(INVERSE)", ".LEVEL(level), .IN_BITS(BITS), .INVERSE(0)"
    ),
    "a bright field a clock late": Fault("bright_field.sv", ".CLOCKS(READ_LATENCY - 2)", ".CLOCKS(READ_LATENCY - 1)"),
    "places before the stream not counted": Fault(
        "retrieval.sv", "credits #(.COUNT(OUT_SLOTS))", "credits #(.COUNT(64))"
    ),
}


RESET = Fault("frame_input.sv", "      bin_row   <= '0;\n    end", "    end")
STAMP = Fault("frame_output.sv", "if (read && last && whole) arrived", "if (read && last) arrived")


@pytest.mark.full
@pytest.mark.mutants
@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, samples: int, tmp_path: Path) -> None:
    assert something_is_wrong(faulty(FAULTS[name], arriving(64), samples, tmp_path))


@pytest.mark.full
def test_a_bin_that_a_reset_leaves_is_seen(tmp_path: Path) -> None:
    assert wrong_after_reset(faulty(RESET, SIXTEEN_BITS, 4, tmp_path))


@pytest.mark.full
def test_a_stamp_of_another_frame_is_seen(tmp_path: Path) -> None:
    assert wrong_latency(faulty(STAMP, arriving(64), 8, tmp_path))


def faulty(fault: Fault, design: Design, samples: int, folder: Path) -> RtlSimulation:
    text = (FPGA / "rtl" / fault.module).read_text(encoding="ascii")
    assert text.count(fault.old) == 1, f"{fault.module} has {fault.old!r} {text.count(fault.old)} times"
    changed = folder / fault.module
    changed.write_text(text.replace(fault.old, fault.new), encoding="ascii")
    sources = [changed if path.name == fault.module else path for path in rtl_sources("retrieve_phase")]
    return RtlSimulation(design, folder / "build", samples, sources)


def test_without_a_fault_nothing_is_wrong(kernel: RtlSimulation) -> None:
    assert not something_is_wrong(kernel)


@pytest.mark.full
def test_without_a_fault_nothing_is_wrong_at_four_samples_a_clock(builds: Path) -> None:
    assert not something_is_wrong(simulation(arriving(64), 4, builds))


@full
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("samples", [1, 4])
def test_nothing_depends_on_what_no_reset_sets(samples: int, seed: int, builds: Path) -> None:
    """From a random state of all that no reset sets, every word of every stage is the same."""
    frames = noise(SIXTEEN_BITS, 2, seed=5)
    kernel = RtlSimulation(SIXTEEN_BITS, builds / f"rtl_{SIXTEEN_BITS.name}", samples, seed=seed)
    played = kernel.play(*kernel.beats(frames), len(frames), idle=0.2, stall=0.2, seed=seed)
    assert compare(kernel, frames, played) > 50_000
    kernel.close()


def something_is_wrong(kernel: RtlSimulation) -> bool:
    """Play the steepest frames, noise and an over-long packet to a slow receiver; say whether any word is wrong."""
    frames = np.concatenate([steep(kernel.design), noise(kernel.design, 4, seed=1)])
    packets = [packet(kernel, frames[i : i + 1], 100 if i == 7 else 0) for i in range(len(frames))]
    beats, lasts = (np.concatenate(parts) for parts in zip(*packets, strict=True))
    exact = integer.retrieve(frames, kernel.design)
    good = np.delete(exact.network_input, 7, axis=0)
    try:
        played = kernel.play(beats, lasts, len(good), stall=0.5, seed=3)
        if not np.array_equal(played.pixels, good):
            return True
        heard = kernel.stages(len(frames))
    except CheckFailed:
        return True
    return any(not np.array_equal(codes, getattr(exact, name)) for name, codes in heard.items())
