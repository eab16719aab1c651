"""The central window of raw frames, binned: sums of codes, and means of values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design


def bin_codes(frames: NDArray[np.unsignedinteger], design: Design) -> Codes:
    """Return sums of ``binning x binning`` raw codes: (cells, channels, rows, columns) of the window."""
    sums: Codes = _blocks(frames, design).astype(np.int64).sum(axis=(-3, -1))
    return sums


def bin_values(frames: NDArray[np.float64], design: Design) -> NDArray[np.float64]:
    """Return means of ``binning x binning`` raw pixels: (cells, channels, rows, columns) of the window."""
    means: NDArray[np.float64] = _blocks(frames, design).mean(axis=(-3, -1))
    return means


def _blocks(frames: NDArray, design: Design) -> NDArray:
    """Return the window of frames (..., rows, columns) as (..., rows, binning, columns, binning)."""
    (top, left), (rows, columns), binning = design.crop, design.window.raw, design.binning
    window = frames[..., top : top + rows, left : left + columns]
    return window.reshape(*frames.shape[:-2], rows // binning, binning, columns // binning, binning)
