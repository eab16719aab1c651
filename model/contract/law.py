"""The numeric contract: every width, rounding, overflow, order and scale of the chain, and nothing else.

All other levels receive what is written here: the integer model imports it, C++ and SystemVerilog get generated
headers, hls4ml its precisions, the host its packing. Two relations hold between levels and no others:

* *exact*: integer model, C-simulation, RTL and board agree on every word of every stage;
* *bounded*: the float64 reference and the integer model agree within the bound of the stage.

The law of the phase retrieval
------------------------------
``N`` is the frame's size, ``W`` = 18 the width of a stored word, all shifts to the right round convergently
(half to even) and nothing rounds or saturates unless it is said here.

1. *binned*: sums of ``binning x binning`` raw codes, exact.
2. *gradient*: difference over sum followed by atanh is half the logarithm of the ratio, so
   ``g = saturate(log2(I+) - log2(I-))`` with ``log2(x) = e + ROM[m]``: ``e`` is the position of the leading one and
   ``m`` the bits behind it (at most 11, the rest is cut). A dark pixel, ``x = 0``, counts as one half. Each axis is
   then multiplied by its gain, 1 for the axis of the coarser pixels, which makes pixels square.
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
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.interface.frame_layout import ANGLES

Codes = NDArray[np.int64]


class Rounding(Enum):
    """What becomes of bits below the step, by the name it has in ``ap_fixed``."""

    TRUNCATE = "AP_TRN"
    """Toward minus infinity."""
    HALF_UP = "AP_RND"
    """To the nearest step, halves toward plus infinity."""
    CONVERGENT = "AP_RND_CONV"
    """To the nearest step, halves to the even one: no bias."""


class Overflow(Enum):
    """What becomes of values beyond the range, by the name it has in ``ap_fixed``."""

    WRAP = "AP_WRAP"
    SATURATE = "AP_SAT"


def shift_right(codes: ArrayLike, shift: ArrayLike, rounding: Rounding = Rounding.CONVERGENT) -> Codes:
    """Return integers divided by ``2**shift`` (``shift >= 0``, broadcast) and rounded."""
    codes, shift = np.asarray(codes, np.int64), np.asarray(shift, np.int64)
    quotient = codes >> shift
    if rounding is Rounding.TRUNCATE:
        return quotient
    # One addition before the shift: half a step, less one where a tie must fall to the even quotient below it.
    half = (np.int64(1) << shift) >> 1
    if rounding is Rounding.HALF_UP:
        return (codes + half) >> shift
    tie_down = np.where(half > 0, 1 - (quotient & 1), 0)
    return (codes + half - tie_down) >> shift


@dataclass(frozen=True)
class Format:
    """A fixed-point format: ``width`` bits, ``integer_bits`` of them before the point (sign included)."""

    width: int
    integer_bits: int
    signed: bool = True
    rounding: Rounding = Rounding.CONVERGENT
    overflow: Overflow = Overflow.SATURATE

    @property
    def fraction_bits(self) -> int:
        """Bits behind the point; negative where the step exceeds 1."""
        return self.width - self.integer_bits

    @property
    def step(self) -> float:
        """Difference between neighboring values."""
        return 2.0**-self.fraction_bits

    @property
    def code_min(self) -> int:
        """Smallest integer code."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def code_max(self) -> int:
        """Largest integer code."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def min(self) -> float:
        """Smallest value."""
        return self.code_min * self.step

    @property
    def max(self) -> float:
        """Largest value."""
        return self.code_max * self.step

    @property
    def ap_type(self) -> str:
        """The C++ type, as in ``ap_fixed<18, 4, AP_RND_CONV, AP_SAT>``."""
        name = "ap_fixed" if self.signed else "ap_ufixed"
        return f"{name}<{self.width}, {self.integer_bits}, {self.rounding.value}, {self.overflow.value}>"

    def limit(self, codes: ArrayLike) -> Codes:
        """Bring integer codes into the range by saturation or wrapping."""
        codes = np.asarray(codes, np.int64)
        if self.overflow is Overflow.SATURATE:
            return np.clip(codes, self.code_min, self.code_max)
        return ((codes - self.code_min) & ((1 << self.width) - 1)) + self.code_min

    def encode(self, values: ArrayLike) -> Codes:
        """Return the codes of real values: rounded, then limited.

        Raises
        ------
        ValueError
            If a value is not finite or exceeds 2^53 steps, where float64 no longer holds every code.
        """
        scaled = np.asarray(values, np.float64) * 2.0**self.fraction_bits
        if not np.all(np.abs(scaled) <= 2.0**53):
            raise ValueError(f"a value is not finite or beyond 2^53 steps of {self.ap_type}")
        if self.rounding is Rounding.TRUNCATE:
            rounded = np.floor(scaled)
        elif self.rounding is Rounding.HALF_UP:
            rounded = np.floor(scaled) + (scaled - np.floor(scaled) >= 0.5)
        else:
            rounded = np.rint(scaled)
        return self.limit(rounded.astype(np.int64))

    def decode(self, codes: ArrayLike) -> NDArray[np.float64]:
        """Return the values of codes."""
        return np.asarray(codes, np.float64) * self.step


@dataclass(frozen=True)
class Gain:
    """A positive constant factor as hardware holds it: ``mantissa * 2**-shift``, 18 bits of mantissa."""

    mantissa: int
    shift: int

    @staticmethod
    def of(value: float) -> Gain:
        """Return the gain nearest to ``value > 0``."""
        _, exponent = math.frexp(value)
        shift = GAIN_BITS - exponent
        mantissa = round(math.ldexp(value, shift))
        if mantissa == 1 << GAIN_BITS:
            mantissa, shift = mantissa >> 1, shift - 1
        return Gain(mantissa, shift)

    @property
    def value(self) -> float:
        """The factor as a float."""
        return math.ldexp(self.mantissa, -self.shift)


GAIN_BITS = 18

# Formats that do not depend on the design. WORD holds integers: its scale is the stage's, times 2^exponent.
WORD = Format(18, 18)
QUOTIENT_WORD = Format(19, 19)
TWIDDLE = Format(18, 2)
"""Twiddles, quadrant ROM, surface tables and axis gains: +1.0 is exact."""
GRADIENT = Format(18, 4)
"""log2 of an intensity ratio, +-8."""
LOG_FRACTION = Format(14, 0, signed=False)
"""ROM of log2(1 + m): the fraction behind the position of the leading one."""
PHASE = Format(18, 5)
"""Phase in radians, +-16 in steps of 0.12 mrad."""
PIXEL = Format(8, 0, signed=False)
"""A sample of the network's input: 256 codes in [0, 1)."""
SIGNED_PIXEL = Format(PIXEL.width, 1)
"""The same of a network that is at home about 0: codes -128 to 127 in [-1, 1)."""
SURFACE_COEFFICIENT_FRACTION = 8
"""Bits of a surface coefficient below the gradient's step."""
PHASE_CODES_PER_RADIAN = 32
PHASE_CODE_OFFSET_RAD = 1.0
"""The network sees ``(phase + 1 rad) * 32``: -1 to 7 rad in steps of 31 mrad."""

