"""The off-axis kernel in C-simulation equals the integer model on every value of every stage, extremes included."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design, Window
from cytogate.model.design.instruments import OffAxis
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.simulation.holograms import SimulatedHolograms
from cytogate.sim.csim.delay import RECORDED, DelaySimulation
from tests.holograms import OPTICS, fields, off_axis_design, with_carrier
from tests.test_off_axis_integer import extremes


def differing(simulation: DelaySimulation, design: Design, frame: NDArray, phasor: Codes) -> tuple[int, int, int]:
    """Cells that were found, values that were compared, and those that differ."""
    words = integer.retrieve(frame, design, phasor)
    found = dataclasses.replace(simulation, design=design).run(words.hologram, phasor)
    assert set(found) == set(RECORDED)
    for name, codes in found.items():
        assert codes.shape == getattr(words, name).shape, name
    pairs = [(codes, getattr(words, name)) for name, codes in found.items()]
    wrong = sum(int(np.count_nonzero(codes != ours)) for codes, ours in pairs)
    return len(words.center), sum(ours.size for _, ours in pairs), wrong


def phasors(design: Design, seed: int) -> Codes:
    """Those of a reference field that is rough and bright, as no instrument's is."""
    rng = np.random.default_rng(seed)
    field = rng.standard_normal((design.map_size,) * 2) + 1j * rng.standard_normal((design.map_size,) * 2)
    return integer.reference_phasor(field)


def values(size: int, side: int, cells: int = 0) -> int:
    """Values of one hologram's stages, with so many cells in squares of 64."""
    of_cells = 2 + cells * (4 + 64**2)
    return 2 * size * side + size + 2 * (2 * side**2 + side) + 3 * side**2 + of_cells


@pytest.fixture(scope="module")
def simulation(builds: Path) -> DelaySimulation:
    return DelaySimulation.of(off_axis_design(), builds / "delay256")


def test_equals_the_integer_model_on_every_value(simulation: DelaySimulation) -> None:
    """Cells; holograms that no camera takes; carriers at the border; a frame that is padded; another reference."""
    design, compared, found = off_axis_design(), 0, []
    smooth, rough = integer.reference_phasor(reference_field(design)), phasors(design, 5)
    border = with_carrier(design, 0.4999, -0.31)
    padded = dataclasses.replace(design, instrument=dataclasses.replace(OPTICS, rows=190, columns=201))
    frame = fields(1, cells=2)[0].frame
    cases = [(design, frame, smooth), (design, frame, rough), (border, frame, smooth)]
    cases += [(padded, frame[:190, :201], smooth)]
    cases += [(design, each, smooth) for each in extremes().values()]
    for own, hologram, phasor in cases:
        cells, count, wrong = differing(simulation, own, hologram, phasor)
        assert count == values(256, 128, cells)
        assert not wrong
        compared += count - values(0, 0, cells)
        found.append(cells)
    assert found[0] == 2
    assert compared == 10 * 180_736


def test_a_kernel_with_another_table_differs(simulation: DelaySimulation) -> None:
    """The comparison sees a phasor that is one code off at one pixel of background."""
    design = off_axis_design()
    phasor = integer.reference_phasor(reference_field(design))
    frame = fields(1)[0].frame
    words = integer.retrieve(frame, design, phasor)
    spoilt = phasor.copy()
    spoilt[64, 64] = spoilt[64, 64][::-1]
    found = simulation.run(words.hologram, spoilt)
    assert np.count_nonzero(found["wrapped"] != words.wrapped) == 1
    assert np.array_equal(found["field"], words.field)


def test_a_hologram_of_another_size_is_refused(simulation: DelaySimulation) -> None:
    with pytest.raises(ValueError, match="do not fit the design"):
        simulation.run(np.zeros((128, 128), np.int64), np.zeros((128, 128, 2), np.int64))


@pytest.mark.full
@pytest.mark.parametrize(("size", "binning", "bits"), [(512, 2, 8), (512, 1, 12), (256, 1, 16)])
def test_other_sizes_and_cameras(size: int, binning: int, bits: int, builds: Path) -> None:
    optics = OffAxis(hologram_size=size, rows=size, columns=size, adc_bits=bits)
    design = dataclasses.replace(off_axis_design(), instrument=optics, window=Window(64, 64, binning))
    simulation = DelaySimulation.of(design, builds / f"delay{size}-{binning}-{bits}")
    phasor = integer.reference_phasor(reference_field(design))
    rng = np.random.default_rng(7)
    frames = [
        SimulatedHolograms(optics, ("PBMC", "MCF7"), 1, 3, 4)[0].frame,
        rng.integers(0, 2**bits, (size, size)),
        (2**bits - 1) * rng.integers(0, 2, (size, size)),
    ]
    for frame in frames:
        cells, count, wrong = differing(simulation, design, frame, phasor)
        assert count == values(size, size // binning, cells)
        assert not wrong
