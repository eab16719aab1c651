"""Float64 reference of the laws "two-sided" and "causal", without any rounding.

It shares no arithmetic with the integer model: logarithms are arc tangents, the surface is a least-squares solve, the
row transforms are NumPy's, a known surface is subtracted from the gradient itself before anything is summed.

With ``phi^(kx, y)`` the row transform of the phase, ``d phi^ / dy = -i G^ - kappa phi^``: integrated from row to row
with straight lines between the sharpened rows, downward from the first row and, of conj G^(-kx), upward from the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import BORDER, GRADIENT, SURFACE_COEFFICIENT_FRACTION
from cytogate.model.contract.law import (
    OFFSET_ROWS_LOG2,
    POLYNOMIALS,
    CausalContract,
    RecursionContract,
    recursion_contract,
)
from cytogate.model.contract.recursion import GAINS, LIMITS, SETTLING_FRAMES, STEP_FRAMES, Half
from cytogate.model.contract.remarks import CLEANER, CLEANER_APART
from cytogate.model.design.design import Design
from cytogate.model.retrieval.binning import bin_values
from cytogate.model.retrieval.reference import Complexes, Floats, gradients, network_input


@dataclass(frozen=True, eq=False)
class RealBackground:
    """What :class:`Background` is, in float64."""

    surface: Complexes
    """(6,): coefficients of 1, s, t, s^2, t^2, s t in radians a pixel, x as real and y as imaginary part."""
    frames: int = SETTLING_FRAMES
    frozen: bool = False

    @staticmethod
    def unknown() -> RealBackground:
        """Return the background of a run's first frame."""
        return RealBackground(np.zeros(POLYNOMIALS, np.complex128), frames=0)

    @staticmethod
    def of(background: Background, terms: RecursionContract) -> RealBackground:
        """Return what the chip's background means."""
        step = GRADIENT.step * terms.gradient_scale * 2.0**-SURFACE_COEFFICIENT_FRACTION
        surface = np.asarray(background.surface[:, 0] + 1j * background.surface[:, 1], np.complex128) * step
        return RealBackground(surface, background.frames, background.frozen)

    def slopes(self, size: int) -> Complexes:
        """Return the surface at every pixel of a frame, (N, N) radians a pixel, x as real and y as imaginary part."""
        return slopes_of(self.surface[None], size)[0]

    def after(self, fit: Complexes, code: float) -> RealBackground:
        """Return the background after a frame whose border's surface is ``fit``; ``code`` is a gradient's step."""
        if self.frozen:
            return self
        step = min(self.frames // STEP_FRAMES, len(LIMITS) - 1)
        limit, move = LIMITS[step] * code, fit - self.surface
        limited = np.clip(move.real, -limit, limit) + 1j * np.clip(move.imag, -limit, limit)
        return replace(
            self, surface=self.surface + limited * 2.0 ** -GAINS[step], frames=min(self.frames + 1, SETTLING_FRAMES)
        )


@dataclass(frozen=True)
class Retrieved:
    """What came of some frames of one run."""

    stages: dict[str, NDArray]
    """Every stage by its name in the units of the contract."""
    background: RealBackground | None
    """After the last cell; None where every frame is flattened by its own border."""


def retrieve(
    frames: NDArray[np.unsignedinteger], design: Design, background: RealBackground | None = None
) -> Retrieved:
    """Retrieve phase from raw frames (cells, 4, rows, columns), frames of one run in their order.

    Stages are those of the contract: ``frames`` and ``binned`` in units of full scale, ``gradient`` (complex, rad/px,
    before the surface is subtracted), ``background`` of the law "causal" (complex, rad/px), ``rows`` and ``columns``
    (complex, rad, without the row transform's 1/N), ``phase`` (rad), ``network_input`` (cells, N, N, 5) in [0, 1).
    """
    terms = recursion_contract(design)
    full_scale = frames / 2.0**terms.frame.width
    binned = bin_values(full_scale, design)
    gradient = gradients(binned, design)
    found = integrate(gradient, binned, terms, background)
    stages = {"frames": full_scale, "binned": binned, "gradient": gradient} | found.stages
    return Retrieved(stages, found.background)


def integrate(
    gradient: Complexes, binned: Floats, terms: RecursionContract, background: RealBackground | None = None
) -> Retrieved:
    """Integrate gradients (cells, N, N) to phase; the stages behind the gradient."""
    size, fits = terms.size, border_fits(gradient)
    stages: dict[str, NDArray] = {}
    causal = isinstance(terms, CausalContract)
    halves = np.full(len(gradient), Half.DOWN if causal else Half.BOTH)
    if causal:
        now, used = background or RealBackground.unknown(), []
        for fit in fits:
            used.append(now.surface)
            now = now.after(fit, GRADIENT.step * terms.gradient_scale)
        background, fits = now, np.array(used).reshape(-1, POLYNOMIALS)
        stages["background"] = fits
    elif background is not None:
        fits = np.broadcast_to(background.surface, fits.shape)
    flat = gradient - slopes_of(fits, size)
    if not causal and background is not None:
        halves = cleaner_halves(gradient)
    rows = np.fft.fft(sharpened(gradient), axis=-1)
    stages["rows"] = np.stack([rows[..., 1 : size // 2], np.conj(rows[..., : size // 2 : -1])], axis=-1)
    spectrum = np.fft.fft(sharpened(flat), axis=-1)
    columns = np.zeros((*spectrum.shape[:2], size // 2), np.complex128)
    columns[..., 1:] = integrate_columns(spectrum, halves)
    columns[..., 0] = 1j * mean_column(spectrum[..., 0].imag, halves)
    stages["columns"] = columns
    # Hermitian; the Nyquist column is zero.
    half_spectrum = np.concatenate([-1j * columns, np.zeros_like(columns[..., :1])], axis=-1)
    stages["phase"] = np.fft.irfft(half_spectrum, size, axis=-1)
    stages["network_input"] = network_input(binned, stages["phase"])
    return Retrieved(stages, background)


def cleaner_halves(gradient: Complexes) -> NDArray[np.int64]:
    """Return which half starts at the cleaner edge (cells,)."""
    changes = gradient[:, :, CLEANER_APART:] - gradient[:, :, :-CLEANER_APART]
    magnitudes = np.abs(changes.real) + np.abs(changes.imag)
    top, bottom = (magnitudes[:, rows].sum(axis=(1, 2)) for rows in (slice(None, BORDER), slice(-BORDER, None)))
    ratio = CLEANER[0] / CLEANER[1]
    return np.select([top > ratio * bottom, bottom > ratio * top], [Half.UP, Half.DOWN], Half.BOTH)


def sharpened(gradient: Complexes) -> Complexes:
    """Return gradients less a twelfth of their second difference along y, but for the first and the last row."""
    sharp = gradient.copy()
    sharp[:, 1:-1] -= np.diff(gradient, 2, axis=1) / 12
    return sharp


def integrate_columns(spectrum: Complexes, halves: NDArray[np.int64]) -> Complexes:
    """Return i phi^ (cells, y, k), k = 1 ... N/2 - 1, of row transforms (cells, y, N)."""
    size = spectrum.shape[-1]
    kappa = 2 * np.pi * np.arange(1, size // 2) / size
    a = np.exp(-kappa)
    q, u = ((1 - a) / kappa) ** 2, (kappa - 1 + a) / kappa**2

    def swept(drive: Complexes) -> Complexes:
        states = np.zeros_like(drive)
        for y in range(size - 1):
            states[:, y + 1] = a * states[:, y] + drive[:, y]
        return q * states + u * drive

    down = swept(spectrum[..., 1 : size // 2])
    up = swept(np.conj(spectrum[:, ::-1, : size // 2 : -1]))[:, ::-1]
    told = halves[:, None, None]
    return np.select([told == Half.DOWN, told == Half.UP], [down, up], (down + up) / 2)


def mean_column(sums: Floats, halves: NDArray[np.int64]) -> Floats:
    """Return phi^ (cells, y) of kx = 0 from row sums of the y gradient (cells, y), by trapezoids."""
    size = sums.shape[1]
    column = np.zeros_like(sums)
    column[:, 1:] = np.cumsum((sums[:, 1:] + sums[:, :-1]) / 2, axis=1)
    both = halves[:, None] == Half.BOTH
    column -= np.where(both, np.arange(size) * sums.mean(axis=1, keepdims=True), 0)
    rows = 1 << OFFSET_ROWS_LOG2
    zero = np.where(halves[:, None] == Half.UP, column[:, -rows:], column[:, :rows])
    return column - zero.mean(axis=1, keepdims=True)


def surfaces_of_light(light: Floats, design: Design) -> NDArray[np.int64]:
    """Return the surfaces (cells, 6, 2), as the chip holds them, of empty fields seen without noise.

    ``light`` (cells, 4, rows, columns) is their brightness in units of full scale. An estimate from ever more frames
    comes to the same.
    """
    terms = recursion_contract(design)
    step = GRADIENT.step * terms.gradient_scale * 2.0**-SURFACE_COEFFICIENT_FRACTION
    fits = border_fits(gradients(bin_values(light, design), design)) / step
    return np.rint(np.stack([fits.real, fits.imag], axis=-1)).astype(np.int64)


def slopes_of(surfaces: Complexes, size: int) -> Complexes:
    """Return surfaces of coefficients (cells, 6) at every pixel of a frame, (cells, N, N) in the coefficients' unit."""
    return (surfaces @ _polynomials(size)).reshape(-1, size, size)


def border_fits(gradient: Complexes) -> Complexes:
    """Return the least-squares surfaces of borders (cells, N, N) as coefficients (cells, 6)."""
    border, solve = _border_solution(gradient.shape[-1])
    return gradient.reshape(len(gradient), -1)[:, border] @ solve.T


@lru_cache
def _polynomials(size: int) -> Floats:
    """Return 1, s, t, s^2, t^2 and s t of every pixel, (6, N^2)."""
    axis = (2 * np.arange(size) - (size - 1)) / size
    t, s = (grid.ravel() for grid in np.meshgrid(axis, axis, indexing="ij"))
    return np.stack([np.ones_like(s), s, t, s * s, t * t, s * t])


@lru_cache
def _border_solution(size: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the border's pixels and the matrix from their values to coefficients."""
    row, column = np.divmod(np.arange(size * size), size)
    depth = np.minimum.reduce([row, column, size - 1 - row, size - 1 - column])
    border = np.flatnonzero(depth < BORDER)
    return border, np.linalg.pinv(_polynomials(size)[:, border].T)