# The network. Integer bits are what unit-variance He initialization and batch normalization lead to, without the sign;
# widths of weights and activations are the design's.
EXACT_STEPS = 1 << 24
"""float32, in which Keras computes, holds every integer up to here: no accumulator may reach it."""
RELU_INTEGER_BITS = 2
NORMALIZED_INTEGER_BITS = 2
HIDDEN_INTEGER_BITS = 3
KERNEL_INTEGER_BITS = 0
CONTRAST_KERNEL_INTEGER_BITS = 2
"""Of the first convolution, which faces images of low contrast."""
BIAS = Format(12, 3)
SNAP_FRACTION_BITS = 10
"""A snapped batch normalization has scale and offset on the grid 2^-10."""

LOG_ROM_ADDRESS_BITS_MAX = 11
PASSES = 4
"""Row forward, column forward, column inverse, row inverse."""
TRANSPOSES = 2
TRANSPOSE_GUARD_BITS = 1
BORDER = 8
"""Width of the frame's edge, in pixels, that is taken for background."""
PHASE_SHIFT_MAX = 40
"""Largest shift of the phase's gain: an instrument a thousand times finer than the default one."""
OFFSET_ROWS_LOG2 = 3
"""log2 of the number of first rows whose mean phase is the zero."""


@dataclass(frozen=True)
class SurfaceFit:
    """Constants of the least-squares surface ``c1 + cu s + cv t + cuu s^2 + cvv t^2 + cuv s t`` on the border.

    ``s = u / N`` with the odd integers ``u = 2 x - (N - 1)``, ``t`` likewise along y. On a square border
    ``1, u, v, uv, u^2 - v^2`` and ``u^2 + v^2 - kappa`` are orthogonal, so each coefficient is one exact integer moment
    times one gain. ``kappa`` is kept to 1/16: what is left of the mean in the last moment is below a gradient step.
    """

    mean: Gain
    linear: Gain
    twist: Gain
    """For s t."""
    saddle: Gain
    """For s^2 - t^2."""
    bowl: Gain
    """For s^2 + t^2 - kappa."""
    kappa_16ths: int
    kappa: int
    """kappa / N^2 as a code of :data:`TWIDDLE`."""
    coefficient_bits: int
    """Width that holds every coefficient of every frame."""

    @staticmethod
    def of(size: int) -> SurfaceFit:
        """Return the constants for frames of ``size`` x ``size``."""
        u = 2 * np.arange(size, dtype=np.int64) - (size - 1)
        edge = np.minimum(np.arange(size), size - 1 - np.arange(size)) < BORDER
        border = edge[:, None] | edge[None, :]
        v, u = (axis[border] for axis in np.broadcast_arrays(u[:, None], u[None, :]))
        bowl = u * u + v * v
        kappa_16ths = round(16 * int(bowl.sum()) / len(u))
        unit = float(1 << SURFACE_COEFFICIENT_FRACTION)
        bowl_energy = float(np.square(bowl - kappa_16ths / 16).sum())
        mean = Gain.of(unit / len(u))
        linear = Gain.of(unit * size / float(np.square(u).sum()))
        twist = Gain.of(unit * size**2 / float(np.square(u * v).sum()))
        saddle = Gain.of(unit * size**2 / float(np.square(u * u - v * v).sum()))
        bowl_gain = Gain.of(unit * size**2 / (16 * bowl_energy))
        kappa = int(TWIDDLE.encode(kappa_16ths / 16 / size**2))

        # A moment is largest where the gradient takes its extreme with the sign of the polynomial everywhere.
        def largest(polynomial: Codes, gain: Gain) -> float:
            return float(np.abs(polynomial).sum()) * -GRADIENT.code_min * gain.value + 1

        of_bowl = largest(16 * bowl - kappa_16ths, bowl_gain)
        bound: float = max(
            largest(np.ones_like(u), mean) + of_bowl * kappa * TWIDDLE.step + 1,
            largest(u, linear),
            largest(u * v, twist),
            of_bowl + largest(u * u - v * v, saddle),
        )
        return SurfaceFit(
            mean,
            linear,
            twist,
            saddle,
            bowl_gain,
            kappa_16ths,
            kappa,
            coefficient_bits=math.ceil(bound).bit_length() + 1,
        )


