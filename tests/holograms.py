"""A small off-axis instrument for tests, its fields, and a calibrated design."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Calibration, Design, Network, Window
from cytogate.model.design.folder import (
    CALIBRATION_FILE,
    CALIBRATION_FOLDER,
    DESIGN_FILE,
    REFERENCE_FILE,
    calibration_text,
    design_text,
    load_design,
)
from cytogate.model.design.instruments import OffAxis
from cytogate.model.design.topologies import Compact
from cytogate.model.interface.bundle import KERNEL_CALIBRATION, REFERENCE, WEIGHTS
from cytogate.model.networks.build import build
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import save_network
from cytogate.model.retrieval.off_axis.calibration import read_reference, reference_of
from cytogate.model.retrieval.off_axis.integer import reference_phasor
from cytogate.model.retrieval.off_axis.kernel_calibration import calibration_words
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband
from cytogate.model.simulation.holograms import SimulatedHolograms
from cytogate.sim.board.bundle import write_synthetic
from tests.streams import small_bundle

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


def write_calibrated(folder: Path) -> Design:
    """Write the folder of a calibrated design with a small network of made-up weights; return the design."""
    given = off_axis_design(None, dataclasses.replace(OPTICS, least_area_um2=5.0))
    small = dataclasses.replace(given.network, topology=Compact(filters=(2, 2, 2), dense=4))
    measured = folder / CALIBRATION_FOLDER / f"{MEASURED.version:04d}"
    measured.mkdir(parents=True)
    (folder / DESIGN_FILE).write_text(design_text(dataclasses.replace(given, network=small)), encoding="utf-8")
    (measured / CALIBRATION_FILE).write_text(calibration_text(MEASURED), encoding="utf-8")
    design, made = load_design(folder), fields(2)
    empty = [made.empty_field(index) for index in range(2)]
    np.save(measured / REFERENCE_FILE, reference_of(empty, empty, Placing.of(design), Sideband.of(design)))
    keras.utils.set_random_seed(5)
    save_network(build(design, quantized=True), design, quantized=True)
    return design


def write_light_bundle(folder: Path, design: Design, empty: Sequence[NDArray]) -> Path:
    """Write ``b.zip`` with a network that is none, and its ``reference.npy`` of empty holograms."""
    np.save(folder / "reference.npy", reference_of(empty, empty, Placing.of(design), Sideband.of(design)))
    phasor = reference_phasor(read_reference(folder / "reference.npy", design))
    np.save(folder / "kernels.npy", calibration_words(design, phasor))
    (folder / "no.weights.h5").write_bytes(b"weights of no network")
    return packed(folder, design)


def packed(folder: Path, design: Design) -> Path:
    """Write ``b.zip`` of a folder's files."""
    names = {WEIGHTS: "no.weights.h5", REFERENCE: "reference.npy", KERNEL_CALIBRATION: "kernels.npy"}
    members = {member: folder / name for member, name in names.items()}
    write_synthetic(folder / "b.zip", small_bundle(design).manifest, design, members)
    return folder / "b.zip"
