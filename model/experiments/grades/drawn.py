"""Parameters that a simulated cell was drawn with, as numbers for a classifier: what no optics can take away."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.simulation.cells import MEDIUM_INDEX, Cell, Inclusions

BULK = ("diameter", "index step")
OUTLINE = ("axis ratio", "unevenness", "blebs", "volume of the blebs")
INSIDE = (
    "nucleus ratio", "axis ratio of the nucleus", "index step of the nucleus", "notch", "nucleoli",
    "radius of the nucleoli", "granules per volume", "radius of the granules", "index step of the granules",
    "gathering of the granules", "texture", "length of the texture",
)  # fmt: skip
NAMES = BULK + OUTLINE + INSIDE
"""What the columns of :func:`drawn` are: lengths in um, volumes in um^3, indices less that of what surrounds them."""


def drawn(cells: Sequence[Cell]) -> NDArray[np.float64]:
    """Return what cells were drawn with: (cells, len(NAMES)).

    A cell has a few granules and nucleoli that were drawn about values of its own; of these the means stand here, 0
    where there is none.
    """
    return np.array([_of_cell(cell) for cell in cells]).reshape(-1, len(NAMES))


def _of_cell(cell: Cell) -> list[float]:
    body, nucleus = cell.body, cell.nucleus
    volume = 4 / 3 * math.pi * body.along_um * body.across_um * body.depth_um
    notch = 0.0
    if cell.indentation is not None:
        away = math.hypot(cell.indentation.x_um - nucleus.x_um, cell.indentation.y_um - nucleus.y_um)
        notch = 1 - (away - cell.indentation.along_um) / nucleus.depth_um
    return [
        2 * body.depth_um,
        cell.index - MEDIUM_INDEX,
        body.across_um / body.along_um,
        math.sqrt(sum(amplitude**2 for amplitude, _ in body.lobes) / max(1, len(body.lobes))),
        len(cell.blebs),
        sum(4 / 3 * math.pi * bleb.depth_um**3 for bleb in cell.blebs),
        nucleus.depth_um / body.depth_um,
        nucleus.across_um / nucleus.along_um,
        cell.nucleus_step,
        notch,
        len(cell.nucleoli.radius_um),
        _mean(cell.nucleoli.radius_um),
        len(cell.granules.radius_um) / volume,
        _mean(cell.granules.radius_um),
        _mean(cell.granules.index_step),
        _gathering(cell.granules) / body.depth_um,
        cell.texture_sd,
        cell.texture_length_um,
    ]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _gathering(granules: Inclusions) -> float:
    """Return how far the granules' middle lies from the cell's, in um: about 0 where they lie all around."""
    return math.hypot(_mean(granules.x_um), _mean(granules.y_um))
