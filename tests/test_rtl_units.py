"""Single modules of the SystemVerilog kernel against the integer model: exhaustive where small, exact everywhere.

``test_a_fault_is_seen`` changes one rounding constant, ROM word, register stage or address at a time and wants red.
"""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.constants import retrieval_tables
from cytogate.hls.contract.package import memory_texts, write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.fixed_point import GRADIENT, TWIDDLE, WORD, Format, shift_right
from cytogate.model.contract.law import contract
from cytogate.model.contract.remarks import CURL
from cytogate.model.contract.tables import quotient_quadrant, surface_spectra, twiddles
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed
from cytogate.model.retrieval import integer
from cytogate.model.retrieval.remarks import curled, curls, negative
from cytogate.sim.rtl.player import verilate
from tests.conftest import REPOSITORY

DESIGN = load_design("qatom64")
IN_BYTES, OUT_BYTES = 32, 64
Field = tuple[int, int]
"""Lowest bit on the bus, and bits."""


@dataclass(frozen=True)
class Units:
    """The compiled units."""

    library: ctypes.CDLL
    seed: int = 0
    """Of what no reset sets; zeros where 0."""

    def play(self, clocks: int, fields: dict[Field, np.ndarray]) -> np.ndarray:
        """Play fields, each (clocks,) of codes, and return the bits that came out (clocks, bits)."""
        beats = sent(clocks, fields)
        came = np.zeros((clocks, OUT_BYTES), np.uint8)
        buses = ctypes.c_void_p(beats.ctypes.data), ctypes.c_void_p(came.ctypes.data)
        if self.library.bus_play(*buses, clocks, self.seed):
            raise CheckFailed("an assertion of the hardware failed")
        came[:2] = 0  # within the reset nothing has a meaning
        return np.unpackbits(came, axis=1, bitorder="little")


def sent(clocks: int, fields: dict[Field, np.ndarray]) -> np.ndarray:
    """Return the bytes (clocks, bytes) of the bus in."""
    bits = np.zeros((clocks, 8 * IN_BYTES), np.uint8)
    for (start, width), codes in fields.items():
        for bit in range(width):
            bits[: len(codes), start + bit] = (np.asarray(codes) >> bit) & 1
    return np.packbits(bits, axis=1, bitorder="little")


def field(bits: np.ndarray, start: int, width: int, signed: bool = True) -> np.ndarray:
    """Codes (clocks,) of a field of the bus."""
    codes = bits[:, start : start + width].astype(np.int64) @ (np.int64(1) << np.arange(width))
    return codes - ((codes >> (width - 1)) << width) if signed else codes


def write_twiddles(folder: Path, memory: Callable[[str, str], str] | None = None) -> None:
    """Write the ROM files of the transforms; ``memory`` may change one, given its name and text."""
    for size in (8, 32, 256):
        text = memory_texts(retrieval_tables(size, 11))["twiddle.mem"]
        name = f"twiddle_{size}.mem"
        (folder / name).write_text(memory(name, text) if memory else text, encoding="ascii")


def compiled(folder: Path, sources: list[Path], memory: Callable[[str, str], str] | None = None) -> Units:
    """Compile the units in ``folder``; ``memory`` may change a ROM file, given its name and text."""
    package = write_rtl_package(DESIGN, folder)
    write_twiddles(folder, memory)
    if memory:
        name = "log_fraction.mem"
        (folder / name).write_text(memory(name, (folder / name).read_text()), encoding="ascii")
    library = verilate(
        package, [REPOSITORY / "tests" / "rtl_units.sv", *sources], "units", FPGA / "tb" / "bus_player.cpp"
    )
    return Units(ctypes.CDLL(str(library)))


@pytest.fixture(scope="module")
def units(builds: Path) -> Units:
    return compiled(builds / "rtl_units", rtl_sources("retrieve_phase"))


RESET = np.array([1, 1, 0])


