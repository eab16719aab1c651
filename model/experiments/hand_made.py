"""Hand-made features of an experiment's cells, under a bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.experiments.setting import Setting
from cytogate.model.features import image_features

AT_A_TIME = 100
"""Cells whose features are computed between two moves of the bar."""


def hand_made(images: NDArray[np.integer], what: str, setting: Setting) -> NDArray[np.float64]:
    """Return features (cells, features) of images (cells, rows, columns, channels), each of one image alone."""
    parts = np.array_split(images, max(1, len(images) // AT_A_TIME))
    return np.concatenate([image_features.hand_made(part) for part in setting.tracked(parts, f"features, {what}")])
