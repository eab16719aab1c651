"""The one table of a contract's constants and tables: what hardware is told, by name and as integers.

The C++ header (:mod:`cytogate.hls.contract.header`) and the SystemVerilog package with its memory files
(:mod:`cytogate.hls.contract.package`) are two renderings of it, and a design's identity is its hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from cytogate.model.contract import bright_field, fixed_point, law, off_axis, recursion, remarks
from cytogate.model.contract.bright_field import BrightFieldContract, ChannelCodes
from cytogate.model.contract.fixed_point import LOG_FRACTION, TWIDDLE, Codes
from cytogate.model.contract.law import CausalContract, FourAngleContract, RecursionContract, contract
from cytogate.model.contract.off_axis import OffAxisContract
from cytogate.model.contract.stage import Contract
from cytogate.model.contract.tables import (
    log_fractions,
    quotient_quadrant,
    recursion_tables,
    surface_spectra,
    twiddles,
)
from cytogate.model.design.design import KNOWN, Design
from cytogate.model.interface import answers
from cytogate.model.interface.frame_layout import FrameLayout, lane_bits
from cytogate.model.retrieval.off_axis.integer import cordic_turns, half_turn_phasors, poisson_divisors


@dataclass(frozen=True)
class Constant:
    """An integer that hardware is built with."""

    name: str
    """Words joined by underscores: ``frame_rows`` is ``kFrameRows`` in C++ and ``FRAME_ROWS`` in SystemVerilog."""
    value: int
    comment: str


@dataclass(frozen=True)
class Group:
    """Constants that belong together."""

    comment: str
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class Table:
    """Integers that hardware looks up."""

    name: str
    codes: Codes
    """In the order of their addresses, (words,)."""
    width: int
    """Bits of a code, two's complement."""
    comment: str


MEMORIES = {
    "twiddle.mem": ("twiddle_re", "twiddle_im"),
    "log_fraction.mem": ("log_fraction",),
    "quadrant.mem": ("quadrant",),
    "surface.mem": ("linear_re", "linear_im", "square_re", "square_im"),
    "recursion.mem": ("recursion_a", "recursion_q", "recursion_u"),
    "reciprocal.mem": ("reciprocal",),
    "decay.mem": ("decay",),
}
"""Tables side by side in one memory of the SystemVerilog, the first in the lowest bits; others are parameters."""
PARAMETER_BITS = 32
"""Of a code in a table that is a parameter."""


def constants(terms: Contract) -> tuple[Group, ...]:
    """Return the constants of a contract."""
    if isinstance(terms, OffAxisContract):
        return _hologram(terms), _unwrapping(), _delay(terms), _cells(terms)
    if isinstance(terms, FourAngleContract):
        words = _recursion(terms) if isinstance(terms, RecursionContract) else _words(terms)
        own: tuple[Group, ...] = (words, _gradient(terms), _surface(terms), _phase(terms))
    elif isinstance(terms, BrightFieldContract):
        own = (_encoding(),)
    else:
        raise TypeError(f"no constants of {type(terms).__name__}")
    return (_frame(terms), _network_input(terms), *own)


def tables(terms: Contract) -> tuple[Table, ...]:
    """Return the tables of a contract."""
    if isinstance(terms, OffAxisContract):
        return _off_axis_tables(terms)
    if isinstance(terms, RecursionContract):
        return _recursion_tables(terms)
    if isinstance(terms, FourAngleContract):
        return retrieval_tables(terms.size, terms.log_address_bits)
    assert isinstance(terms, BrightFieldContract)
    return _encoding_tables(terms.codes)


def retrieval_tables(size: int, log_address_bits: int) -> tuple[Table, ...]:
    """Return the tables of phase retrieval for frames of ``size``, a power of two from 8 on."""
    quadrant = Table("quadrant", quotient_quadrant(size).ravel(), TWIDDLE.width, "a / (a^2 + b^2) at a * N / 2 + b.")
    return (*_transform_tables(size, log_address_bits), quadrant, *_surface_tables(size))


def _transform_tables(size: int, log_address_bits: int) -> tuple[Table, ...]:
    twiddle, width = twiddles(size), TWIDDLE.width
    return (
        Table("twiddle_re", twiddle[:, 0], width, "Real part of exp(-2 pi i k / N)."),
        Table("twiddle_im", twiddle[:, 1], width, "Imaginary part of exp(-2 pi i k / N)."),
        Table("log_fraction", log_fractions(log_address_bits), LOG_FRACTION.width, "log2(1 + m)."),
    )