def rounding(units: Units) -> tuple[int, int]:
    """Every 8-bit value by every shift: words compared, words that differ."""
    value, shift = (axis.ravel() for axis in np.meshgrid(np.arange(-128, 128), np.arange(16)))
    bits = units.play(len(value) + 8, {(8, 8): value, (16, 4): shift})
    clocks = np.arange(len(value))
    differ = 0
    for found, wanted in (
        (field(bits, 0, 5)[clocks + 4], np.clip(shift_right(value, shift), -16, 15)),
        (field(bits, 8, 4)[clocks + 2], np.clip(shift_right(value, 3), -8, 7)),
        (field(bits, 16, 8)[clocks + 2], shift_right(value, 1)),
    ):
        differ += int(np.count_nonzero(found != wanted))
    return 3 * len(value), differ


def gradients(units: Units) -> tuple[int, int]:
    """Every sum against dark, itself and random ones; of 12 bits by two gains, of 13 and 14 bits by the larger."""
    rng = np.random.default_rng(5)
    compared = differ = 0
    for width, start, gain in ((12, 32, 65536), (12, 56, 49152), (13, 80, 65536), (14, 104, 65536)):
        every = np.arange(1 << width)
        plus = np.concatenate([every, every, every, rng.integers(0, 1 << width, 20000)])
        minus = np.concatenate([0 * every, every, every[::-1], rng.integers(0, 1 << width, 20000)])
        bits = units.play(len(plus) + 16, {(24, width): plus, (38, width): minus})
        terms = dataclasses.replace(contract(DESIGN), binned=Format(width, 0, signed=False))
        ratio = GRADIENT.limit(integer.log2(plus, terms) - integer.log2(minus, terms))
        wanted = GRADIENT.limit(shift_right(ratio * gain, TWIDDLE.fraction_bits))
        compared += len(wanted)
        differ += int(np.count_nonzero(field(bits, start, 18)[np.arange(len(plus)) + 10] != wanted))
    return compared, differ


def one_pass(units: Units, unit: int, size: int, inverse: bool) -> tuple[int, int]:
    """Lines with gaps and without: noise of every magnitude, extremes, a single word."""
    rng = np.random.default_rng(unit)
    top = 1 << 17
    lines = [rng.integers(-top, top, (2, size)) >> rng.integers(0, 17) for _ in range(24)]
    lines += [np.full((2, size), -top), np.full((2, size), top - 1), np.zeros((2, size), np.int64)]
    lines += [np.eye(1, size, 3, dtype=np.int64).repeat(2, axis=0) * -top]
    # A line whose largest component is the power of two at which the exponent changes.
    lines += [
        np.eye(1, size, dtype=np.int64).repeat(2, axis=0) * sign * (top - edge) for sign in (1, -1) for edge in (0, 1)
    ]
    lines = [np.clip(line, -top, top - 1) for line in lines]
    valid, words = list(RESET * 0), [0] * len(RESET)
    for line in lines:
        gap = int(rng.integers(0, 2)) * int(rng.integers(1, 2 * size))
        valid += [1] * size + [0] * gap
        words += [int(re) & 0x7FFFF | (int(im) & 0x7FFFF) << 19 for re, im in line.T] + [0] * gap
    reset = np.concatenate([RESET, np.zeros(len(valid) - len(RESET), np.int64)])
    clocks = len(valid) + 3 * size + 200
    bits = units.play(clocks, {(0, 1): reset, (1 + unit, 1): np.array(valid), (64, 38): np.array(words)})
    start = 128 + 48 * unit
    left = bits[bits[:, start] == 1]
    stacked = np.stack(lines)
    grown = integer.transform(integer.Pair(stacked[None, :, 0], stacked[None, :, 1]), inverse)
    wanted, exponents = integer.block_normalise(grown)
    if len(left) != wanted.re.size:
        return wanted.re.size, wanted.re.size
    differ = np.count_nonzero(field(left, start + 1, 18) != wanted.re.ravel())
    differ += np.count_nonzero(field(left, start + 19, 18) != wanted.im.ravel())
    differ += np.count_nonzero(field(left, start + 37, 6, False) != exponents.ravel().repeat(size))
    differ += np.count_nonzero(left[:, start + 43] != (np.arange(len(left)) % size == 0))
    return 4 * wanted.re.size, int(differ)


