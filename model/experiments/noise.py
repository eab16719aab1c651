"""Noise images that go along with a page's quantized network where real cells may not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import SIGNED_PIXEL


def noise_like(codes: NDArray[np.int8], count: int, seed: int) -> NDArray[np.int8]:
    """Return codes (count, rows, columns, channels), each pixel with the mean and the spread that it has in cells.

    They stand in for cells, which belong to those who took them: a page may be handed on.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.normal(codes.mean(axis=0), codes.std(axis=0), (count, *codes.shape[1:]))
    return np.clip(np.rint(drawn), SIGNED_PIXEL.code_min, SIGNED_PIXEL.code_max).astype(np.int8)
