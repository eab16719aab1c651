"""The numeric contract: every width, rounding, overflow, order and scale of the chain, and nothing else.

All other levels receive what is written here: the integer model imports it, C++ and SystemVerilog get generated
headers, hls4ml its precisions, the host its packing. Two relations hold between levels and no others:

* *exact*: integer model, C-simulation, RTL and board agree on every word of every stage;
* *bounded*: the root-mean-square difference (RMSE) of the integer model from the float64 reference is within the
  bound of the stage.

The law of bright-field frames is in :mod:`cytogate.model.contract.bright_field`, that of holograms in
:mod:`cytogate.model.contract.off_axis`.

The law of the phase retrieval
------------------------------
``N`` is the frame's size, ``W`` = 18 the width of a stored word, all shifts to the right round convergently
(half to even) and nothing rounds or saturates unless it is said here.

1. *binned*: sums of ``binning x binning`` raw codes, exact.
2. *gradient*: difference over sum followed by atanh is half the logarithm of the ratio, so
   ``g = saturate(log2(I+) - log2(I-))`` with ``log2(x) = e + ROM[m]``: ``e`` is the position of the leading one and
   ``m`` the bits behind it, rounded to at most 11; an ``m`` that rounds up to 1 carries into ``e``. A dark pixel,
   ``x = 0``, counts as one half. Each axis is then multiplied by its gain, 1 for the axis of the coarser pixels, which
   makes pixels square.
3. *surface*: exact integer moments of ``g`` over a border of 8 pixels give the least-squares surface of second order
   (:class:`SurfaceFit`). It is subtracted after the row transform, where it is a polynomial along each column.
4. *passes*: radix-2 decimation in frequency. Words grow by log2 N + 1 bits in a pass; each twiddle product is shifted
   by 16. At the end of a line of N words ``e = max(0, bit length of the largest component + 1 - W)``; words are shifted
   by ``e``, saturated to ``W`` bits, and ``e`` is kept with the line. Across a transpose every word is shifted by
   ``e_max + 1 - e_line``: one guard bit, since a surface or an offset is subtracted right behind it, where the words
   are saturated again. Columns pass through forward transform, quotient and inverse transform without a transpose
   and add up their exponents.
5. *quotient*: multiplication by ``1 / (kx + i ky)`` from a ROM of one quadrant, product shifted by 16; zero at
   ``k = 0`` and on the whole Nyquist row and column. One bit wider than ``W``.
6. *offset*: the mean over the first 8 rows of the phase is the mean of the first 8 words of the column ``kx = 0``
   behind the second transpose, and is subtracted there, before the last pass.
7. *phase*: the imaginary part times one gain, shifted by the exponents, saturated.
8. *network_input*: bright field and phase as 8-bit codes.

What is systematic in the phase
-------------------------------
Roundings have no bias; constants of 18 bits have one. Inside a cell the fixed-point phase is 9e-6 of itself below the
float reference: -0.021 mrad at 2.3 rad, and so in each of 20 noise-free cells (N = 128, simulator seed 9). One step at
a time in a float chain, the phase gain gives -0.007 mrad (its mantissa is 3.2e-6 short), the twiddles -0.009, the
quotient's ROM -0.004; all roundings together, of either sign, -0.003. It is a change of scale, a thousandth of what a
pixel pitch is known to, and is left as it is.

``m`` is rounded because a cut has a bias that does not cancel between the two arms: the brighter arm has its leading
one an octave higher and loses more. With a cut, cameras of 11 and 12 bits binned 2 x 2 were -0.24 mrad inside a cell
(20 of 20 negative, to -0.40); rounded, -0.02 and -0.004 mrad. Where a binned sample has 12 bits or less, as in the
built-in designs, ``m`` is whole and no rounding exists.

How the bounds are derived
--------------------------
A rounding has a variance of 1/12 of its step squared, and a complex word two. Roundings are counted as independent, a
transform of N words sums N variances, and a bound is 1.25 times the root of the sum
(:mod:`cytogate.model.contract.bounds`). In the spectrum, ``E`` the exponent of its frame and ``e >= E`` of its line:

* before any exponent, times N^2: two arms and two axes of logarithms, each rounded by its ROM and, where ``m`` is
  rounded, by 2^-11 / ln 2; and the row pass's twiddle products, (N - 1) / 12, times N;
* in steps of 2^E, times N: normalization of the rows, transpose, surface; and the column pass's twiddle products once;
* in steps of 2^e: normalization of the columns.

Words keep 17 bits of the largest component of a line, so E and e grow with the signal, and the bound with them; one in
radians alone would be too wide for a small cell and too narrow for a large one. With 12-bit cameras the logarithms
weigh most, whatever the cell. In the quotient each part is divided by 2 pi abs(k), the logarithms' part is allowed to
be gathered at low frequencies, and the quotient is rounded itself. The bound holds where nothing saturates. Measured
RMSE over bound for cells of 4 and 20 um with noise, N = 64, 128 and 256, cameras of 8 and 12 bits: spectrum 0.45 to
0.80, quotient 0.32 to 0.80.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from cytogate.model.contract.bounds import ErrorBound, quotient_bound, spectrum_bound
from cytogate.model.contract.bright_field import bright_field_contract
from cytogate.model.contract.fixed_point import (
    EXPONENT,
    GRADIENT,
    LOG_FRACTION,
    PHASE,
    PIXEL,
    QUOTIENT_WORD,
    TWIDDLE,
    WORD,
    Format,
    Gain,
)
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.off_axis import off_axis_contract
from cytogate.model.contract.samples import binning_row, sample_formats, sample_stages
from cytogate.model.contract.stage import EXPONENT_SUFFIX, Contract, Order, Stage
from cytogate.model.contract.surface_fit import SurfaceFit
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError

PHASE_CODES_PER_RADIAN = 32
PHASE_CODE_OFFSET_RAD = 1.0
"""The network sees ``(phase + 1 rad) * 32``: -1 to 7 rad in steps of 31 mrad."""


LOG_ROM_ADDRESS_BITS_MAX = 11
PASSES = 4
"""Row forward, column forward, column inverse, row inverse."""
TRANSPOSES = 2
TRANSPOSE_GUARD_BITS = 1
PHASE_SHIFT_MAX = 40
"""Largest shift of the phase's gain: an instrument a thousand times finer than the default one."""
OFFSET_ROWS_LOG2 = 3
"""log2 of the number of first rows whose mean phase is the zero."""