def corner_turns(units: Units) -> tuple[int, int]:
    """Groups of four rows of eight, turned to columns and back to what they were."""
    rng = np.random.default_rng(9)
    groups = rng.integers(0, 256, (20, 4, 8))
    beats = groups.reshape(20, 8, 4) @ (1 << 8 * np.arange(4))
    clocks = 20 * 24 + 60
    valid, words, read = np.zeros(clocks, np.int64), np.zeros(clocks, np.int64), rng.integers(0, 4, clocks) > 0
    for group in range(20):
        at = 4 + 24 * group + np.arange(8)
        valid[at], words[at] = 1, beats[group]
    bits = units.play(clocks, {(0, 1): RESET, (112, 1): valid, (113, 1): read, (120, 32): words})
    lines, back = bits[bits[:, 320] == 1], bits[bits[:, 360] == 1]
    if len(lines) != 160 or len(back) != 160:
        return 320, 320
    differ = np.count_nonzero(field(back, 361, 32, False) != beats.ravel())
    turned = groups.swapaxes(1, 2).reshape(160, 4) @ (1 << 8 * np.arange(4))
    return 320, int(differ + np.count_nonzero(field(lines, 321, 32, False) != turned))


def transposes(units: Units) -> tuple[int, int]:
    """Frames of 8 x 8 in two lanes, one behind the other through the same places."""
    rng = np.random.default_rng(11)
    frames, size, lanes = 5, 8, 2
    top = 1 << 17
    words = rng.integers(-top, top, (2, frames, size, size))
    exponents = rng.integers(0, 9, (frames, size))
    clocks = 24 * (frames + 1) * (size // lanes + 1) + 100
    starts, valid, first, launch = (np.zeros(clocks, np.int64) for _ in range(4))
    parts = [np.zeros(clocks, np.int64) for _ in range(4)]
    own = np.zeros(clocks, np.int64)
    launch[::24] = 1
    for frame in range(frames):
        for group in range(size // lanes):
            # Launches come every 24 clocks, once a frame is in; a frame's groups follow those of the one before.
            at = 24 * (frame * (size // lanes + 1) + group) + 22 + np.arange(size)
            starts[at[0] - 7], valid[at], first[at[0]] = 1, 1, 1
            for lane in range(lanes):
                line = lanes * group + lane
                own[at] |= exponents[frame, line] << (6 * lane)
                for part in range(2):
                    parts[2 * lane + part][at] = words[part, frame, line] & 0x3FFFF
    fields: dict[Field, np.ndarray] = {(0, 1): RESET, (160, 1): starts, (161, 1): valid, (162, 1): first}
    fields |= {(163, 1): launch, (240, 12): own} | {(164 + 18 * i, 18): part for i, part in enumerate(parts)}
    bits = units.play(clocks, fields)
    left = bits[bits[:, 400] == 1]
    wanted, frame_exponents = integer._transpose(integer.Pair(words[0], words[1]), exponents)
    count = frames * size * size // lanes
    if len(left) != count:
        return 4 * count, 4 * count
    differ = 0
    for lane in range(lanes):
        for part in range(2):
            # (frame, group, lane, word) to the order of leaving.
            lines = wanted[part].reshape(frames, size // lanes, lanes, size)[:, :, lane].ravel()
            differ += int(np.count_nonzero(field(left, 401 + 36 * lane + 18 * part, 18) != lines))
    differ += int(np.count_nonzero(field(left, 473, 6, False) != frame_exponents.repeat(size * size // lanes)))
    return 4 * count, differ


def near_the_border(rng: np.random.Generator) -> np.ndarray:
    """Gradients (32, 32, 2) with a curl that is nearly the largest of a frame without one, at any scale."""

    def slopes() -> np.ndarray:
        potential = rng.normal(size=(33, 33)).cumsum(axis=0).cumsum(axis=1)
        return np.stack([np.diff(potential, axis=1)[:-1], np.diff(potential, axis=0)[:, :-1]], axis=-1)

    flowing, turning = slopes(), slopes()[..., ::-1] * [1, -1]
    (turns, _), (_, flows) = (curls(each[None]) for each in (turning, flowing))
    both = flowing + turning * (CURL[0] / CURL[1] * flows / turns) * rng.uniform(0.97, 1.03)
    largest = (1 << 17) - 1
    return np.rint(both * largest / np.abs(both).max() * 2.0 ** -rng.uniform(0, 8)).astype(np.int64)


def blocks_of_extremes(rng: np.random.Generator) -> np.ndarray:
    """Gradients (32, 32, 2) at the ends of their words, the same over blocks."""
    chosen = rng.choice([-(1 << 17), (1 << 17) - 1], (4, 4, 2))
    return chosen.repeat(8, axis=0).repeat(8, axis=1)


def played(units: Units, rng: np.random.Generator, valid: int, words: np.ndarray) -> np.ndarray:
    """Play words (beats, parts) of 18 bits, the second half without pauses, and return the bits that came out."""
    pauses = np.where(np.arange(len(words)) < len(words) // 2, rng.integers(0, 3, len(words)), 0)
    times = len(RESET) + np.cumsum(1 + pauses)
    clocks = int(times[-1]) + 40
    fields: dict[Field, np.ndarray] = {(0, 1): RESET, (valid, 1): np.zeros(clocks, np.int64)}
    fields[valid, 1][times] = 1
    for part in range(words.shape[1]):
        fields[164 + 18 * part, 18] = np.zeros(clocks, np.int64)
        fields[164 + 18 * part, 18][times] = words[:, part]
    return units.play(clocks, fields)


def gradient_remarks(units: Units) -> tuple[int, int]:
    """Frames on both sides of the border of the curl."""
    rng = np.random.default_rng(33)
    makers = [near_the_border] * 320 + [blocks_of_extremes] * 40
    frames = np.stack([makers[index](rng) for index in rng.permutation(len(makers))])
    words = frames.reshape(-1, 4)  # two pixels: x, y, x, y
    bits = played(units, rng, 114, words)
    due = curled(frames)
    assert 100 < np.count_nonzero(due) < 260
    found = bits[bits[:, 480] == 1, 481]
    return len(frames), int(np.count_nonzero(found != due)) if len(found) == len(due) else len(due)


def phase_remarks(units: Units) -> tuple[int, int]:
    """Frames whose largest and smallest words are nearly opposite, anywhere in the frame."""
    rng = np.random.default_rng(34)
    most = rng.integers(5, (1 << 17) - 1, 400)
    frames = rng.integers(-4, 4, (400, 64))
    places = np.stack([rng.permutation(64)[:2] for _ in frames])
    each = np.arange(len(frames))
    frames[each, places[:, 0]] = most
    frames[each, places[:, 1]] = rng.integers(-1, 2, len(frames)) - most
    words = frames.reshape(-1, 2)
    bits = played(units, rng, 115, words)
    due = negative(frames.reshape(-1, 8, 8))
    found = bits[bits[:, 482] == 1, 483]
    return len(frames), int(np.count_nonzero(found != due)) if len(found) == len(due) else len(due)


CHECKS: dict[str, Callable[[Units], tuple[int, int]]] = {
    "rounding": rounding,
    "gradient": gradients,
    "forward 8": lambda units: one_pass(units, 0, 8, False),
    "inverse 8": lambda units: one_pass(units, 1, 8, True),
    "forward 32": lambda units: one_pass(units, 2, 32, False),
    "inverse 256": lambda units: one_pass(units, 3, 256, True),
    "corner turn": corner_turns,
    "transpose": transposes,
    "gradient remarks": gradient_remarks,
    "phase remarks": phase_remarks,
}


@pytest.mark.parametrize("name", CHECKS)
def test_unit_equals_the_integer_model(name: str, units: Units) -> None:
    words, differ = CHECKS[name](units)
    assert words >= 320
    assert differ == 0, f"{differ} of {words} values differ"


@pytest.mark.parametrize("name", CHECKS)
def test_nothing_depends_on_what_no_reset_sets(name: str, units: Units) -> None:
    words, differ = CHECKS[name](dataclasses.replace(units, seed=1))
    assert words >= 320
    assert differ == 0, f"{differ} of {words} values differ"


def test_an_assertion_of_the_hardware_ends_a_play(units: Units) -> None:
    """Three groups without a reader, where two have room."""

    def fill(groups: int) -> np.ndarray:
        valid = np.zeros(60, np.int64)
        valid[4 : 4 + 8 * groups] = 1
        return units.play(60, {(0, 1): RESET, (112, 1): valid})

    assert fill(2).shape == (60, 8 * OUT_BYTES)
    with pytest.raises(CheckFailed, match="assertion of the hardware"):
        fill(3)


@dataclass(frozen=True)
class Fault:
    """One change of one module, and the check that has to see it."""

    module: str
    old: str
    new: str
    check: str


FAULTS = {
    "ties go up": Fault("shift_round.sv", "guard && (sticky || quotient[0])", "guard", "rounding"),
    "ties to odd": Fault("shift_round.sv", "sticky || quotient[0]", "sticky || !quotient[0]", "rounding"),
    "a sticky bit is lost": Fault("shift_round.sv", "fine_sticky | fine_guard |", "fine_sticky |", "rounding"),
    "saturation wraps": Fault("shift_round.sv", "rounded <= fits ?", "rounded <= 1'b1 ?", "rounding"),
    "twiddle product rounds a bit lower": Fault(
        "butterfly.sv", ".FIXED(TWIDDLE_FRACTION), .SATURATE(SATURATE)) round_im", ".FIXED(15), .SATURATE(0)) round_im",
        "forward 8",
    ),
    "one register less in the delay": Fault("butterfly.sv", ".CLOCKS(HALF - 1)", ".CLOCKS(HALF)", "forward 8"),
    "one register more beside the ROM": Fault(
        "butterfly.sv", ".CLOCKS(2)) wait_for_rom", ".CLOCKS(3)) wait_for_rom", "forward 8"
    ),
    "the inverse turns forward": Fault(
        "butterfly.sv", "INVERSE ? re : negated(re)", "INVERSE ? negated(re) : re", "inverse 8"
    ),
    "smallest exponent forgotten": Fault(
        "normalize.sv", "settled > EXPONENT_BITS'(OUT_BITS - 1)", "settled > EXPONENT_BITS'(OUT_BITS)", "forward 8"
    ),
    "exponent beside the wrong line": Fault(
        "normalize.sv", ".CLOCKS(2)) beside_memory", ".CLOCKS(1)) beside_memory", "forward 8"
    ),
    "dark pixel counts as one": Fault("gradient.sv", "position = -1;", "position = 0;", "gradient"),
    "logarithm's address is cut": Fault("gradient.sv", "kept + PLACE_BITS'(up)", "kept", "gradient"),
    "logarithm's ties go up": Fault("gradient.sv", "aligned[0] && kept[0]", "aligned[0]", "gradient"),
    "guard bit forgotten": Fault("transpose.sv", "largest + EXPONENT_BITS'(GUARD)", "largest", "transpose"),
    "frames never change places": Fault("transpose.sv", "out_odd <= !out_odd", "out_odd <= out_odd", "transpose"),
    "banks turned the wrong way": Fault("corner_turn.sv", "((lane+turned", "((lane+1+turned", "corner turn"),
    "turns of one column": Fault(
        "frame_curl.sv", "TURN_BITS'(both[1]) - TURN_BITS'(left_both[1])", "TURN_BITS'(both[1])", "gradient remarks"
    ),
    "flows of one axis": Fault(
        "frame_curl.sv", " + TURN_BITS'(fall[1]) + TURN_BITS'(left_fall[1])", "", "gradient remarks"
    ),
    "blocks of seven rows": Fault(
        "frame_curl.sv", "row_first ? row_sum[axis] :", "row_first ? '0 :", "gradient remarks"
    ),
    "no blocks above": Fault("frame_curl.sv", "$signed(stored[(2+axis)*SUM_BITS+:SUM_BITS])", "'0", "gradient remarks"),
    "the corners of the left edge": Fault(
        "frame_curl.sv", "sum_place != 0 && sum_band != 0", "sum_band != 0", "gradient remarks"
    ),
    "a frame that ends a corner early": Fault("frame_curl.sv", "&sum_place && &sum_band", "sum_place == 2 && &sum_band",
                                              "gradient remarks"),
    "sums that go on": Fault("frame_curl.sv", "(size_first ? '0 : turns)", "turns", "gradient remarks"),
    "turns with a sign": Fault("frame_curl.sv", "turn < 0 ? -turn : turn;", "turn;", "gradient remarks"),
    "a turn is too narrow": Fault("frame_curl.sv", "SUM_BITS + 3;", "SUM_BITS + 2;", "gradient remarks"),
    "a sign of the largest alone": Fault(
        "phase_sign.sv", "(BITS + 1)'(least) + (BITS + 1)'(most)", "(BITS + 1)'(most)", "phase remarks"
    ),
    "a sign of the frame before": Fault(
        "phase_sign.sv", "count == 0 || found_lowest < least", "found_lowest < least", "phase remarks"
    ),
    "words that are not looked at": Fault("phase_sign.sv", "word < WORDS; ++word", "word < WORDS - 1; ++word",
                                          "phase remarks"),
}  # fmt: skip


@pytest.mark.full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    text = (FPGA / "rtl" / fault.module).read_text(encoding="ascii")
    assert text.count(fault.old) == 1, f"{fault.module} has {fault.old!r} {text.count(fault.old)} times"
    changed = tmp_path / fault.module
    changed.write_text(text.replace(fault.old, fault.new), encoding="ascii")
    sources = [changed if path.name == fault.module else path for path in rtl_sources("retrieve_phase")]
    try:
        words, differ = CHECKS[fault.check](compiled(tmp_path / "build", sources))
    except CheckFailed:  # an assertion saw it first
        return
    assert differ > 0, f"none of {words} values differs"


@pytest.mark.full
@pytest.mark.parametrize(("file", "check"), [("twiddle_8.mem", "forward 8"), ("log_fraction.mem", "gradient")])
def test_a_wrong_rom_bit_is_seen(file: str, check: str, tmp_path: Path) -> None:
    def changed(name: str, text: str) -> str:
        lines = text.split("\n")
        if name == file:
            lines[1] = f"{int(lines[1], 16) ^ 1:0{len(lines[1])}x}"
        return "\n".join(lines)

    words, differ = CHECKS[check](compiled(tmp_path, rtl_sources("retrieve_phase"), changed))
    assert differ > 0, f"none of {words} values differs"


def test_memory_files_hold_the_tables() -> None:
    for size in (8, 64):
        texts = memory_texts(retrieval_tables(size, 7))
        tables = {
            "twiddle.mem": twiddles(size),
            "quadrant.mem": quotient_quadrant(size).reshape(-1, 1),
            "surface.mem": np.concatenate(list(surface_spectra(size)), axis=1),
        }
        for name, table in tables.items():
            words = [int(line, 16) for line in texts[name].split()]
            assert len(words) == len(table)
            for word, codes in zip(words, table, strict=True):
                parts = [(word >> WORD.width * part) & 0x3FFFF for part in range(len(codes))]
                assert parts == [int(code) & 0x3FFFF for code in codes]
