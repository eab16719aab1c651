"""Estimate area and speed of the phase retrieval on a device before anything is built.

Clocks, DSP and block RAM follow from its structure (``fpga/rtl``) and are held against counted clocks and against yosys
in the tests. Look-up tables and flip-flops are a straight line through yosys's counts (:data:`FITTED`).
"""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.contract.fixed_point import GAIN_BITS, GRADIENT, PIXEL, QUOTIENT_WORD, TWIDDLE, WORD
from cytogate.model.contract.law import PASSES, TRANSPOSES, four_angle_contract
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES
from cytogate.model.estimates.front_end import FrontEndEstimate
from cytogate.model.estimates.primitives import SHALLOW_RAM_WORDS, SHALLOW_ROM_WORDS, block_rams, dsps, urams

FIT_OPERANDS = (GRADIENT.width + 8, 24)
"""Operands of the surface fit's multiplier: a moment, 4 log2 N bits wider than these, and a gain."""

SETTLING_CYCLES = 26
"""Between frames: the last row group of a frame sets out and frees its place in the second transpose; the last column
group of the next frame is written there (10 clocks beyond its words), its offset is summed and rounded (16)."""
REGISTER_CYCLES = 126
"""Registers that a word passes from pin to pin besides those of the four transforms."""
REFILL_CYCLES = 10
"""From a place that is freed in the first transpose to columns of the next frame, besides the line that goes there."""
SURFACE_CYCLES = 20
"""For the surface's polynomials of a column group, besides six products a column."""
FIT_CYCLES, ROWS_IN_CYCLES = 166, 18
"""From a frame's last gradient: until its surface is fitted (eight clocks a lane more), and through the row pass
(two lines and its levels more). The former is longer in small frames alone."""

TURN_SLOTS, COLUMN_SLOTS, OUT_SLOTS, OTHER_SLOTS = 4, 8, 8, 2
"""Line groups that have room behind the corner turn, the columns and the last pass, and behind the other passes."""
LARGE_MEMORIES = ("transpose", "bright_field")
"""Modules whose memories go to UltraRAM where a device has it."""


@dataclass(frozen=True)
class Line:
    """``shared + lanes * (lane + level * log2 N)``."""

    shared: float
    lane: float
    level: float

    def at(self, lanes: int, levels: int) -> float:
        """Return the value for a kernel."""
        return self.shared + lanes * (self.lane + self.level * levels)


FITTED = {"lut": Line(4642, -17, 1787), "ff": Line(7155, -1083, 1729)}
"""Least squares of relative differences from yosys 0.70's counts for xc7 at N = 64 and 128 and all samples per clock,
frames of 8 bits arriving at N x N; 2.0 % of the look-up tables and 1.4 % of the flip-flops are left at most. Not a law,
and an extrapolation at N = 256."""


def estimate_retrieval(design: Design, samples_per_clock: int) -> FrontEndEstimate:
    """Estimate the phase retrieval of ``design`` at a number of samples per clock.

    A pass takes N^2 clocks over samples per clock; three frames are at work at once, so that is the interval, too,
    unless the surface of small frames at many samples per clock takes longer than its columns. After a frame's last
    pixel two passes remain, columns and rows, for the rows went along with the pixels. Ten lines' time is added: a
    corner turn at either end, and in each of four transforms a line of delay feedback and a line that waits for its
    exponent; and the registers, eight a level that multiplies.
    """
    design.need_fft("this estimate")
    size, levels = design.size, design.size.bit_length() - 1
    groups, a_pass = size // samples_per_clock, size * size // samples_per_clock
    pace = max(size, 6 * samples_per_clock + SURFACE_CYCLES)
    columns = (groups - 1) * pace + size + REFILL_CYCLES
    interval = max(a_pass + SETTLING_CYCLES, columns)
    # Columns set out when the rows are in, and when the surface is fitted to the last of them.
    rows_in, fitted = 2 * size + 8 * (levels - 2) + ROWS_IN_CYCLES, 8 * samples_per_clock + FIT_CYCLES
    waiting = max(0, fitted - rows_in) + (groups - 1) * (pace - size)
    raw = (size * design.binning) ** 2 // samples_per_clock
    fitted_area = Area(lut=FITTED["lut"].at(samples_per_clock, levels), ff=FITTED["ff"].at(samples_per_clock, levels))
    area = sum(retrieval_modules(design, samples_per_clock).values(), fitted_area)
    moved = [row for row in _memories(design, samples_per_clock) if row.name in LARGE_MEMORIES]
    return FrontEndEstimate(
        name="phase retrieval",
        samples_per_clock=samples_per_clock,
        interval_cycles=interval,
        raw_interval_cycles=max(interval, raw),
        output_cycles=a_pass,
        latency_cycles=2 * a_pass + 10 * size + PASSES * (8 * (levels - 2) + 3) + REGISTER_CYCLES + waiting,
        area=area,
        uram_area=area + Area(bram36=-sum(map(block_rams, moved)), uram=float(sum(map(urams, moved)))),
    )