def _surface_tables(size: int) -> tuple[Table, ...]:
    spectra, width = surface_spectra(size), TWIDDLE.width
    return (
        Table("linear_re", spectra[0, :, 0], width, "Row transform of s, real."),
        Table("linear_im", spectra[0, :, 1], width, "Row transform of s, imaginary."),
        Table("square_re", spectra[1, :, 0], width, "Row transform of s^2, real."),
        Table("square_im", spectra[1, :, 1], width, "Row transform of s^2, imaginary."),
    )


def _recursion_tables(terms: RecursionContract) -> tuple[Table, ...]:
    size, found, width = terms.size, recursion_tables(terms.size), recursion.COEFFICIENT.width
    own: tuple[Table, ...]
    if isinstance(terms, CausalContract):
        limits, gains = (np.array(steps, np.int64) for steps in (recursion.LIMITS, recursion.GAINS))
        own = (
            Table("background_limit", limits, PARAMETER_BITS, "Of a move, in gradient codes, step by step."),
            Table("background_gain", gains, PARAMETER_BITS, "Shift of a move to the right, step by step."),
        )
    else:
        own = (
            Table("reciprocal", found.r, width, "1 / (1 - a) at k - 1."),
            Table("decay", found.decay, width, "exp(-2 pi m / N), 0 for m = 0."),
        )
    return (
        *_transform_tables(size, terms.log_address_bits),
        *_surface_tables(size),
        Table("recursion_a", found.a, width, "exp(-2 pi k / N) at k - 1."),
        Table("recursion_q", found.q, width, "Factor of the states at k - 1."),
        Table("recursion_u", found.u, width, "Factor of the row words at k - 1."),
        *own,
    )


def design_hash(design: Design) -> int:
    """Return the identity of a design, by which host and chip know each other."""
    terms = contract(design)
    return identity(constants(terms), tables(terms))


def identity(groups: tuple[Group, ...], lookups: tuple[Table, ...]) -> int:
    """Return the first 32 bits of SHA-256 of the names and integers, sorted: no comment and no order counts."""
    lines = [f"{constant.name} {constant.value}" for group in groups for constant in group.constants]
    lines += [" ".join([table.name, *map(str, table.codes.tolist())]) for table in lookups]
    text = "".join(f"{line}\n" for line in sorted(lines))
    return int(hashlib.sha256(text.encode("ascii")).hexdigest()[:8], 16)


def codes_array(table: Table) -> Codes:
    """Return a table's codes as they lie in a memory: non-negative integers of ``width`` bits."""
    return np.asarray(table.codes) & ((1 << table.width) - 1)


def _frame(terms: Contract) -> Group:
    design, camera = terms.design, terms.design.camera
    top, left = design.crop
    return Group(
        "A frame as it arrives, and the window of it that is kept.",
        (
            Constant("frame_rows", camera.rows, "of a raw frame"),
            Constant("frame_columns", camera.columns, "of a raw frame"),
            Constant("frame_bits", terms.frame.width, "of a raw code"),
            Constant("lane_bits", lane_bits(terms.frame.width), "in which a raw code travels"),
            Constant("frame_channels", terms.frame_channels, "frames of a cell"),
            Constant("beat_bits", 8 * FrameLayout.of(camera, 1).beat_bytes, "of a beat of one pixel"),
            Constant("crop_top", top, "first raw row of the window"),
            Constant("crop_left", left, "first raw column of the window"),
            Constant("binning", design.binning, "raw pixels summed along each axis"),
            Constant("binned_bits", terms.binned.width, "of a sum"),
            Constant("window_rows", design.window.rows, "of sums"),
            Constant("window_columns", design.window.columns, "of sums"),
        ),
    )


def _network_input(terms: Contract) -> Group:
    return Group(
        "The network's input.",
        (
            Constant("network_channels", terms.network_channels, "of a pixel"),
            Constant("pixel_bits", terms.pixel.width, "of a channel's code"),
            Constant("pixel_signed", int(terms.pixel.signed), "1: in two's complement"),
        ),
    )