@dataclass(frozen=True)
class FourAngleContract(Contract):
    """The contract of a design that retrieves phase.

    Of the SystemVerilog kernel's memories half of each transpose is enough, and of the bright field two frames and some
    lines.
    """

    kernel: ClassVar[str] = "retrieve_phase"

    gradient_gains: tuple[int, int]
    """Gains of the x and the y gradient, codes of :data:`TWIDDLE`; the larger is exactly 1."""
    gradient_scale: float
    """Radians a pixel for a gradient of 1 (a doubled intensity ratio)."""
    phase_gain: Gain
    """From words of the last pass to codes of :data:`PHASE`, before the exponents."""
    surface: SurfaceFit

    @property
    def size(self) -> int:
        """N, rows and columns of the phase map."""
        return self.design.size

    @property
    def size_log2(self) -> int:
        """log2 N, the number of butterfly stages of a pass."""
        return self.size.bit_length() - 1

    @property
    def log_address_bits(self) -> int:
        """Bits behind the leading one that address the ROM of logarithms."""
        return min(LOG_ROM_ADDRESS_BITS_MAX, self.binned.width - 1)

    @property
    def pixel_shift(self) -> int:
        """Bits dropped, convergently, from a binned sample to the network's 8-bit code."""
        return self.binned.width - PIXEL.width

    @property
    def phase_code_shift(self) -> int:
        """Bits dropped, convergently, from a phase to the network's 8-bit code."""
        return PHASE.fraction_bits - (PHASE_CODES_PER_RADIAN.bit_length() - 1)

    @property
    def recorded(self) -> tuple[Stage, ...]:
        """The stages, and behind the spectrum the exponents of its columns, which are the quotient's as well."""
        exponents = Stage("spectrum" + EXPONENT_SUFFIX, (self.size,), Order.ARRAY, EXPONENT, "1")
        place = 1 + [stage.name for stage in self.stages].index("spectrum")
        return (*self.stages[:place], exponents, *self.stages[place:])


@lru_cache
def contract(design: Design) -> Contract:
    """Return the contract of a design: its rows follow from the kind of its instrument."""
    if isinstance(design.instrument, OffAxis):
        return off_axis_contract(design)
    return four_angle_contract(design) if design.retrieves_phase else bright_field_contract(design)


SMALLEST_AXIS_GAIN = 1 << 11
"""Of a TWIDDLE, where 1 is 2^16: below it the rounding of the gain would show in the phase, with some 1e-4 of it."""