def retrieval_modules(design: Design, samples_per_clock: int) -> dict[str, Area]:
    """Return DSP and block RAM of the phase retrieval by module of ``fpga/rtl``, all instances of one together."""
    parts: dict[str, Area] = {}
    for name, dsp in _multipliers(design, samples_per_clock).items():
        parts[name] = parts.get(name, Area()) + Area(dsp=dsp)
    for row in _memories(design, samples_per_clock):
        parts[row.name] = parts.get(row.name, Area()) + Area(bram36=block_rams(row))
    return parts


def _multipliers(design: Design, samples_per_clock: int) -> dict[str, int]:
    """Multipliers of the phase retrieval by module, in DSP slices."""
    terms, levels = four_angle_contract(design), design.size.bit_length() - 1
    u, uu = levels + 1, 2 * levels + 1  # bits of a coordinate and of its square
    one, weighted = GRADIENT.width + levels, GRADIENT.width + 2 * levels  # a row's sums, plain and times u
    # Four products a complex one. The last two levels turn by quarters and need none.
    turns = sum(4 * dsps(QUOTIENT_WORD.width + level + 1, TWIDDLE.width) for level in range(levels - 2))
    along_a_row = dsps(GRADIENT.width, u) + dsps(GRADIENT.width, uu)
    of_rows = dsps(one, u) + dsps(one, uu) + dsps(weighted, u)
    squares = 2 * dsps(u, u)
    axes = sum(dsps(GRADIENT.width, TWIDDLE.width) for gain in terms.gradient_gains if not _is_power_of_two(gain))
    return {
        "gradient": samples_per_clock * axes,
        "moments": samples_per_clock * 2 * along_a_row + squares + of_rows,
        "surface_fit": dsps(FIT_OPERANDS[0] + 4 * levels, FIT_OPERANDS[1]),
        "transform": samples_per_clock * PASSES * turns,
        "surface_columns": 2 * dsps(terms.surface.coefficient_bits, TWIDDLE.width),
        "quotient": samples_per_clock * 4 * dsps(WORD.width, TWIDDLE.width),
        "phase_code": samples_per_clock * dsps(WORD.width, GAIN_BITS + 1),
    }


def _is_power_of_two(value: int) -> bool:
    return value & (value - 1) == 0


def _memories(design: Design, samples_per_clock: int) -> list[Buffer]:
    """Memories of the phase retrieval that may become block RAM, as its lanes hold them, by the module's name."""
    terms, size = four_angle_contract(design), design.size
    levels, groups = size.bit_length() - 1, size // samples_per_clock
    grown, word = 2 * (QUOTIENT_WORD.width + levels), 2 * WORD.width
    row_slots = 4 if size > 64 else 8
    slots = (row_slots, OTHER_SLOTS, COLUMN_SLOTS, OTHER_SLOTS)
    bright_groups = TRANSPOSES * groups + TURN_SLOTS + row_slots + COLUMN_SLOTS
    rams = [
        Buffer("transpose", "a frame between rows and columns", word, size * groups, TRANSPOSES * samples_per_clock),
        Buffer(
            "bright_field",
            "pixels wait for their phase",
            samples_per_clock * ANGLES * PIXEL.width,
            bright_groups * size,
        ),
        *(
            Buffer("normalize", "lines wait for their exponent", grown, count * size, samples_per_clock)
            for count in slots
        ),
        Buffer("corner_turn", "rows side by side", word, TURN_SLOTS * size, samples_per_clock),
        Buffer("corner_turn", "and back", PIXEL.width, OUT_SLOTS * size, samples_per_clock),
    ]
    if design.binning > 1:
        rams.append(Buffer("binning", "sums of rows above", samples_per_clock * ANGLES * terms.binned.width, groups))
    roms = [
        Buffer("gradient", "logarithms of two samples through two ports", terms.buffer("log_rom").width,
               1 << terms.log_address_bits, ANGLES // 2 * samples_per_clock),
        Buffer("quotient", "two frequencies through two ports", TWIDDLE.width, (size // 2) ** 2, samples_per_clock),
    ]  # fmt: skip
    return [row for row in rams if row.depth > SHALLOW_RAM_WORDS] + [
        row for row in roms if row.depth >= SHALLOW_ROM_WORDS
    ]
