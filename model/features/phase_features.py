"""Hand-made features of a cell of a four-angle instrument: what a network has to be worth more than.

Features are computed from the very codes that the network sees. Mirrors and quarter turns of a cell change none of them
(the arms go along, see ``augment`` of :mod:`cytogate.model.training.designs`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.features import phase_body, phase_outline, phase_texture
from cytogate.model.features.phase_cell import PhaseCell

NAMES = (*phase_outline.NAMES, *phase_body.NAMES, *phase_texture.NAMES)
"""What the columns of :func:`features` are."""


def features(inputs: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the features (cells, len(NAMES)) of network inputs (cells, N, N, 5), zeros where there is no cell.

    Lengths are pixels of the window, whatever its binning; phases radians; frames in ADC codes after binning.
    """
    return np.array([_of_cell(codes) for codes in inputs]).reshape(-1, len(NAMES))


def _of_cell(codes: NDArray[np.integer]) -> list[float]:
    cell = PhaseCell.of(codes)
    if cell is None:
        return [0.0] * len(NAMES)
    ellipsoid = phase_body.Ellipsoid.of(cell)
    return [
        *phase_outline.outline(cell),
        *phase_body.body(cell, ellipsoid),
        *phase_texture.texture(cell, ellipsoid),
    ]