@dataclass(frozen=True)
class Stage:
    """One boundary of the chain: what its words are and how far the float reference may be."""

    name: str
    shape: tuple[int, ...]
    """Shape of one cell's array of codes; a complex stage's last axis is (real, imaginary)."""
    order: str
    """Order in which the words leave the stage."""
    format: Format
    unit: str
    scale: float = 1.0
    """Value in ``unit`` of a decoded code, before the exponent."""
    exponents: int = 0
    """Number of lines that carry a block exponent; 0 where the format is plainly fixed point."""
    bound: float = 0.0
    """Largest allowed root-mean-square difference from the float reference over noise-free frames, in ``unit``."""

    @property
    def complex(self) -> bool:
        """Whether codes come in pairs of real and imaginary part."""
        return len(self.shape) == 3 and self.shape[-1] == 2

    def values(self, codes: ArrayLike, exponents: Codes | None = None) -> NDArray:
        """Return what codes ``(cells, *shape)`` and, on a transformed stage, exponents ``(cells, columns)`` mean.

        Float64, or complex128 ``(cells, *shape[:-1])`` where codes are pairs.
        """
        values = self.format.decode(codes) * self.scale
        if exponents is not None:
            values = values * np.exp2(exponents)[:, None, :, None]
        return values[..., 0] + 1j * values[..., 1] if self.complex else values


