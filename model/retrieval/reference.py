"""Float64 reference of the Q-ATOM phase retrieval by the law "fft", written from the papers' equations.

It shares no arithmetic with the integer model: logarithms are arc tangents, the surface is a least-squares solve, the
transforms are NumPy's. Arrays hold any number of leading cells.

Meng 2017 (Eq. 1 and 2): ``phi = Im[IFFT(FFT(G FOV) / (2 pi (kx + i ky)))]`` with ``G = gx + i gy`` in radians a pixel,
FOV = N pixels and numpy's sign of the transform; rows run downward.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import BORDER, PIXEL
from cytogate.model.contract.law import (
    OFFSET_ROWS_LOG2,
    PHASE_CODE_OFFSET_RAD,
    PHASE_CODES_PER_RADIAN,
    fft_contract,
    four_angle_contract,
)
from cytogate.model.design.design import Design
from cytogate.model.retrieval.binning import bin_values

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def retrieve(frames: NDArray[np.unsignedinteger], design: Design) -> dict[str, NDArray]:
    """Retrieve phase from raw frames.

    Parameters
    ----------
    frames : (cells, 4, rows, columns) unsigned codes, order +x, -x, +y, -y

    Returns
    -------
    dict
        Every stage by its name in the contract: ``frames`` and ``binned`` in units of full scale, ``gradient``
        (complex, rad/px, before the surface is subtracted), ``spectrum`` and ``quotient`` (complex, rad, without the
        transforms' 1/N^2), ``phase`` (rad), ``network_input`` (cells, N, N, 5) in [0, 1).
    """
    terms = fft_contract(design)
    full_scale = frames / 2.0**terms.frame.width
    binned = bin_values(full_scale, design)
    gradient = gradients(binned, design)
    return {"frames": full_scale, "binned": binned, "gradient": gradient} | integrate(gradient, binned)


def gradients(binned: Floats, design: Design) -> Complexes:
    """Return gx + i gy in radians a pixel, (cells, N, N), from opposing pairs of frames.

    For Gaussian pupils ``(I+ - I-) / (I+ + I-) = tanh(2 k s / sigma^2)``. A dark pixel counts as half a step of the
    binned sum, as no instrument can tell it from less.
    """
    intensity = np.maximum(binned, four_angle_contract(design).binned.step / 2)
    plus, minus = intensity[:, 0::2], intensity[:, 1::2]
    atanh = np.arctanh((plus - minus) / (plus + minus))
    scale_x, scale_y = (design.binning * axis for axis in design.four_angle.gradient_per_atanh)
    return atanh[:, 0] * scale_x + 1j * atanh[:, 1] * scale_y


def integrate(gradient: Complexes, binned: Floats) -> dict[str, NDArray]:
    """Integrate gradients (cells, N, N) to phase; the stages from ``spectrum`` on."""
    size = gradient.shape[-1]
    spectrum = np.fft.fft2(gradient - border_surface(gradient)) * size
    quotient = spectrum * inverse_derivative(size)
    phase = np.fft.ifft2(quotient).imag
    phase = phase - phase[:, : 1 << OFFSET_ROWS_LOG2].mean(axis=(1, 2), keepdims=True)
    return {
        "spectrum": spectrum,
        "quotient": quotient,
        "phase": phase,
        "network_input": network_input(binned, phase),
    }


def border_surface(gradient: Complexes) -> Complexes:
    """Return the second-order surface through the frame's border, least squares, (cells, N, N)."""
    basis, solve = _border_basis(gradient.shape[-1])
    border = gradient.reshape(len(gradient), -1)[:, solve[1]]
    return ((border @ solve[0].T) @ basis).reshape(gradient.shape)


def network_input(binned: Floats, phase: Floats) -> Floats:
    """Return the network's channels before their rounding to 8 bits, (cells, N, N, 5) in [0, 1 - 2^-8]."""
    code = (phase + PHASE_CODE_OFFSET_RAD) * PHASE_CODES_PER_RADIAN * PIXEL.step
    channels = np.concatenate([binned, code[:, None]], axis=1)
    return np.clip(np.moveaxis(channels, 1, -1), PIXEL.min, PIXEL.max)


@lru_cache
def _border_basis(size: int) -> tuple[Floats, tuple[Floats, NDArray[np.intp]]]:
    axis = np.linspace(-1, 1, size)
    y, x = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    basis = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    row, column = np.divmod(np.arange(size * size), size)
    depth = np.minimum.reduce([row, column, size - 1 - row, size - 1 - column])
    border = np.flatnonzero(depth < BORDER)
    return basis, (np.linalg.pinv(basis[:, border].T), border)


@lru_cache
def inverse_derivative(size: int) -> Complexes:
    """``1 / (2 pi (kx + i ky))``; zero at k = 0 and, for even N, on the Nyquist row and column."""
    k = np.fft.fftfreq(size, 1 / size)
    denominator = 2 * np.pi * (k[None, :] + 1j * k[:, None])
    denominator[0, 0] = 1
    inverse = (1 / denominator).astype(np.complex128)
    inverse[0, 0] = inverse[size // 2, :] = inverse[:, size // 2] = 0
    return inverse