@lru_cache
def four_angle_contract(design: Design) -> FourAngleContract:
    """Return the contract of a design that retrieves phase; another is an :class:`InputError`."""
    size, binning = design.size, design.binning
    acquisition = design.four_angle
    frame, binned = sample_formats(design)
    per_axis = [binning * gradient * math.log(2) / 2 for gradient in acquisition.gradient_per_atanh]
    gradient_scale = max(per_axis)
    gains = tuple(int(TWIDDLE.encode(axis / gradient_scale)) for axis in per_axis)
    if min(gains) < SMALLEST_AXIS_GAIN:
        raise InputError(
            f"design {design.name}: pixel pitches of {acquisition.pixel_pitch_x_um:g} and "
            f"{acquisition.pixel_pitch_y_um:g} um differ by more than a factor of {(1 << 16) // SMALLEST_AXIS_GAIN}"
        )
    # FOV = N pixels; the two inverse transforms bring 1 / N^2; 1 / 2 pi from the derivative.
    radians_per_word = GRADIENT.step * gradient_scale * size / (2 * math.pi * size**2)
    phase_gain = Gain.of(radians_per_word / PHASE.step)
    if not 0 < phase_gain.shift <= PHASE_SHIFT_MAX:
        raise InputError(
            f"design {design.name}: its optics make one gradient step {GRADIENT.step * gradient_scale:.3g} rad/px, "
            f"which no phase of {PHASE.ap_type} can hold; check pixel pitches, wavelength and pupils"
        )
    return FourAngleContract(
        design=design,
        frame=frame,
        binned=binned,
        gradient_gains=(gains[0], gains[1]),
        gradient_scale=gradient_scale,
        phase_gain=phase_gain,
        surface=SurfaceFit.of(size),
        stages=_stages(design, frame, binned, gradient_scale),
        buffers=_buffers(design, frame, binned),
    )


def _stages(design: Design, frame: Format, binned: Format, gradient_scale: float) -> tuple[Stage, ...]:
    size, channels = design.size, len(design.four_angle.channels)
    spectrum_scale = GRADIENT.step * gradient_scale * size
    # What the logarithm loses where a sample has more bits behind its leading one than the ROM has address bits.
    address_step = 2.0**-LOG_ROM_ADDRESS_BITS_MAX if binned.width - 1 > LOG_ROM_ADDRESS_BITS_MAX else 0.0
    samples = (binned.width, LOG_ROM_ADDRESS_BITS_MAX)
    quotient_scale = spectrum_scale / (2 * math.pi)
    return (
        *sample_stages(design, frame, binned),
        Stage("gradient", (size, size, 2), Order.ARRAY, GRADIENT, "rad/px", gradient_scale,
              bound=ErrorBound(gradient_scale * (GRADIENT.step + address_step)), complex=True),
        Stage("spectrum", (size, size, 2), Order.COLUMNS, WORD, "rad", spectrum_scale, size,
              bound=spectrum_bound(size, *samples, spectrum_scale), complex=True),
        Stage("quotient", (size, size, 2), Order.COLUMNS, QUOTIENT_WORD, "rad", quotient_scale, size,
              bound=quotient_bound(size, *samples, quotient_scale), complex=True),
        Stage("phase", (size, size), Order.ARRAY, PHASE, "rad", bound=ErrorBound(1e-3)),
        Stage("network_input", (size, size, channels + 1), Order.ARRAY, PIXEL, "1", bound=ErrorBound(0.002)),
    )  # fmt: skip


def _buffers(design: Design, frame: Format, binned: Format) -> tuple[Buffer, ...]:
    size, levels, channels = design.size, design.size.bit_length() - 1, len(design.four_angle.channels)
    address = min(LOG_ROM_ADDRESS_BITS_MAX, binned.width - 1)
    grown = WORD.width + levels + 1
    in_flight = TRANSPOSES + 1
    return (
        binning_row(design, binned),
        Buffer("log_rom", "log2(1 + m), the angles through two ports", LOG_FRACTION.width, 1 << address, channels // 2),
        Buffer("twiddle_rom", "one period's half, each pass its own", 2 * TWIDDLE.width, size // 2, PASSES),
        Buffer("butterfly_delay", "N - 1 words of delay feedback a pass", 2 * grown, size - 1, PASSES),
        Buffer("line", "bit reversal, and the line's exponent before its first word", 2 * grown, 2 * size, PASSES),
        Buffer("transpose", "frame turned between row and column passes, written while read", 2 * WORD.width,
               2 * size * size, TRANSPOSES),
        Buffer("surface_rom", "row transforms of s and s^2", 2 * TWIDDLE.width, 2 * size),
        Buffer("quotient_rom", "one quadrant of kx / (kx^2 + ky^2), read as (kx, ky) and (ky, kx)", TWIDDLE.width,
               (size // 2) ** 2),
        Buffer("bright_field", "bright-field pixels wait for their phase", channels * PIXEL.width,
               in_flight * size * size),
    )  # fmt: skip