def _words(terms: FourAngleContract) -> Group:
    return Group(
        "N, and the words of the transforms.",
        (
            Constant("size", terms.size, "N, rows and columns of the phase"),
            Constant("size_log2", terms.size_log2, "butterflies of a pass"),
            Constant("word_bits", fixed_point.WORD.width, "of a stored word's part"),
            Constant("quotient_bits", fixed_point.QUOTIENT_WORD.width, "of a quotient's part"),
            Constant("twiddle_bits", fixed_point.TWIDDLE.width, "of tables and gains of axes"),
            Constant("twiddle_fraction", fixed_point.TWIDDLE.fraction_bits, "bits of those below one"),
            Constant("passes", law.PASSES, "rows, columns, columns, rows"),
            Constant("transposes", law.TRANSPOSES, "between passes"),
            Constant("transpose_guard_bits", law.TRANSPOSE_GUARD_BITS, "for a subtraction behind a transpose"),
            Constant("bright_field_depth", terms.buffer("bright_field").depth, "pixels that wait for their phase"),
        ),
    )


def _recursion(terms: RecursionContract) -> Group:
    words = terms.words
    more, less = remarks.CLEANER
    halves = (
        Constant("cleaner_more", more, "an edge is cleaner where its gradients change less, by more than this"),
        Constant("cleaner_less", less, "in this"),
        Constant("cleaner_apart", remarks.CLEANER_APART, "pixels of a row between gradients that are compared for it"),
        Constant("known_surface", int(terms.design.chip.surface == KNOWN), "whether registers may hold a surface"),
        *(Constant(f"half_{half.name.lower()}", half.value, "which tells a frame") for half in recursion.Half),
    )
    settling = (
        Constant("step_frames", recursion.STEP_FRAMES, "with the same limit and gain of the background"),
        Constant("settling_frames", recursion.SETTLING_FRAMES, "until the background is settled"),
    )
    return Group(
        "N, the words of the row transforms and of the recursion.",
        (
            Constant("size", terms.size, "N, rows and columns of the phase"),
            Constant("size_log2", terms.size_log2, "butterflies of a row transform"),
            Constant("word_bits", fixed_point.WORD.width, "of a gradient's part"),
            Constant("twiddle_bits", fixed_point.TWIDDLE.width, "of tables and gains of axes"),
            Constant("twiddle_fraction", fixed_point.TWIDDLE.fraction_bits, "bits of those below one"),
            Constant("sharpen", recursion.SHARPEN, "of a second difference along y"),
            Constant("sharpen_shift", recursion.SHARPEN_SHIFT, "behind it"),
            Constant("bend_shift", recursion.BEND_SHIFT, "for that of t^2"),
            Constant("row_bits", recursion.ROW_WORD.width, "of a row word's part"),
            Constant("state_bits", recursion.STATE.width, "of a state's part"),
            Constant("line_bits", recursion.LINE.width, "of a surface's line"),
            Constant("constant_bits", recursion.COEFFICIENT.width, "of a, q, u, E and r"),
            Constant("constant_fraction", recursion.COEFFICIENT.fraction_bits, "bits of a, q, u and E below one"),
            Constant("reciprocal_fraction", words.reciprocal_fraction, "bits of r below one"),
            Constant("unit_log2", words.unit, "a unit in gradient codes"),
            Constant("state_fraction", words.state_fraction, "bits of a state below a unit"),
            Constant("phi_fraction", recursion.PHI_FRACTION, "bits of phi^ below a unit"),
            Constant("surface_fraction", words.surface_fraction, "bits of a surface's row transform below a unit"),
            Constant("line_constant_fraction", recursion.CONSTANT_FRACTION, "bits of A below a unit"),
            Constant("line_slope_fraction", recursion.SLOPE_FRACTION, "bits of B below a unit"),
            Constant("response_fraction", recursion.RESPONSE_FRACTION, "bits of beta below a unit"),
            Constant("bright_field_depth", terms.buffer("bright_field").depth, "pixels that wait for their phase"),
            *halves,
            *(settling if isinstance(terms, CausalContract) else ()),
        ),
    )


def _gradient(terms: FourAngleContract) -> Group:
    return Group(
        "Gradients: ROM of logarithms, gain of each axis.",
        (
            Constant("log_address_bits", terms.log_address_bits, "behind the leading one"),
            Constant("log_fraction_bits", LOG_FRACTION.width, "of log2(1 + m)"),
            Constant("gradient_bits", fixed_point.GRADIENT.width, "of a gradient"),
            Constant("gradient_gain_x", terms.gradient_gains[0], "of twiddle_fraction"),
            Constant("gradient_gain_y", terms.gradient_gains[1], "of twiddle_fraction"),
        ),
    )


