"""Features of a cell's outline: how large, how round, and the harmonics of its rim about its center."""

from __future__ import annotations

import numpy as np
from skimage import measure

from cytogate.model.features.phase_cell import DIRECTIONS, PhaseCell

HARMONICS = 8
"""Of the rim, told one by one: the second is an ellipse, the third a pear."""
FINE = slice(HARMONICS + 1, 21)
"""Harmonics of the rim told together, its roughness; beyond are the pixels."""

NAMES = (
    "area", "compactness", "axis_ratio", "solidity", "rim_mean",
    *(f"rim_harmonic_{harmonic}" for harmonic in range(1, HARMONICS + 1)), "rim_roughness",
)  # fmt: skip


def outline(cell: PhaseCell) -> list[float]:
    """Return the features that :data:`NAMES` tells; harmonics are amplitudes as shares of the mean radius."""
    (region,) = measure.regionprops(cell.inside.astype(np.uint8))
    mean = float(cell.rim.mean())
    amplitudes = 2 * np.abs(np.fft.rfft(cell.rim)) / DIRECTIONS / mean
    return [
        region.area,
        region.perimeter**2 / region.area,
        region.axis_minor_length / region.axis_major_length,
        region.area / max(region.area_convex, region.area),
        mean,
        *amplitudes[1 : HARMONICS + 1].tolist(),
        float(np.hypot.reduce(amplitudes[FINE])),
    ]