@dataclass(frozen=True)
class Buffer:
    """A memory that the arithmetic makes necessary."""

    name: str
    reason: str
    width: int
    depth: int
    copies: int = 1

    @property
    def bram36(self) -> float:
        """Block RAMs of 36 kbit on 7-series and UltraScale+ (a half is one RAMB18); 0 for what fits LUT RAM."""
        if self.depth * self.width <= LUT_RAM_BITS:
            return 0.0
        halves: int = min(
            math.ceil(self.width / width) * math.ceil(self.depth / (16384 // 2 ** int(math.log2(width))))
            for width in RAMB18_DATA_WIDTHS
        )
        return self.copies * halves / 2


# UG473, table 1-5: RAMB18 as simple dual port; its parity bits come with widths of 9 and more.
RAMB18_DATA_WIDTHS = (1, 2, 4, 9, 18, 36)
LUT_RAM_BITS = 4096
"""Below this a memory is left to LUT RAM, as synthesis does for shallow ones."""


@dataclass(frozen=True)
class Contract:
    """The contract of one design. Build it with :func:`contract`."""

    design: Design
    frame: Format
    binned: Format
    gradient_gains: tuple[int, int]
    """Gains of the x and the y gradient, codes of :data:`TWIDDLE`; the larger is exactly 1."""
    gradient_scale: float
    """Radians a pixel for a gradient of 1 (a doubled intensity ratio)."""
    phase_gain: Gain
    """From words of the last pass to codes of :data:`PHASE`, before the exponents."""
    surface: SurfaceFit
    stages: tuple[Stage, ...]
    buffers: tuple[Buffer, ...]
    """Memories of the HLS kernel, whose processes hand over whole frames. The SystemVerilog kernel hands over line by
    line and needs less: half of each transpose, and of the bright field two frames and some lines."""

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

    def buffer(self, name: str) -> Buffer:
        """Return the row of one buffer."""
        return next(row for row in self.buffers if row.name == name)

    def stage(self, name: str) -> Stage:
        """Return the row of one stage."""
        return next(row for row in self.stages if row.name == name)


@lru_cache
def contract(design: Design) -> Contract:
    """Return the contract of a design."""
    size, binning = design.size, design.binning
    acquisition = design.acquisition
    frame = Format(acquisition.adc_bits, 0, signed=False)
    binned = Format(acquisition.adc_bits + 2 * (binning.bit_length() - 1), 0, signed=False)
    per_axis = [binning * gradient * math.log(2) / 2 for gradient in acquisition.gradient_per_atanh]
    gradient_scale = max(per_axis)
    gains = tuple(int(TWIDDLE.encode(axis / gradient_scale)) for axis in per_axis)
    if gains[0] == 0 or gains[1] == 0:
        raise InputError(
            f"design {design.name}: pixel pitches of {acquisition.pixel_pitch_x_um} and "
            f"{acquisition.pixel_pitch_y_um} um differ beyond the range of {TWIDDLE.ap_type}"
        )
    # FOV = N pixels; the two inverse transforms bring 1 / N^2; 1 / 2 pi from the derivative.
    radians_per_word = GRADIENT.step * gradient_scale * size / (2 * math.pi * size**2)
    phase_gain = Gain.of(radians_per_word / PHASE.step)
    if not 0 < phase_gain.shift <= PHASE_SHIFT_MAX:
        raise InputError(
            f"design {design.name}: its optics make one gradient step {GRADIENT.step * gradient_scale:.3g} rad/px, "
            f"which no phase of {PHASE.ap_type} can hold; check pixel pitches, wavelength and pupils"
        )
    return Contract(
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
    size = design.size
    raw = (ANGLES, design.acquisition.rows, design.acquisition.columns)
    rows = "row by row, the four angles of a pixel together"
    columns = "column by column (kx outer, ky inner), both in the order of numpy.fft.fftfreq"
    spectrum_scale = GRADIENT.step * gradient_scale * size
    # What the logarithm loses where a sample has more bits behind its leading one than the ROM has address bits.
    cut = 2.0**-LOG_ROM_ADDRESS_BITS_MAX if binned.width - 1 > LOG_ROM_ADDRESS_BITS_MAX else 0.0
    return (
        Stage("frames", raw, rows, frame, "full scale"),
        Stage("binned", (ANGLES, size, size), rows, binned, "full scale"),
        Stage("gradient", (size, size, 2), "row by row", GRADIENT, "rad/px", gradient_scale,
              bound=gradient_scale * (GRADIENT.step + cut)),
        Stage("spectrum", (size, size, 2), columns, WORD, "rad", spectrum_scale, size, bound=size / 128),
        Stage("quotient", (size, size, 2), columns, QUOTIENT_WORD, "rad", spectrum_scale / (2 * math.pi), size,
              bound=0.03 * size / 128),
        Stage("phase", (size, size), "row by row", PHASE, "rad", bound=1e-3),
        Stage("network_input", (size, size, ANGLES + 1), "row by row, channels together", PIXEL, "1", bound=0.002),
    )  # fmt: skip


def _buffers(design: Design, frame: Format, binned: Format) -> tuple[Buffer, ...]:
    size, levels = design.size, design.size.bit_length() - 1
    address = min(LOG_ROM_ADDRESS_BITS_MAX, binned.width - 1)
    grown = WORD.width + levels + 1
    in_flight = TRANSPOSES + 1
    return (
        Buffer("binning_row", "partial sums of a row until its last raw row", ANGLES * binned.width, size),
        Buffer("log_rom", "log2(1 + m), four angles through two ports", LOG_FRACTION.width, 1 << address, ANGLES // 2),
        Buffer("twiddle_rom", "one period's half, each pass its own", 2 * TWIDDLE.width, size // 2, PASSES),
        Buffer("butterfly_delay", "N - 1 words of delay feedback a pass", 2 * grown, size - 1, PASSES),
        Buffer("line", "bit reversal, and the line's exponent before its first word", 2 * grown, 2 * size, PASSES),
        Buffer("transpose", "frame turned between row and column passes, written while read", 2 * WORD.width,
               2 * size * size, TRANSPOSES),
        Buffer("surface_rom", "row transforms of s and s^2", 2 * TWIDDLE.width, 2 * size),
        Buffer("quotient_rom", "one quadrant of kx / (kx^2 + ky^2), read as (kx, ky) and (ky, kx)", TWIDDLE.width,
               (size // 2) ** 2),
        Buffer("bright_field", "the four bright-field pixels wait for their phase", ANGLES * PIXEL.width,
               in_flight * size * size),
    )  # fmt: skip
