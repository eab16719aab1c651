"""Unwrapping a phase map: unweighted least squares by the cosine transform, then congruence.

Ghiglia & Romero 1994, J. Opt. Soc. Am. A 11:107: the surface whose differences are nearest to the wrapped differences
of the given phase solves a Poisson equation, which the cosine transform divides by ``2 cos + 2 cos - 4``. The surface
is only within a few radians of what was given; adding the wrapped rest makes it differ from that by whole turns.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TURN = 2 * np.pi


def wrap(phase: Floats) -> Floats:
    """Return phases in [-pi, pi), whatever they were.

    >>> wrap(np.array([np.pi, -np.pi, 7.0])).round(4).tolist()
    [-3.1416, -3.1416, 0.7168]
    """
    return (phase + np.pi) % TURN - np.pi


def unwrap(wrapped: Floats, believed: tuple[slice, slice]) -> Floats:
    """Return the phase that a wrapped one comes from, up to one global multiple of 2 pi.

    Parameters
    ----------
    wrapped : (rows, columns) radians in [-pi, pi)
    believed
        Rows and columns that hold a phase. What lies beyond is replaced by the nearest of them, which keeps the
        differences free of curl, so that it pulls at nothing.

    Returns
    -------
    (rows, columns) radians
        ``wrapped``, so continued, plus whole turns.

    Examples
    --------
    >>> y, x = np.mgrid[:32, :32]
    >>> hill = 12 * np.exp(-((y - 15) ** 2 + (x - 17) ** 2) / 60)
    >>> found = unwrap(wrap(hill), (slice(0, 32), slice(0, 32)))
    >>> bool(np.allclose(found - found[0, 0], hill - hill[0, 0]))
    True
    """
    continued = wrapped[np.ix_(*map(_nearest, wrapped.shape, believed))]
    smooth = _poisson(_sources(continued))
    return smooth + wrap(continued - smooth)


def _nearest(count: int, believed: slice) -> NDArray[np.intp]:
    """Return for each of ``count`` places the nearest believed one."""
    start, stop, _ = believed.indices(count)
    return np.clip(np.arange(count), start, stop - 1)


def _sources(wrapped: Floats) -> Floats:
    """Return the divergence of the wrapped differences (rows, columns)."""
    down, right = wrap(np.diff(wrapped, axis=0)), wrap(np.diff(wrapped, axis=1))
    sources = np.zeros_like(wrapped)
    sources[:-1] += down
    sources[1:] -= down
    sources[:, :-1] += right
    sources[:, 1:] -= right
    return sources


def _poisson(sources: Floats) -> Floats:
    """Solve Poisson's equation on the grid with reflecting edges; the solution has a mean of zero."""
    rows, columns = (2 * np.cos(np.pi * np.arange(count) / count) for count in sources.shape)
    divisor = rows[:, None] + columns - 4
    divisor[0, 0] = 1
    spectrum = scipy.fft.dctn(sources, type=2) / divisor
    spectrum[0, 0] = 0
    return np.asarray(scipy.fft.idctn(spectrum, type=2))
