"""The numeric contract: every width, rounding, overflow, order and scale of the chain, and nothing else.

All other levels receive what is written here: the integer model imports it, C++ and SystemVerilog get generated
headers, hls4ml its precisions, the host its packing. Two relations hold between levels and no others:

* *exact*: integer model, C-simulation, RTL and board agree on every word of every stage;
* *bounded*: the root-mean-square difference (RMSE) of the integer model from the float64 reference is within the
  bound of the stage.

The law of bright-field frames is in :mod:`cytogate.model.contract.bright_field`, that of holograms in
:mod:`cytogate.model.contract.off_axis`. A design names one of three laws of phase retrieval: "fft" follows here, the
two others are in :mod:`cytogate.model.contract.recursion`.

The law "fft" of the phase retrieval
------------------------------------
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
from typing import Any, ClassVar

from cytogate.model.contract.bounds import ErrorBound, columns_bound, quotient_bound, rows_bound, spectrum_bound
from cytogate.model.contract.bright_field import bright_field_contract
from cytogate.model.contract.fixed_point import (
    EXPONENT,
    GRADIENT,
    LOG_FRACTION,
    PHASE,
    PIXEL,
    QUOTIENT_WORD,
    SURFACE_COEFFICIENT_FRACTION,
    TWIDDLE,
    WORD,
    Format,
    Gain,
)
from cytogate.model.contract.memory import Buffer
from cytogate.model.contract.off_axis import off_axis_contract
from cytogate.model.contract.recursion import PHI_FRACTION, ROW_WORD, STATE, RecursionWords, recursion_buffers
from cytogate.model.contract.samples import binning_row, sample_formats, sample_stages
from cytogate.model.contract.stage import EXPONENT_SUFFIX, Contract, Order, Stage
from cytogate.model.contract.surface_fit import SurfaceFit
from cytogate.model.design.design import CAUSAL, FFT, Design
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
    """What the contracts of all designs that retrieve phase have in common, whatever the law."""

    gradient_gains: tuple[int, int]
    """Gains of the x and the y gradient, codes of :data:`TWIDDLE`; the larger is exactly 1."""
    gradient_scale: float
    """Radians a pixel for a gradient of 1 (a doubled intensity ratio)."""
    phase_gain: Gain
    """From words of the last pass to codes of :data:`PHASE`; before the exponents, where there are any."""
    surface: SurfaceFit

    @property
    def largest_phase(self) -> float:
        """Radians, of either sign, beyond which the phase is saturated."""
        return PHASE.max

    @property
    def largest_phase_seen(self) -> float:
        """Radians beyond which the network's codes of the phase are saturated."""
        return PIXEL.code_max / PHASE_CODES_PER_RADIAN - PHASE_CODE_OFFSET_RAD

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


@dataclass(frozen=True)
class FftContract(FourAngleContract):
    """The contract of the law "fft".

    Of the SystemVerilog kernel's memories half of each transpose is enough, and of the bright field two frames and some
    lines.
    """

    kernel: ClassVar[str] = "retrieve_phase"

    @property
    def recorded(self) -> tuple[Stage, ...]:
        """The stages, and behind the spectrum the exponents of its columns, which are the quotient's as well."""
        exponents = Stage("spectrum" + EXPONENT_SUFFIX, (self.size,), Order.ARRAY, EXPONENT, "1")
        place = 1 + [stage.name for stage in self.stages].index("spectrum")
        return (*self.stages[:place], exponents, *self.stages[place:])


@dataclass(frozen=True)
class RecursionContract(FourAngleContract):
    """What the contracts of the laws with a recursion have in common."""

    @property
    def words(self) -> RecursionWords:
        """Widths and points of words."""
        return RecursionWords(self.size)

    @property
    def largest_phase(self) -> float:
        """Radians, of either sign, beyond which the phase or a word of its inverse row transform is saturated."""
        return min(super().largest_phase, STATE.code_max * self.phase_gain.value * PHASE.step)


@dataclass(frozen=True)
class TwoSidedContract(RecursionContract):
    """The contract of the law "two-sided"."""

    kernel: ClassVar[str] = "retrieve_two_sided"
    upward: ClassVar[bool] = True


