"""Features of a cell of a map of path delay, each with its unit and law.

One law for every instrument that gives a phase: off-axis maps hold several cells, a four-angle frame one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cytogate.model.features.cell_features import REFRACTION_INCREMENT_UM3_PER_PG, FeatureColumn

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]


OPD_FEATURES = (
    FeatureColumn(
        "dry_mass", "pg", f"Dry mass, by a refraction increment of {REFRACTION_INCREMENT_UM3_PER_PG} um^3/pg"
    ),
    FeatureColumn("area", "um^2", "Area of the cell"),
    FeatureColumn("volume", "um^3", "Volume of a ball of the same area, an estimate"),
    FeatureColumn("index_step", "", "Mean refractive index less that of the medium, by the estimated volume"),
    FeatureColumn("opd_mean", "nm", "Mean path delay"),
    FeatureColumn("opd_max", "nm", "Largest path delay"),
    FeatureColumn("eccentricity", "", "Eccentricity, 0 for a circle"),
)


def opd_features(opd: Floats, mask: Masks, pitch_um: tuple[float, float]) -> Floats:
    """Return the values of :data:`OPD_FEATURES`, (len(OPD_FEATURES),).

    Parameters
    ----------
    opd : (rows, columns) nanometres
    mask : (rows, columns)
        Where the cell is, at least one pixel.
    pitch_um
        Distance of two pixels down a column and along a row.

    Notes
    -----
    The dry mass is ``sum(OPD) * pixel area / refraction increment`` (Barer 1952, Nature 169:366); the increment is
    known to 8 % at best. The part of a cell below the threshold is left out.
    """
    values, pixel = opd[mask], math.prod(pitch_um)
    area = len(values) * pixel
    delay_um3 = float(values.sum()) * 1e-3 * pixel
    volume = 4 / 3 * math.pi * (area / math.pi) ** 1.5
    return np.array(
        [
            delay_um3 / REFRACTION_INCREMENT_UM3_PER_PG,
            area,
            volume,
            delay_um3 / volume,
            float(values.mean()),
            float(values.max()),
            eccentricity_of(mask, pitch_um),
        ]
    )


def eccentricity_of(mask: Masks, pitch_um: tuple[float, float]) -> float:
    """Return ``sqrt(1 - b^2 / a^2)`` of the ellipse with the second moments of a mask (rows, columns); 0 to 1."""
    rows, columns = (each * pitch for each, pitch in zip(np.nonzero(mask), pitch_um, strict=True))
    yy, xx = rows.var() + pitch_um[0] ** 2 / 12, columns.var() + pitch_um[1] ** 2 / 12
    xy = float(np.mean((rows - rows.mean()) * (columns - columns.mean())))
    middle, apart = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    return math.sqrt(2 * apart / (middle + apart))
