"""The remarks on frames by the integer chain: :mod:`cytogate.model.contract.remarks`, word for word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import BORDER, Codes
from cytogate.model.contract.recursion import Half
from cytogate.model.contract.remarks import CLEANER, CLEANER_APART, CURL, CURL_BLOCK


def cleaner_halves(gradient: Codes) -> Codes:
    """Return which half starts at the cleaner edge (cells,), of gradients (cells, N, N, 2); a Half each."""
    changes = np.abs(gradient[:, :, CLEANER_APART:] - gradient[:, :, :-CLEANER_APART])
    top, bottom = (changes[:, rows].sum(axis=(1, 2, 3)) for rows in (slice(None, BORDER), slice(-BORDER, None)))
    more, less = CLEANER
    return np.select([less * top > more * bottom, less * bottom > more * top], [Half.UP, Half.DOWN], Half.BOTH)


def curls(gradient: Codes) -> tuple[Codes, Codes]:
    """Return sums of the magnitudes of turns and of flows, (cells,) each, of gradients (cells, N, N, 2)."""
    cells, size, block = len(gradient), gradient.shape[1], CURL_BLOCK
    sums = gradient.reshape(cells, size // block, block, size // block, block, 2).sum(axis=(2, 4))
    x, y = sums[..., 0], sums[..., 1]

    def rightward(of: Codes) -> Codes:
        columns = np.diff(of, axis=2)
        return columns[:, 1:] + columns[:, :-1]

    def downward(of: Codes) -> Codes:
        rows = np.diff(of, axis=1)
        return rows[:, :, 1:] + rows[:, :, :-1]

    turns, flows = rightward(y) - downward(x), rightward(x) + downward(y)
    return np.abs(turns).sum(axis=(1, 2)), np.abs(flows).sum(axis=(1, 2))


def curled(gradient: Codes) -> NDArray[np.bool_]:
    """Return whether gradients (cells, N, N, 2) have a curl, (cells,)."""
    turns, flows = curls(gradient)
    more, of = CURL
    return of * turns > more * flows


def negative(phase: Codes) -> NDArray[np.bool_]:
    """Return whether phases (cells, N, N) are negative, (cells,)."""
    return phase.max(axis=(1, 2)) + phase.min(axis=(1, 2)) < 0
