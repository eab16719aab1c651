"""Fixed-point formats: width, point, rounding and overflow, with the formats that no design changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    SATURATE_SYMMETRIC = "AP_SAT_SYM"
    """As far below zero as above: the smallest code of two's complement is left out."""


def shift_right(codes: ArrayLike, shift: ArrayLike, rounding: Rounding = Rounding.CONVERGENT) -> Codes:
    """Return integers divided by ``2**shift`` (``shift >= 0``, broadcast) and rounded.

    Examples
    --------
    >>> shift_right([-6, -2, 2, 6, 7], 2).tolist()
    [-2, 0, 0, 2, 2]
    >>> shift_right([-6, -2, 2, 6, 7], 2, Rounding.HALF_UP).tolist()
    [-1, 0, 1, 2, 2]
    """
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
        if self.overflow is Overflow.SATURATE_SYMMETRIC:
            return -self.code_max if self.signed else 0
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
        if self.overflow is not Overflow.WRAP:
            return np.clip(codes, self.code_min, self.code_max)
        return ((codes - self.code_min) & ((1 << self.width) - 1)) + self.code_min

    def encode(self, values: ArrayLike) -> Codes:
        """Return the codes of real values: rounded, then limited.

        Raises
        ------
        ValueError
            If a value is not finite or exceeds 2^53 steps, where float64 no longer holds every code.

        Examples
        --------
        >>> Format(8, 3).encode([1.0, 0.046875, -9.0]).tolist()
        [32, 2, -128]
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
EXPONENT = Format(6, 6, signed=False)
"""Sum of a line's block exponents."""
PIXEL = Format(8, 0, signed=False)
"""A sample of the network's input: 256 codes in [0, 1)."""
SIGNED_PIXEL = Format(PIXEL.width, 1)
"""The same of a network that is at home about 0: codes -128 to 127 in [-1, 1)."""
SURFACE_COEFFICIENT_FRACTION = 8
"""Bits of a surface coefficient below the gradient's step."""
BORDER = 8
"""Width of the frame's edge, in pixels, that is taken for background."""