def _surface(terms: FourAngleContract) -> Group:
    surface = terms.surface
    return Group(
        "Least-squares surface of the border: gains are mantissa * 2^-shift.",
        (
            Constant("border", fixed_point.BORDER, "pixels of the edge that are background"),
            Constant("gain_bits", fixed_point.GAIN_BITS, "of a mantissa"),
            Constant("mean_gain", surface.mean.mantissa, "for 1"),
            Constant("mean_shift", surface.mean.shift, ""),
            Constant("linear_gain", surface.linear.mantissa, "for s and t"),
            Constant("linear_shift", surface.linear.shift, ""),
            Constant("twist_gain", surface.twist.mantissa, "for s t"),
            Constant("twist_shift", surface.twist.shift, ""),
            Constant("saddle_gain", surface.saddle.mantissa, "for s^2 - t^2"),
            Constant("saddle_shift", surface.saddle.shift, ""),
            Constant("bowl_gain", surface.bowl.mantissa, "for s^2 + t^2 - kappa"),
            Constant("bowl_shift", surface.bowl.shift, ""),
            Constant("kappa16ths", surface.kappa_16ths, "kappa in sixteenths"),
            Constant("kappa", surface.kappa, "kappa / N^2 of twiddle_fraction"),
            Constant("coefficient_bits", surface.coefficient_bits, "of a coefficient"),
            Constant("coefficient_fraction", fixed_point.SURFACE_COEFFICIENT_FRACTION, "bits below a gradient's step"),
        ),
    )


def _phase(terms: FourAngleContract) -> Group:
    return Group(
        "Phase, and its codes beside those of the bright field.",
        (
            Constant("offset_rows_log2", law.OFFSET_ROWS_LOG2, "first rows whose mean phase is zero"),
            Constant("phase_gain", terms.phase_gain.mantissa, "from words to phase"),
            Constant("phase_shift", terms.phase_gain.shift, ""),
            Constant("phase_bits", fixed_point.PHASE.width, "of a phase"),
            Constant("phase_code_offset", int(fixed_point.PHASE.encode(law.PHASE_CODE_OFFSET_RAD)), "added to a phase"),
            Constant("phase_code_shift", terms.phase_code_shift, "from phase to code"),
            Constant("pixel_shift", terms.pixel_shift, "from sum to code"),
        ),
    )


def _hologram(terms: OffAxisContract) -> Group:
    layout = FrameLayout.of(terms.design.off_axis, 1)
    return Group(
        "N and M, and the words of the transforms.",
        (
            Constant("size", terms.design.off_axis.hologram_size, "N, rows and columns of a hologram"),
            Constant("frame_rows", terms.design.off_axis.hologram_size, "of a hologram as it arrives"),
            Constant("frame_columns", terms.design.off_axis.hologram_size, ""),
            Constant("frame_channels", layout.channels, "holograms of a frame"),
            Constant("lane_bits", layout.lane_bits, "in which a code travels"),
            Constant("map_size", terms.design.map_size, "M, rows and columns of a map"),
            Constant("map_words", terms.design.map_size**2, "of a map"),
            Constant("frame_bits", terms.frame.width, "of a code"),
            Constant("beat_bits", 8 * layout.beat_bytes, "of a beat of one pixel"),
            Constant("hologram_shift", terms.hologram_shift, "from a signed code to a word"),
            Constant("word_bits", fixed_point.WORD.width, "of a stored word's part"),
            Constant("twiddle_bits", fixed_point.TWIDDLE.width, "of tables"),
            Constant("twiddle_fraction", fixed_point.TWIDDLE.fraction_bits, "bits of those below one"),
        ),
    )


def _unwrapping() -> Group:
    return Group(
        "Arguments and their turns.",
        (
            Constant("turn_bits", off_axis.TURN_BITS, "of an argument, which is one turn"),
            Constant("cordic_steps", off_axis.CORDIC_STEPS, ""),
            Constant("cordic_bits", off_axis.CORDIC_BITS, "of the larger part before the first step"),
            Constant("cordic_guard_bits", off_axis.CORDIC_GUARD_BITS, "of an angle below the argument's"),
            Constant("divisor_fraction", off_axis.DIVISOR_FRACTION, "bits of a divisor below one"),
            Constant("most_turns", off_axis.MOST_TURNS, "of a phase"),
            Constant("phase_bits", off_axis.PHASE_TURNS.width, "of a phase"),
        ),
    )