@dataclass(frozen=True)
class CausalContract(RecursionContract):
    """The contract of the law "causal"."""

    kernel: ClassVar[str] = "retrieve_causal"


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
    """Return the contract of a design that retrieves phase, by its law; another is an :class:`InputError`."""
    return fft_contract(design) if design.chip.retrieval == FFT else recursion_contract(design)


@lru_cache
def fft_contract(design: Design) -> FftContract:
    """Return the contract of a design whose law is "fft"; another is an :class:`InputError`."""
    design.need_fft("this model of phase retrieval")
    size, shared = design.size, _Shared.of(design)
    # FOV = N pixels; the two inverse transforms bring 1 / N^2; 1 / 2 pi from the derivative.
    radians_per_word = GRADIENT.step * shared.gradient_scale * size / (2 * math.pi * size**2)
    spectrum_scale = GRADIENT.step * shared.gradient_scale * size
    quotient_scale = spectrum_scale / (2 * math.pi)
    stages = (
        Stage("spectrum", (size, size, 2), Order.COLUMNS, WORD, "rad", spectrum_scale, size,
              bound=spectrum_bound(size, *shared.samples, spectrum_scale), complex=True),
        Stage("quotient", (size, size, 2), Order.COLUMNS, QUOTIENT_WORD, "rad", quotient_scale, size,
              bound=quotient_bound(size, *shared.samples, quotient_scale), complex=True),
    )  # fmt: skip
    return FftContract(**shared.fields(Gain.of(radians_per_word / PHASE.step), stages, _fft_buffers(design)))


@lru_cache
def recursion_contract(design: Design) -> RecursionContract:
    """Return the contract of a design whose law is one with a recursion; another is an :class:`InputError`."""
    law = design.chip.retrieval
    if law == FFT:
        raise InputError(f'design {design.name}: [chip] retrieval is "{law}", a law without a recursion')
    return causal_contract(design) if law == CAUSAL else two_sided_contract(design)


def two_sided_contract(design: Design) -> TwoSidedContract:
    """Return the contract of a design whose law is "two-sided"."""
    shared, words = _Shared.of(design), RecursionWords(design.size)
    channels = len(design.four_angle.channels)
    return TwoSidedContract(
        **shared.fields(
            words.phase_gain(shared.gradient_scale),
            shared.recursion_stages(words, two_sided=True),
            recursion_buffers(words, channels, two_sided=True),
        )
    )


def causal_contract(design: Design) -> CausalContract:
    """Return the contract of a design whose law is "causal"."""
    shared, words = _Shared.of(design), RecursionWords(design.size)
    width = SurfaceFit.of(design.size).coefficient_bits
    background = Stage(
        "background", (POLYNOMIALS, 2), Order.ARRAY, Format(width, width), "rad/px",
        GRADIENT.step * shared.gradient_scale * 2.0**-SURFACE_COEFFICIENT_FRACTION,
        bound=ErrorBound(shared.gradient_scale * shared.gradient_step * BACKGROUND_STEPS), complex=True,
    )  # fmt: skip
    channels = len(design.four_angle.channels)
    return CausalContract(
        **shared.fields(
            words.phase_gain(shared.gradient_scale),
            (background, *shared.recursion_stages(words, two_sided=False)),
            recursion_buffers(words, channels, two_sided=False),
        )
    )


POLYNOMIALS = 6
"""1, s, t, s^2, t^2 and s t: coefficients of a surface, each of the x and of the y gradient."""
BACKGROUND_STEPS = 0.5
"""Bound of the background in steps of a gradient; a fit is a mean over more than a thousand pixels."""


