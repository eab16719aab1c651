"""Contents of the ROMs: integer codes in the formats of the contract."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cytogate.model.contract.fixed_point import LOG_FRACTION, TWIDDLE, Codes


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