def _delay(terms: OffAxisContract) -> Group:
    return Group(
        "Background and path delay.",
        (
            Constant("background_bin_bits", off_axis.BACKGROUND_BIN_BITS, "a bin is 2^-this of a turn"),
            Constant("background_reach_bits", off_axis.BACKGROUND_REACH_BITS, "and the background within 2^-this"),
            Constant("gain_bits", fixed_point.GAIN_BITS, "of a mantissa"),
            Constant("delay_gain", terms.delay_gain.mantissa, "from phase to path delay"),
            Constant("delay_shift", terms.delay_gain.shift, ""),
            Constant("opd_bits", off_axis.OPD.width, "of a path delay"),
        ),
    )


def _cells(terms: OffAxisContract) -> Group:
    design = terms.design
    return Group(
        "Cells, and the squares about them.",
        (
            Constant("threshold", off_axis.threshold(design), "path delay from which on a pixel is marked"),
            Constant("most_beginnings", off_axis.MOST_BEGINNINGS, "runs that touch none of the row above"),
            Constant("most_cells", off_axis.MOST_CELLS, "of a field"),
            Constant("center_fraction", off_axis.CENTER.fraction_bits, "bits of a center below a pixel"),
            Constant("center_bits", off_axis.CENTER.width, "of a center"),
            Constant("area_bits", off_axis.AREA.width, "of an area"),
            Constant("roundness", off_axis.ROUNDNESS, "of one cell, at least"),
            Constant("roundness_bits", off_axis.ROUNDNESS_BITS, "of it below one"),
            Constant("clipped", off_axis.Flag.CLIPPED, "flag of a cell"),
            Constant("several", off_axis.Flag.SEVERAL, "flag of a cell"),
            Constant("window_rows", design.window.rows, "of a cell's square"),
            Constant("window_columns", design.window.columns, "of a cell's square"),
            Constant("network_channels", terms.network_channels, "of the network's input"),
            Constant("pixel_bits", terms.pixel.width, "of a code of the network's input"),
            Constant("pixel_offset", off_axis.pixel_offset(), "added to a path delay"),
            Constant("pixel_shift", off_axis.pixel_shift(), "from path delay to a code"),
            Constant("crowded_field", answers.CROWDED, "bit of a field's word, above the number of its cells"),
            Constant("column_shift", answers.COLUMN_SHIFT, "of a center's word"),
            Constant("flags_shift", answers.FLAGS_SHIFT, "of a region's word"),
        ),
    )


def _off_axis_tables(terms: OffAxisContract) -> tuple[Table, ...]:
    size, side, width = terms.design.off_axis.hologram_size, terms.design.map_size, TWIDDLE.width
    twiddle, (re, im) = twiddles(size), half_turn_phasors(side)
    angle_bits = off_axis.TURN_BITS + off_axis.CORDIC_GUARD_BITS
    return (
        Table("twiddle_re", twiddle[:, 0], width, "Real part of exp(-2 pi i k / N)."),
        Table("twiddle_im", twiddle[:, 1], width, "Imaginary part of exp(-2 pi i k / N)."),
        Table("cosine_re", re, width, "Real part of exp(-i pi k / 2M)."),
        Table("cosine_im", im, width, "Imaginary part of exp(-i pi k / 2M)."),
        Table("cordic_turn", cordic_turns(), angle_bits, "atan(2^-i) in turns."),
        Table("divisor", poisson_divisors(side), off_axis.DIVISOR_FRACTION + 3, "2 - 2 cos(pi k / M)."),
    )


def _encoding() -> Group:
    return Group(
        "Codes of the channels: offset, gain and shift are tables.",
        (
            Constant("gain_bits", fixed_point.GAIN_BITS, "of a mantissa"),
            Constant("largest_shift", bright_field.LARGEST_SHIFT, "of a gain"),
        ),
    )


def _encoding_tables(codes: ChannelCodes) -> tuple[Table, ...]:
    rows = {
        "channel_offset": (codes.offsets, "Binned code of each channel that becomes 0."),
        "channel_gain": ([gain.mantissa for gain in codes.gains], "Mantissa of each channel's gain."),
        "channel_shift": ([gain.shift for gain in codes.gains], "Shift to the right behind it."),
    }
    return tuple(
        Table(name, np.array(values, np.int64), PARAMETER_BITS, comment) for name, (values, comment) in rows.items()
    )
