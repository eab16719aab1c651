"""Bounds of the transformed stages: every rounding's variance, in steps of the block exponents.

The derivation is in :mod:`cytogate.model.contract.law`, "How the bounds are derived". Of the laws with a recursion no
word has an exponent, and errors are summed along a row, then by the recursion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import LOG_FRACTION, Codes

ROUNDING = 1 / 12
"""Variance of one rounding of a real number, in squares of the step it rounds to."""
MARGIN = 1.25
"""Bound over derived RMSE. Simulated cells of 4 to 25 um come to 0.9 to 1.03 of the derived RMSE of the spectrum."""
GATHERED_BITS = 15
"""Where neighboring samples are of a few codes, their logarithms are rounded alike and the variance gathers at low
frequencies, which the quotient weighs most. It is allowed 2^(15 - b) times what independent roundings leave there, b
the bits of a binned sample: 128 for 8, 32 for 10, 8 for 12. Measured, empty fields with shading and noise: at most 87,
9 and 2; without noise up to four times what is allowed, and the bound does not hold for these."""


@dataclass(frozen=True)
class ErrorBound:
    """Largest allowed root-mean-square difference of a stage from the float reference, in the stage's unit.

    The root of the sum of the squares of its three parts, of which the last two grow with the signal.
    """

    fixed: float = 0.0
    """From roundings before any block exponent; all of it where a stage has none."""
    frame: float = 0.0
    """From roundings to the exponent that all lines share, for an exponent of 0."""
    lines: tuple[float, ...] = ()
    """From roundings to the exponent of each line, for an exponent of 0; one a line."""

    def squares(self, exponents: Codes | None = None) -> NDArray[np.float64]:
        """Return the allowed mean square of each cell: (cells,), or () where a stage has no exponents.

        ``exponents`` are (cells, lines). The smallest stands for the one that all lines share, which it never is below.
        """
        if not self.lines:
            return np.asarray(self.fixed**2)
        if exponents is None:
            raise ValueError("a bound in steps of block exponents needs the exponents")
        steps = np.exp2(2.0 * exponents)
        return self.fixed**2 + self.frame**2 * steps.min(axis=1) + (np.square(self.lines) * steps).mean(axis=1)


def spectrum_bound(size: int, sample_bits: int, address_bits: int, scale: float) -> ErrorBound:
    """Return the spectrum's bound.

    Parameters
    ----------
    size : N
    sample_bits : width of a binned sample
    address_bits : largest number of address bits of the ROM of logarithms
    scale : value of a code at exponent 0, in the stage's unit
    """
    before, shared, line = _variances(size, sample_bits, address_bits)
    unit = MARGIN * scale
    return ErrorBound(unit * math.sqrt(before), unit * math.sqrt(shared), (unit * math.sqrt(line),) * size)


def quotient_bound(size: int, sample_bits: int, address_bits: int, scale: float) -> ErrorBound:
    """Return the quotient's bound; parameters as for :func:`spectrum_bound`."""
    before, shared, line = _variances(size, sample_bits, address_bits)
    weights = _inverse_squares(size)
    unit = MARGIN * scale
    gathered = max(1.0, 2.0 ** (GATHERED_BITS - sample_bits))
    # A line's word is rounded before the division, which weakens it, and after it.
    lines = unit * np.sqrt(line * weights.mean(axis=1) + 2 * ROUNDING)
    return ErrorBound(
        fixed=unit * math.sqrt(gathered * before * weights.mean()),
        frame=unit * math.sqrt(shared * weights.mean()),
        lines=tuple(lines.tolist()),
    )


def _variances(size: int, sample_bits: int, address_bits: int) -> tuple[float, float, float]:
    """Return variances of a spectrum's complex word: before any exponent, at the shared one, at the line's."""
    gradient = 4 * _logarithm_variance(sample_bits, address_bits)
    # Each level rounds one of two words, which the levels after it sum: 2^0 + ... + 2^(log2 N - 1) = N - 1.
    twiddle_products = (size - 1) * ROUNDING
    before = size**2 * gradient + size * twiddle_products
    # To the frame's exponent the transpose and the surface; to the row's, at least one lower, a quarter of it or less.
    shared = size * (2 + 2 + 0.5) * ROUNDING + twiddle_products
    return before, shared, 2 * ROUNDING


def _inverse_squares(size: int) -> NDArray[np.float64]:
    """Return ``1 / (kx^2 + ky^2)`` as (kx, ky), zero where the quotient is."""
    k = np.fft.fftfreq(size, 1 / size)
    squares = k[:, None] ** 2 + k**2
    squares[0, 0] = np.inf
    squares[size // 2, :] = squares[:, size // 2] = np.inf
    return np.asarray(1 / squares)


def rows_bound(size: int, sample_bits: int, address_bits: int, unit: int, scale: float) -> ErrorBound:
    """Return the bound of the row words of the laws with a recursion.

    Parameters
    ----------
    size, sample_bits, address_bits : as for :func:`spectrum_bound`
    unit : log2 of a row word's step in gradient codes
    scale : value of a gradient code summed along a row, in the stage's unit
    """
    before, own = _row_variances(size, sample_bits, address_bits, unit)
    return ErrorBound(MARGIN * scale * math.sqrt(before + own))


def columns_bound(
    size: int, sample_bits: int, address_bits: int, unit: int, scale: float, *, two_sided: bool
) -> ErrorBound:
    """Return the bound of i phi^ of the laws with a recursion; parameters as for :func:`rows_bound`."""
    before, own = _row_variances(size, sample_bits, address_bits, unit)
    row = max(1.0, 2.0 ** (GATHERED_BITS - sample_bits)) * before + own
    kappa = 2 * np.pi * np.arange(1, size // 2) / size
    a = np.exp(-kappa)
    q, u = ((1 - a) / kappa) ** 2, (kappa - 1 + a) / kappa**2
    # A state sums the errors of all rows before it; of two halves half the variance is left.
    recursion = float((row * (q**2 / (1 - a**2) + u**2)).sum()) * (0.5 if two_sided else 1.0)
    # kx = 0 sums rows of the y gradient from the first on: a random walk, or one that is back at zero in the last row;
    # and y times what the background, of a border of 32 N pixels, is off by.
    walk = row / 2 * size * (1 / 6 if two_sided else 1 / 2)
    drift = 0.0 if two_sided else row / 2 * size**2 / 32
    return ErrorBound(MARGIN * scale * math.sqrt((recursion + walk + drift) / (size // 2)))


SHARPENING = (1 + 2 / 12) ** 2 + 2 / 12**2
"""What sharpening by a twelfth of the second difference makes of the variance of independent errors."""


def _row_variances(size: int, sample_bits: int, address_bits: int, unit: int) -> tuple[float, float]:
    """Return variances of a complex row word: of what is rounded before it, and by its own rounding."""
    logarithm = _logarithm_variance(sample_bits, address_bits)
    sharpened = SHARPENING * 4 * logarithm + 2 * ROUNDING
    return size * sharpened + (size - 1) * ROUNDING, 2 * ROUNDING * 4.0**unit


def _logarithm_variance(sample_bits: int, address_bits: int) -> float:
    """Return the variance of a logarithm of the ROM, in squared gradient steps."""
    if sample_bits - 1 <= address_bits:
        return ROUNDING
    return ROUNDING + ROUNDING * (2.0 ** (LOG_FRACTION.width - address_bits) / math.log(2)) ** 2