@dataclass(frozen=True)
class _Shared:
    """What does not depend on the law."""

    design: Design
    frame: Format
    binned: Format
    gradient_gains: tuple[int, int]
    gradient_scale: float

    @staticmethod
    def of(design: Design) -> _Shared:
        acquisition = design.four_angle
        frame, binned = sample_formats(design)
        per_axis = [design.binning * gradient * math.log(2) / 2 for gradient in acquisition.gradient_per_atanh]
        gradient_scale = max(per_axis)
        x, y = (int(TWIDDLE.encode(axis / gradient_scale)) for axis in per_axis)
        if min(x, y) < SMALLEST_AXIS_GAIN:
            raise InputError(
                f"design {design.name}: pixel pitches of {acquisition.pixel_pitch_x_um:g} and "
                f"{acquisition.pixel_pitch_y_um:g} um differ by more than a factor of {(1 << 16) // SMALLEST_AXIS_GAIN}"
            )
        return _Shared(design, frame, binned, (x, y), gradient_scale)

    @property
    def samples(self) -> tuple[int, int]:
        """Bits of a binned sample, and the most that address the ROM of logarithms."""
        return self.binned.width, LOG_ROM_ADDRESS_BITS_MAX

    @property
    def gradient_step(self) -> float:
        """Step of a gradient, and what the logarithm loses where a sample has more bits than address the ROM."""
        beyond = self.binned.width - 1 > LOG_ROM_ADDRESS_BITS_MAX
        return GRADIENT.step + (2.0**-LOG_ROM_ADDRESS_BITS_MAX if beyond else 0.0)

    def recursion_stages(self, words: RecursionWords, *, two_sided: bool) -> tuple[Stage, Stage]:
        """Return the rows ``rows``, pairs of G[k] and conj G[-k], and ``columns``, i phi^ from kx = 0 on."""
        size, of_codes = words.size, GRADIENT.step * self.gradient_scale
        scale = of_codes * 2.0**words.unit
        return (
            Stage("rows", (size, words.columns, 2, 2), Order.ARRAY, ROW_WORD, "rad", scale,
                  bound=rows_bound(size, *self.samples, words.unit, of_codes), complex=True),
            Stage("columns", (size, size // 2, 2), Order.ARRAY, STATE, "rad", scale * 2.0**-PHI_FRACTION,
                  bound=columns_bound(size, *self.samples, words.unit, of_codes, two_sided=two_sided), complex=True),
        )  # fmt: skip

    def fields(self, phase_gain: Gain, stages: tuple[Stage, ...], buffers: tuple[Buffer, ...]) -> dict[str, Any]:
        """Return the fields of a contract; ``stages`` are those between gradient and phase."""
        if not 0 < phase_gain.shift <= PHASE_SHIFT_MAX:
            raise InputError(
                f"design {self.design.name}: its optics make one gradient step "
                f"{GRADIENT.step * self.gradient_scale:.3g} rad/px, which no phase of {PHASE.ap_type} can hold; check "
                f"pixel pitches, wavelength and pupils"
            )
        design, size, channels = self.design, self.design.size, len(self.design.four_angle.channels)
        address = min(LOG_ROM_ADDRESS_BITS_MAX, self.binned.width - 1)
        return {
            "design": design,
            "frame": self.frame,
            "binned": self.binned,
            "gradient_gains": self.gradient_gains,
            "gradient_scale": self.gradient_scale,
            "phase_gain": phase_gain,
            "surface": SurfaceFit.of(size),
            "stages": (
                *sample_stages(design, self.frame, self.binned),
                Stage("gradient", (size, size, 2), Order.ARRAY, GRADIENT, "rad/px", self.gradient_scale,
                      bound=ErrorBound(self.gradient_scale * self.gradient_step), complex=True),
                *stages,
                Stage("phase", (size, size), Order.ARRAY, PHASE, "rad", bound=ErrorBound(1e-3)),
                Stage("network_input", (size, size, channels + 1), Order.ARRAY, PIXEL, "1", bound=ErrorBound(0.002)),
            ),
            "buffers": (
                binning_row(design, self.binned),
                Buffer("log_rom", "log2(1 + m), the angles through two ports", LOG_FRACTION.width, 1 << address,
                       channels // 2),
                *buffers,
            ),
        }  # fmt: skip


def _fft_buffers(design: Design) -> tuple[Buffer, ...]:
    size, levels, channels = design.size, design.size.bit_length() - 1, len(design.four_angle.channels)
    grown = WORD.width + levels + 1
    in_flight = TRANSPOSES + 1
    return (
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
