"""Off-axis retrieval in compiled C++ against its integer model: equal on every value, whatever is given."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.design.design import Design, Window
from cytogate.model.design.instruments import OffAxis
from cytogate.model.retrieval.off_axis import integer, native
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.native import STAGES, NativeDelay
from cytogate.model.simulation.holograms import SimulatedHolograms
from tests.holograms import fields, off_axis_design, with_carrier
from tests.test_delay_kernel import phasors
from tests.test_native import own_levels
from tests.test_off_axis_integer import extremes

DESIGN = off_axis_design()


def smooth(design: Design) -> NDArray[np.int64]:
    return integer.reference_phasor(reference_field(design))


def compare(retrieval: NativeDelay, design: Design, frame: NDArray, phasor: NDArray[np.int64]) -> int:
    """Assert that every stage is equal; return how many values were compared."""
    due, found, compared = integer.retrieve(frame, design, phasor), retrieval.retrieve(frame, phasor), 0
    for name in ("hologram", *STAGES, "found", "center", "region", "network_input"):
        assert np.array_equal(getattr(found, name), getattr(due, name)), name
        assert getattr(found, name).dtype == getattr(due, name).dtype
        compared += getattr(due, name).size
    return compared


def other(size: int, binning: int, bits: int, rows: int = 0, columns: int = 0) -> Design:
    optics = OffAxis(hologram_size=size, rows=rows or size, columns=columns or size, adc_bits=bits)
    return dataclasses.replace(with_carrier(DESIGN, 0.3, 0.24), instrument=optics, window=Window(64, 64, binning))


DESIGNS = {
    "256": DESIGN,
    "not binned, 16 bits": other(256, 1, 16),
    "binned by four, 10 bits": other(256, 4, 10),
    "512": other(512, 2, 8),
    "512, not binned, 12 bits": other(512, 1, 12),
    "padded": other(256, 2, 8, 190, 201),
    "cropped": other(256, 2, 8, 300, 271),
    "at the border of the spectrum": with_carrier(DESIGN, 0.4999, -0.31),
}


LARGE = ("not binned, 16 bits", "512", "512, not binned, 12 bits")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full if name in LARGE else ()) for name in DESIGNS]
)
def test_equal_at_every_stage(name: str) -> None:
    """Cells, noise, black and white; a smooth and a rough reference."""
    design, rng = DESIGNS[name], np.random.default_rng(7)
    camera, size = design.off_axis, design.off_axis.hologram_size
    shape, most = (camera.rows, camera.columns), 2**camera.adc_bits - 1
    frames = [
        SimulatedHolograms(camera, ("PBMC", "MCF7"), 1, 3, 4)[0].frame,
        rng.integers(0, most + 1, shape).astype(np.uint16),
        (most * rng.integers(0, 2, shape)).astype(np.uint16),
    ]
    retrieval, compared = NativeDelay.of(design), 0
    for frame in frames:
        for phasor in (smooth(design), phasors(design, 5)):
            compared += compare(retrieval, design, frame, phasor)
    map_size = design.map_size
    assert compared >= 6 * (size**2 + 2 * size * map_size + 7 * map_size**2)


@pytest.mark.parametrize("processor", own_levels())
def test_no_value_depends_on_the_processor(processor: str) -> None:
    retrieval = NativeDelay.of(DESIGN, processor)
    for frame in [fields(1, cells=2)[0].frame, *extremes().values()]:
        assert compare(retrieval, DESIGN, frame, smooth(DESIGN)) > 240_000


@pytest.mark.full
def test_a_thousand_holograms() -> None:
    made, phasor, compared = fields(1000, seed=3, cells=3), smooth(DESIGN), 0
    retrieval = NativeDelay.of(DESIGN)
    for index in range(len(made)):
        compared += compare(retrieval, DESIGN, made[index].frame, phasor)
    assert compared > 240e6


def test_another_phasor_is_seen() -> None:
    """The comparison sees one that is one code off at one pixel."""
    frame, phasor = fields(1)[0].frame, smooth(DESIGN)
    spoilt = phasor.copy()
    spoilt[64, 64, 1] += 40
    found = NativeDelay.of(DESIGN).retrieve(frame, spoilt)
    assert np.count_nonzero(found.wrapped != integer.retrieve(frame, DESIGN, phasor).wrapped) == 1


def test_what_does_not_fit_is_refused() -> None:
    retrieval = NativeDelay.of(DESIGN)
    with pytest.raises(ValueError, match="are needed"):
        retrieval.retrieve(fields(1)[0].frame, smooth(DESIGN)[:64])


def test_without_a_compiler_the_integer_model_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "native_delay", lambda _design: None)
    frame, phasor = fields(1)[0].frame, smooth(DESIGN)
    found, due = native.retrieve(frame, DESIGN, phasor), integer.retrieve(frame, DESIGN, phasor)
    assert all(np.array_equal(getattr(found, name), getattr(due, name)) for name in STAGES)
