"""Hand-made features of a cell and the support vector machine on them: the baseline that a network has to reach.

Features are computed from the very codes that the network sees. The cell is where the phase exceeds a threshold, the
largest such region of the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from skimage import measure

from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN
from cytogate.model.design.instruments import ANGLES

THRESHOLD_RAD = 0.35
"""About a third of the phase at the rim of a small cell, and ten times the noise of the background."""
TEXTURE_SCALES = (1, 2, 4)
"""Standard deviations, in pixels, of the blurs whose differences from the image are texture."""
RIM = 5
"""Pixels at a cell's rim whose steep phase is no texture."""

NAMES = (
    "area", "compactness", "axis_ratio", "solidity",
    "phase_mean", "phase_max", "phase_sd", "phase_skewness", "phase_total", "phase_inner", "phase_outer",
    *(f"phase_texture_{scale}" for scale in TEXTURE_SCALES),
    *(f"bright_field_texture_{scale}" for scale in TEXTURE_SCALES),
)  # fmt: skip
"""What the columns of :func:`features` are."""


def features(inputs: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the features (cells, len(NAMES)) of network inputs (cells, N, N, 5), zeros where there is no cell.

    Lengths are pixels, phases radians, bright field in ADC codes after binning.
    """
    return np.array([_of_cell(cell) for cell in inputs]).reshape(-1, len(NAMES))


def _of_cell(codes: NDArray[np.integer]) -> list[float]:
    phase = codes[..., ANGLES] / PHASE_CODES_PER_RADIAN - PHASE_CODE_OFFSET_RAD
    regions = measure.regionprops(measure.label(phase > THRESHOLD_RAD))
    cell = max(regions, key=lambda region: region.area, default=None)
    if cell is None or cell.area_convex < 3 or not cell.axis_major_length:
        return [0.0] * len(NAMES)
    # The box of the cell with room for the widest blur is all that matters.
    margin = 4 * max(TEXTURE_SCALES)
    top, left, bottom, right = cell.bbox
    box = slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin)
    inside = np.zeros(phase.shape, bool)
    inside[cell.coords[:, 0], cell.coords[:, 1]] = True
    phase, inside, bright = phase[box], inside[box], codes[box][..., :ANGLES].astype(np.float64)
    within = phase[inside]
    rows, columns = np.nonzero(inside)
    distance = np.hypot(rows - rows.mean(), columns - columns.mean()) / (cell.equivalent_diameter_area / 2)
    core = ndimage.binary_erosion(inside, iterations=RIM)
    return [
        cell.area,
        cell.perimeter**2 / cell.area,
        cell.axis_minor_length / cell.axis_major_length,
        cell.solidity,
        within.mean(),
        within.max(),
        within.std(),
        float(stats.skew(within)) if within.std() else 0.0,
        within.sum(),
        _mean(within[distance < 0.4]) / within.mean(),
        _mean(within[(distance > 0.5) & (distance < 0.8)]) / within.mean(),
        *(_texture(phase[..., None], core, scale) for scale in TEXTURE_SCALES),
        *(_texture(bright, core, scale) for scale in TEXTURE_SCALES),
    ]


def _texture(images: NDArray[np.float64], where: NDArray[np.bool_], scale: float) -> float:
    """Return the spread of what a blur takes away, the mean over images (rows, columns, images)."""
    if not where.any():
        return 0.0
    fine = images - ndimage.gaussian_filter(images, (scale, scale, 0))
    return float(fine[where].std(axis=0).mean())


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0
