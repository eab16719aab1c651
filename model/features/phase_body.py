"""Features of a cell's phase: its distribution, the ellipsoid that explains it best, and what that leaves.

Through an even ellipsoid light goes a way whose square is a polynomial of second degree of the place: fitted to the
square of the phase, it gives the ellipsoid's half axes and its phase at the middle. Nucleus and vacuoles remain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cytogate.model.features.phase_cell import Floats, PhaseCell, moments, off_center

FITTED = 0.9
"""Share of the way to the rim within which the ellipsoid is fitted: at the rim the optics blur."""
SHELLS = 6
"""Rings of equal width from center to rim, in each of which the mean of what remains is told."""
BLUR = 2.0
"""Standard deviation, in pixels, of the blur before extremes of what remains are told: one pixel's noise is none."""

NAMES = (
    "phase_mean", "phase_max", "phase_sd", "phase_skewness", "phase_kurtosis", "phase_total", "phase_off_center",
    "body_peak", "body_major", "body_minor", "body_density",
    *(f"rest_shell_{shell}" for shell in range(SHELLS)),
    "rest_sd", "rest_skewness", "rest_kurtosis", "rest_low", "rest_high", "rest_off_center",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """The even ellipsoid that explains the phase of a cell best."""

    phase: Floats
    """(rows, columns) radians, as the cell's."""
    peak: float
    """Radians, at the middle."""
    major: float
    """Half axis in pixels; so is ``minor``."""
    minor: float

    @staticmethod
    def of(cell: PhaseCell) -> Ellipsoid:
        """Fit it; where the phase does not fall towards the rim, a ball of the cell's radius and mean phase stands."""
        where = cell.inside & (cell.depth < FITTED)
        # In radii: powers of pixels would make the equations ill-conditioned.
        y, x = (each / cell.radius for each in cell.places)
        terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
        known = terms[:, where]
        found = np.linalg.lstsq(known @ known.T, known @ cell.phase[where] ** 2, rcond=None)[0]
        level, slope, bend = found[0], found[1:3], np.array([[found[3], found[4] / 2], [found[4] / 2, found[5]]])
        bends = np.linalg.eigvalsh(bend)
        square = level - float(slope @ np.linalg.pinv(bend) @ slope) / 4
        if bends[1] >= -1e-3 * abs(level) or square <= 0:
            ball = 1.5 * float(cell.within.mean())
            return Ellipsoid(ball * np.sqrt(np.maximum(1 - x * x - y * y, 0)), ball, cell.radius, cell.radius)
        minor, major = (cell.radius * math.sqrt(square / -each) for each in bends)
        return Ellipsoid(np.sqrt(np.maximum(np.tensordot(found, terms, 1), 0)), math.sqrt(square), major, minor)


def body(cell: PhaseCell, ellipsoid: Ellipsoid) -> list[float]:
    """Return the features that :data:`NAMES` tells: radians, half axes in pixels, density in radians a pixel."""
    within, inside, rest = cell.within, cell.inside, cell.phase - ellipsoid.phase
    spread, skewness, kurtosis = moments(within)
    shells = np.minimum((cell.depth[inside] * SHELLS).astype(int), SHELLS - 1)
    counts = np.bincount(shells, minlength=SHELLS)
    means = np.bincount(shells, rest[inside], SHELLS) / np.maximum(counts, 1)
    smooth = ndimage.gaussian_filter(rest, BLUR)[cell.core]
    return [
        float(within.mean()),
        float(within.max()),
        spread,
        skewness,
        kurtosis,
        float(within.sum()),
        off_center(cell.phase, cell, inside),
        ellipsoid.peak,
        ellipsoid.major,
        ellipsoid.minor,
        ellipsoid.peak / math.sqrt(ellipsoid.major * ellipsoid.minor),
        *means.tolist(),
        *moments(smooth),
        float(smooth.min()),
        float(smooth.max()),
        off_center(np.maximum(rest, 0), cell, cell.core),
    ]
