"""Features of the texture within a cell: bands of its phase, granules, tilt contrasts and brightness of its frames.

Bands and granules are of what the best ellipsoid leaves of the phase: the body's own curve is no texture. Scales are
pixels of the window.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from scipy import ndimage

from cytogate.model.features.phase_body import Ellipsoid
from cytogate.model.features.phase_cell import Floats, PhaseCell, moments, off_center

BLURS = (0.7, 1.2, 2.0, 3.2, 5.2)
"""Standard deviations whose neighbours bound a band."""
FINE, COARSE = 1.2, 3.2
"""Of :data:`BLURS`: between them are granules; tilt contrasts are told at the first and at twice the first."""
NEIGHBOURHOOD = 5
"""Pixels square in which a granule is the highest."""
QUANTILES = (0.25, 0.5, 0.75, 0.9)

_MOMENTS = ("sd", "skewness", "kurtosis")
NAMES = (
    *(f"band_{band}_{moment}" for band in range(1, len(BLURS)) for moment in _MOMENTS),
    "granules", "granule_density", *(f"granule_height_{quantile}" for quantile in QUANTILES),
    "granules_spread", "granules_off_center",
    *(f"tilt_{scale}_{moment}" for scale in ("fine", "coarse") for moment in _MOMENTS),
    "tilt_dip_median", "tilt_dip_0.9", "tilt_mean",
    *(f"brightness_{scale}_{moment}" for scale in ("fine", "coarse") for moment in _MOMENTS), "brightness_mean",
)  # fmt: skip


def texture(cell: PhaseCell, ellipsoid: Ellipsoid) -> list[float]:
    """Return the features that :data:`NAMES` tells: phases in radians, frames in codes, lengths in radii."""
    rest = cell.phase - ellipsoid.phase
    blurred = {blur: ndimage.gaussian_filter(rest, blur) for blur in BLURS}
    bands = (blurred[fine] - blurred[coarse] for fine, coarse in pairwise(BLURS))
    return [
        *(value for band in bands for value in moments(band[cell.core])),
        *_granules(cell, blurred[FINE] - blurred[COARSE]),
        *_tilts(cell),
        *_brightness(cell),
    ]


def _granules(cell: PhaseCell, fine: Floats) -> list[float]:
    """Tell peaks of the band ``fine`` (rows, columns), and where what rises above the rest lies."""
    heights = _peaks(fine, cell)
    raised = np.maximum(fine, 0)
    y, x = (each[cell.core] for each in cell.places)
    weights = raised[cell.core]
    # No more than the weights' second moment about the outline's center: what is off center is told beside it.
    spread = math.sqrt(float((weights * (y * y + x * x)).sum()) / max(float(weights.sum()), 1e-9)) / cell.radius
    return [
        float(len(heights)),
        len(heights) / np.count_nonzero(cell.core),
        *_quantiles(heights, QUANTILES),
        spread,
        off_center(raised, cell, cell.core),
    ]


def _tilts(cell: PhaseCell) -> list[float]:
    """Tell the divergence of the tilt contrasts (+x) - (-x) and (+y) - (-y): a lens of its own at each granule."""
    across, down = cell.arms[0] - cell.arms[1], cell.arms[2] - cell.arms[3]
    fine, coarse = (
        ndimage.gaussian_filter(across, blur, (0, 1)) + ndimage.gaussian_filter(down, blur, (1, 0))
        for blur in (FINE, 2 * FINE)
    )
    return [
        *moments(fine[cell.core]),
        *moments(coarse[cell.core]),
        *_quantiles(_peaks(-fine, cell), (0.5, 0.9)),
        float(np.hypot(across, down)[cell.core].mean()),
    ]


def _brightness(cell: PhaseCell) -> list[float]:
    """Tell the sum of the arms about the empty field: what absorbs or scatters beyond the aperture is dark."""
    total = cell.arms.sum(axis=0)
    fine, coarse = (ndimage.gaussian_filter(total, blur) for blur in (FINE, COARSE))
    return [*moments((fine - coarse)[cell.core]), *moments(coarse[cell.core]), float(total[cell.core].mean())]


def _peaks(image: Floats, cell: PhaseCell) -> Floats:
    """Return the heights (peaks,) of local maxima above 0 in the core."""
    top = (ndimage.maximum_filter(image, NEIGHBOURHOOD) == image) & cell.core & (image > 0)
    return image[top]


def _quantiles(values: Floats, shares: tuple[float, ...]) -> list[float]:
    return np.quantile(values, shares).tolist() if len(values) else [0.0] * len(shares)
