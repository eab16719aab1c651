"""Estimate area and speed of the laws with a recursion on a device before anything is built.

Clocks, DSP and block RAM follow from their structure (``fpga/rtl``) and are held against counted clocks and against
yosys in the tests. Look-up tables and flip-flops are fitted to counts (:data:`FITTED`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cytogate.model.contract.fixed_point import GAIN_BITS, GRADIENT, PIXEL, TWIDDLE
from cytogate.model.contract.law import CausalContract, RecursionContract, recursion_contract
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.recursion import (
    COEFFICIENT,
    CONSTANT_FRACTION,
    LINE,
    RESPONSE_FRACTION,
    ROW_WORD,
    SHARPEN,
    SHARPENED,
    STATE,
)
from cytogate.model.design.boards import Area
from cytogate.model.design.design import CAUSAL, KNOWN, TWO_SIDED, Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.estimates.front_end import FrontEndEstimate
from cytogate.model.estimates.primitives import SHALLOW_ROM_WORDS, block_rams, dsps, in_look_up_tables, urams
from cytogate.model.estimates.retrieval import FIT_CYCLES, FIT_OPERANDS

RESPONSE_RISE = RESPONSE_FRACTION - CONSTANT_FRACTION
"""Bits by which a line's constant rises before its response is taken off."""
SPARE_ROWS = 16
"""Places of the frame memory beyond a frame's."""
LEVEL_CYCLES = 8
"""Registers of a level of a transform that multiplies."""
LANE_CYCLES = {1: 0, 2: 2, 4: 3}
"""More registers by samples per clock, whose last levels lie side by side."""
CAUSAL_ROWS, CAUSAL_CYCLES = {1: 14, 2: 16, 4: 16}, 38
"""Rows' time from the last pixel in to the last one out, by samples per clock, and registers."""
TURN_ROWS, TURN_CYCLES = {1: 7, 2: 10, 4: 10}, 72
"""The same of the two-sided law, of which four rows' time goes by until the last row is in the frame memory."""
KNOWN_CYCLES, KNOWN_ROWS = 139, 9
"""From a frame's last gradient until the background and its lines stand for the next one (N and eight clocks a sample
more), and rows of the next frame that its zero needs meanwhile."""
ROWS_DOWN_CYCLES = 44
"""From a frame's last gradient until its last row is in the frame memory (four rows and the levels of a transform
more)."""


