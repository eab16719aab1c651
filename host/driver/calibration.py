"""Calibration of the kernels of holograms, as a bundle carries it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.interface.array_file import read_array
from cytogate.model.interface.bundle import KERNEL_CALIBRATION, SETTING_WORDS


def read_kernel_calibration(folder: Path, design: Design) -> NDArray[np.uint64] | None:
    """Return what the kernels of an off-axis design are told, from an extracted bundle; None of another design.

    Raises
    ------
    InputError
        If it is damaged, or of another map than the design's.
    """
    if not isinstance(design.instrument, OffAxis):
        return None
    return read_array(folder / KERNEL_CALIBRATION, (SETTING_WORDS + design.map_size**2,), np.uint64)
