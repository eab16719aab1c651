"""A small off-axis instrument for tests, its fields, and a calibrated design."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Calibration, Design, Network, Window
from cytogate.model.design.folder import DESIGN_FILE, design_text
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Compact
from cytogate.model.simulation.holograms import SimulatedHolograms

OPTICS = OffAxis(hologram_size=256, rows=256, columns=256)
MEASURED = Calibration(1, OPTICS.carrier_y, OPTICS.carrier_x, 0.124, OPTICS.magnification, 1.0)


def off_axis_design(calibration: Calibration | None = MEASURED, optics: OffAxis = OPTICS) -> Design:
    """Return a design of the smallest holograms."""
    return Design(
        "holo", instrument=optics, window=Window(64, 64, 2), network=Network(("a", "b"), Compact()),
        calibration=calibration,
    )  # fmt: skip


def fields(count: int, seed: int = 1, cells: int = 1) -> SimulatedHolograms:
    """Return fields with small cells of that instrument."""
    return SimulatedHolograms(OPTICS, ("PBMC",), count, cells, seed)


def write_design(folder: Path, optics: OffAxis = OPTICS) -> Path:
    """Write the folder of an uncalibrated design."""
    folder.mkdir(parents=True)
    (folder / DESIGN_FILE).write_text(design_text(off_axis_design(None, optics)), encoding="utf-8")
    return folder


def fringed(
    phase: NDArray[np.float64], carrier: tuple[float, float], shape: tuple[int, int], contrast: float = 0.6
) -> NDArray[np.uint8]:
    """Return an 8-bit hologram of a phase (rows, columns) without noise."""
    y, x = np.arange(shape[0])[:, None], np.arange(shape[1])
    turn = 2 * np.pi * (carrier[0] * y + carrier[1] * x)
    return np.rint(110 * (1 + contrast * np.cos(phase + turn))).astype(np.uint8)


def with_carrier(design: Design, y: float, x: float, radius: float = 0.1) -> Design:
    """Return the design calibrated to another carrier."""
    assert design.calibration is not None
    found = dataclasses.replace(design.calibration, carrier_y=y, carrier_x=x, sideband_radius=radius)
    return dataclasses.replace(design, calibration=found)