@dataclass(frozen=True)
class Shape:
    """What the modules derive from N and the samples per clock."""

    terms: RecursionContract
    samples: int

    @property
    def size(self) -> int:
        """N."""
        return self.terms.size

    @property
    def levels(self) -> int:
        """log2 N, levels of a transform."""
        return self.terms.size_log2

    @property
    def is_causal(self) -> bool:
        """Whether there is no way back."""
        return isinstance(self.terms, CausalContract)

    @property
    def knows_surface(self) -> bool:
        """Whether registers may hold a surface of empty fields."""
        return self.terms.design.chip.surface == KNOWN

    @property
    def beats(self) -> int:
        """Clocks of a row."""
        return self.size // self.samples

    @property
    def lanes(self) -> int:
        """Columns, or words of a line of two rows, a clock."""
        return max(self.samples // 2, 1)

    @property
    def slots(self) -> int:
        """Columns of a lane, which take turns."""
        return self.size // 2 // self.lanes

    @property
    def rows_waiting(self) -> int:
        """Rows that have room before they set out."""
        return 16 if self.beats > 16 else 32

    @property
    def pairs_waiting(self) -> int:
        """Pairs of rows that have room between their launch and the stream."""
        return 8 if self.beats > 16 else 16


@dataclass(frozen=True)
class Fit:
    """``shared + samples * (sample + level * log2 N) + lanes * (lane + level * log2 N)``."""

    shared: float
    sample: float
    lane: float
    level: float

    def at(self, shape: Shape) -> float:
        """Return the value for a kernel."""
        of_levels = self.level * shape.levels
        return self.shared + shape.samples * (self.sample + of_levels) + shape.lanes * (self.lane + of_levels)


TWO_SIDED_KNOWN = "two-sided, with a known surface"
FITTED = {
    CAUSAL: {"lut": Fit(7621, -783, 45, 515.67), "ff": Fit(6642, -535, 234, 497.67)},
    TWO_SIDED: {"lut": Fit(7774, -2419, 106, 783.67), "ff": Fit(6564, -673, 2370, 509.0)},
    TWO_SIDED_KNOWN: {"lut": Fit(8803, -2021, 369, 739.83), "ff": Fit(6852, -601, 2697, 509.67)},
}
"""From yosys 0.70's counts for xc7 at N = 64 and 1, 2 and 4 samples per clock, and at N = 128 and 4. An extrapolation
at N = 256."""
LARGE_MEMORIES = ("retrieve_two_sided", "frame_codes")
"""Modules whose memories go to UltraRAM where a device has it: frames on their way back, pixels that wait for them."""


def estimate_recursion(design: Design, samples_per_clock: int) -> FrontEndEstimate:
    """Estimate the phase retrieval of ``design``, whose law is one with a recursion, at a number of samples per clock.

    A frame takes N^2 clocks over samples per clock. The causal law's last row leaves some rows' time behind its last
    pixel; the two-sided law's frame turns back when its last row is in the memory and its surface is fitted, and leaves
    in a frame's time.
    """
    shape = Shape(recursion_contract(design), samples_per_clock)
    interval = shape.size * shape.beats
    latency = _causal_latency(shape) if shape.is_causal else interval + _turn(shape)
    raw = (shape.size * design.binning) ** 2 // samples_per_clock
    fit = FITTED[TWO_SIDED_KNOWN if shape.knows_surface else design.chip.retrieval]
    fitted = Area(lut=fit["lut"].at(shape), ff=fit["ff"].at(shape))
    area = sum(recursion_modules(design, samples_per_clock).values(), fitted)
    moved = [row for row in _memories(shape) if row.name in LARGE_MEMORIES]
    return FrontEndEstimate(
        name="phase retrieval",
        samples_per_clock=samples_per_clock,
        interval_cycles=interval,
        raw_interval_cycles=max(interval, raw),
        output_cycles=interval,
        latency_cycles=latency,
        area=area,
        uram_area=area + Area(bram36=-sum(map(block_rams, moved)), uram=float(sum(map(urams, moved)))),
    )


def _causal_latency(shape: Shape) -> int:
    """Return the clocks from the last pixel in to the last one out, of frames back to back.

    Small frames at many samples per clock wait for what the frame before says of the light.
    """
    waiting = shape.size + 8 * shape.samples + KNOWN_CYCLES - KNOWN_ROWS * shape.beats
    registers = CAUSAL_CYCLES + LANE_CYCLES[shape.samples] + 2 * LEVEL_CYCLES * shape.levels
    return CAUSAL_ROWS[shape.samples] * shape.beats + registers + max(0, waiting)


def _turn(shape: Shape) -> int:
    """Return the clocks, besides those of a frame, from the last pixel in of a two-sided frame to its last one out.

    Between its last row's arrival in the memory, or the fit, and the first row back are N clocks for the lines of its
    surface and the means of rows.
    """
    fitted = FIT_CYCLES + 8 * shape.samples
    rows_in = 4 * shape.beats + LEVEL_CYCLES * shape.levels + ROWS_DOWN_CYCLES
    registers = TURN_CYCLES + LANE_CYCLES[shape.samples] + 2 * LEVEL_CYCLES * shape.levels
    return shape.size + TURN_ROWS[shape.samples] * shape.beats + registers + max(0, fitted - rows_in)


def recursion_modules(design: Design, samples_per_clock: int) -> dict[str, Area]:
    """Return DSP and block RAM of the phase retrieval by module of ``fpga/rtl``, all instances of one together."""
    shape = Shape(recursion_contract(design), samples_per_clock)
    parts: dict[str, Area] = {}
    for name, dsp in _multipliers(shape).items():
        parts[name] = parts.get(name, Area()) + Area(dsp=dsp)
    for row in _memories(shape):
        parts[row.name] = parts.get(row.name, Area()) + Area(bram36=block_rams(row))
    return parts


def _multipliers(shape: Shape) -> dict[str, int]:
    """Multipliers by module, in DSP slices."""
    terms, levels, samples, lanes = shape.terms, shape.levels, shape.samples, shape.lanes
    u, uu = levels + 1, 2 * levels + 1  # bits of a coordinate and of its square
    one, weighted = GRADIENT.width + levels, GRADIENT.width + 2 * levels  # a row's sums, plain and times u
    along_a_row = dsps(GRADIENT.width, u) + dsps(GRADIENT.width, uu)
    of_rows = dsps(one, u) + dsps(one, uu) + dsps(weighted, u)
    coefficient, factor = terms.surface.coefficient_bits, COEFFICIENT.width
    third = ((shape.size**2 - 1) // 3).bit_length() + 1  # bits of a third of N^2
    state, row = dsps(STATE.width, factor), dsps(ROW_WORD.width, factor)
    axes = sum(dsps(GRADIENT.width, TWIDDLE.width) for gain in terms.gradient_gains if gain & (gain - 1))
    # Four products a complex one. The last two levels turn by quarters and need none.
    forward = sum(4 * dsps(SHARPENED.width + level + 1, TWIDDLE.width) for level in range(levels - 2))
    inverse = (levels - 2) * 4 * dsps(STATE.width, TWIDDLE.width)
    found = {
        "gradient": samples * axes,
        "sharpen": samples * 2 * dsps(GRADIENT.width + 2, SHARPEN.bit_length() + 1),
        "moments": samples * (2 * along_a_row + dsps(u, u)) + dsps(u, u) + of_rows,
        "surface_fit": dsps(FIT_OPERANDS[0] + 4 * levels, FIT_OPERANDS[1]),
        "surface_lines": 2 * 3 * dsps(coefficient, TWIDDLE.width),
        "transform": samples * forward + lanes * inverse,
        # The gain's highest bit is one, and no product.
        "phase_code": 2 * lanes * dsps(STATE.width, GAIN_BITS),
    }
    if shape.is_causal or shape.knows_surface:
        found["surface_trend"] = dsps(coefficient, third) + dsps(coefficient, SHARPEN.bit_length() + 1)
    if shape.is_causal:
        return found | {"causal_lane": lanes * 2 * (2 * state + row)}
    wide = dsps(ROW_WORD.width + 1, factor)
    return found | {
        "mean_rows": dsps(coefficient, third),
        "surface_response": 2 * (dsps(LINE.width, factor) + dsps(LINE.width + RESPONSE_RISE + 1, factor)),
        "down_lane": lanes * 2 * state,
        "back_lane": lanes * (2 * (3 * state + wide) + 1),
    }


def _memories(shape: Shape) -> list[Buffer]:
    """Memories that may become block RAM, as the modules hold them, by the module's name."""
    terms, size, samples, lanes, slots = shape.terms, shape.size, shape.samples, shape.lanes, shape.slots
    beats, state, rows, pairs = shape.beats, 2 * STATE.width, shape.rows_waiting, shape.pairs_waiting
    pixel = samples * ANGLES * PIXEL.width
    rams = [
        Buffer("sharpen", "two rows above", samples * 2 * GRADIENT.width, beats, 2),
        Buffer("row_queue", "rows that wait", samples * 2 * SHARPENED.width, rows // 2 * beats, 2),
        Buffer("phase_lines", "rows of two pairs, for each lane that reads", state, 2 * slots, 2 * lanes**2),
        Buffer("row_codes", "codes of pairs", 2 * PIXEL.width, pairs * size // lanes // samples, samples * lanes),
        *(_causal_memories(shape) if shape.is_causal else _two_sided_memories(shape)),
    ]
    if shape.is_causal:
        rams.append(Buffer("bright_field", "pixels wait for their phase", pixel, (rows + 2 * pairs) * beats))
    else:
        rams.append(Buffer("frame_codes", "pixels of two frames wait for their phase", pixel, 2 * size * beats))
    if terms.design.binning > 1:
        rams.append(Buffer("binning", "sums of rows above", samples * ANGLES * terms.binned.width, beats))
    roms = [
        Buffer("gradient", "logarithms of two samples through two ports", terms.buffer("log_rom").width,
               1 << terms.log_address_bits, ANGLES // 2 * samples),
        Buffer("surface_lines", "row transforms of s and s^2", 4 * TWIDDLE.width, size),
    ]  # fmt: skip
    if not shape.is_causal:
        roms.append(Buffer("back_lane", "E[k y]", COEFFICIENT.width, 2 * size, lanes))
    return [row for row in rams if not in_look_up_tables(row)] + [row for row in roms if row.depth >= SHALLOW_ROM_WORDS]


def _causal_memories(shape: Shape) -> Iterator[Buffer]:
    """Memories of the law "causal" alone."""
    yield Buffer("causal_lane", "lines of two frames", 4 * LINE.width, 2 * shape.slots, shape.lanes)
    yield Buffer("causal_lane", "states", STATE.width, shape.slots, 2 * shape.lanes)


def _two_sided_memories(shape: Shape) -> Iterator[Buffer]:
    """Memories of the law "two-sided" alone."""
    size, slots, lanes, state = shape.size, shape.slots, shape.lanes, 2 * STATE.width
    surface = 8 * LINE.width + 2 * (STATE.width + LINE.width)
    kernel = shape.terms.kernel
    yield Buffer(kernel, "a frame on its way back", 4 * ROW_WORD.width + state, (size + SPARE_ROWS) * slots, lanes)
    yield Buffer("mean_rows", "sums of even and odd rows", SHARPENED.width + shape.levels, size, 2)
    yield Buffer("mean_rows", "means of two frames", STATE.width, 2 * size)
    yield Buffer("row_pairs", "two lines", 2 * shape.terms.words.grown_bits, 2 * shape.beats, lanes)
    yield Buffer("down_lane", "states", STATE.width, slots, 2 * lanes)
    yield Buffer("back_lane", "lines and responses of two frames", surface, 2 * slots, lanes)
    yield Buffer("back_lane", "states", STATE.width, slots, 2 * lanes)
