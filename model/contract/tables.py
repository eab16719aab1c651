"""Contents of the ROMs: integer codes in the formats of the contract."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cytogate.model.contract.fixed_point import LOG_FRACTION, TWIDDLE, Codes
from cytogate.model.contract.recursion import COEFFICIENT, RecursionWords


@lru_cache
def twiddles(size: int) -> Codes:
    """Return ``exp(-2 pi i k / size)`` for k = 0 ... size/2 - 1 as codes (size/2, 2) of (real, imaginary)."""
    angle = -2 * np.pi * np.arange(size // 2) / size
    return TWIDDLE.encode(np.stack([np.cos(angle), np.sin(angle)], axis=-1))


@lru_cache
def quotient_quadrant(size: int) -> Codes:
    """Return ``a / (a^2 + b^2)`` for a, b = 0 ... size/2 - 1 as codes (size/2, size/2), 0 at the origin.

    ``1 / (kx + i ky) = q[kx, ky] - i q[ky, kx]`` in the quadrant of positive frequencies; signs follow elsewhere.
    """
    a, b = np.ogrid[: size // 2, : size // 2]
    return TWIDDLE.encode(a / np.maximum(a * a + b * b, 1))


@lru_cache
def log_fractions(address_bits: int) -> Codes:
    """Return ``log2(1 + m / 2^address_bits)`` for every m as codes (2^address_bits,)."""
    return LOG_FRACTION.encode(np.log2(1 + np.arange(1 << address_bits) / (1 << address_bits)))


@lru_cache
def surface_spectra(size: int) -> Codes:
    """Return the transforms of s and of s^2 along a row, divided by its length.

    Codes (2, size, 2): polynomial, k in the order of numpy.fft.fftfreq, (real, imaginary);
    ``s = (2 x - (size - 1)) / size``.
    """
    s = (2 * np.arange(size) - (size - 1)) / size
    spectra = np.fft.fft(np.stack([s, s * s])) / size
    return TWIDDLE.encode(np.stack([spectra.real, spectra.imag], axis=-1))


class RecursionTables(NamedTuple):
    """Constants of each column k = 1 ... N/2 - 1, (N/2 - 1,), and the recursion's answer to a constant."""

    a: Codes
    """``exp(-2 pi k / N)``."""
    q: Codes
    """Of the states, ``(1 / kappa - u) (1 - a)`` of the coded a."""
    u: Codes
    """Of the row words, ``(kappa - 1 + exp(-kappa)) / kappa^2``."""
    r: Codes
    """``1 / (1 - a)`` of the coded a, with as many bits behind the point as the contract says."""
    decay: Codes
    """``exp(-2 pi m / N)`` for m = 0 ... 2 N - 1, (2 N,); 0 at m = 0, where there is no state."""


@lru_cache
def recursion_tables(size: int) -> RecursionTables:
    """Return the tables of the laws "two-sided" and "causal"; see :mod:`cytogate.model.contract.recursion`."""
    kappa = 2 * np.pi * np.arange(1, size // 2) / size
    a = COEFFICIENT.encode(np.exp(-kappa))
    rest = 1 - COEFFICIENT.decode(a)
    u = (kappa - 1 + np.exp(-kappa)) / kappa**2
    decay = COEFFICIENT.encode(np.exp(-2 * np.pi * np.arange(2 * size) / size))
    decay[0] = 0
    return RecursionTables(
        a=a,
        q=COEFFICIENT.encode((1 / kappa - u) * rest),
        u=COEFFICIENT.encode(u),
        r=np.rint(2.0 ** RecursionWords(size).reciprocal_fraction / rest).astype(np.int64),
        decay=decay,
    )
