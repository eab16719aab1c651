"""The phase retrieval kernel in C-simulation equals the integer model on every word, and survives bad packets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.header import GENERATED, HEADER_NAME, header_text
from cytogate.model.contract.law import contract
from cytogate.model.design.design import Design, Window
from cytogate.model.design.folder import builtin_names, load_design
from cytogate.model.design.instruments import FourAngle
from cytogate.model.retrieval import integer
from cytogate.sim.csim.compare import StageTally
from cytogate.sim.csim.kernels import CSimulation
from tests.phantoms import bumps, extremes, noise

OTHER_DESIGNS = {
    design.name: design
    for design in (
        # Sixteen bits and binning: samples are rounded to the log ROM's address. Anisotropic: one axis has a gain.
        Design("sixteen_bits", window=Window(64, 64, 2), instrument=FourAngle(adc_bits=16, rows=150, columns=133)),
        Design(
            "anisotropic", window=Window(64, 64, 1),
            instrument=FourAngle(adc_bits=10, rows=64, columns=64, pixel_pitch_y_um=0.4),
        ),
    )
}  # fmt: skip
BUILTIN = {name: load_design(name) for name in builtin_names()}
ALL_DESIGNS = {name: design for name, design in BUILTIN.items() if design.retrieves_phase} | OTHER_DESIGNS


def compare(simulation: CSimulation, frames: np.ndarray) -> int:
    """Return the number of words that were compared and equal; fail on any that differ."""
    design = simulation.design
    tallies = {stage.name: StageTally(stage) for stage in contract(design).stages}
    exact = integer.retrieve(frames, design)
    for cell, raw in enumerate(frames):
        for name, codes in simulation.run(raw).items():
            tallies[name.removesuffix("_exponent")].exact(getattr(exact, name)[cell], codes)
    assert {name: tally.differing for name, tally in tallies.items()} == dict.fromkeys(tallies, 0)
    assert all(tally.values for tally in tallies.values())
    return sum(tally.values for tally in tallies.values())


@pytest.mark.parametrize("name", ALL_DESIGNS)
def test_equals_the_integer_model_on_every_word(name: str, builds: Path) -> None:
    design = ALL_DESIGNS[name]
    simulation = CSimulation.of_kernel(design, builds / name)
    frames = np.concatenate(
        [bumps(design, 2, seed=20, shading=0.03)[0], noise(design, 2, seed=21), *extremes(design).values()]
    )
    words = compare(simulation, frames)
    pixels, raw = design.size**2, design.camera.rows * design.camera.columns
    assert words == len(frames) * (4 * raw + pixels * (4 + 2 + 2 + 2 + 1 + 5) + design.size)


@pytest.mark.parametrize("surplus", [-1, 1, -305, 40000, -93024])
def test_a_malformed_packet_is_dropped_and_the_next_frame_is_not(surplus: int, builds: Path) -> None:
    design = load_design("qatom64")
    simulation = CSimulation.of_kernel(design, builds / design.name)
    frames, _ = bumps(design, 1, seed=22)
    left, _ = simulation.send(frames[0], 305 * 305 + surplus)
    assert left == 0
    compare(simulation, frames)


@pytest.mark.parametrize("name", builtin_names())
def test_committed_headers_are_fresh(name: str) -> None:
    committed = (GENERATED / name / HEADER_NAME).read_text(encoding="ascii")
    assert committed == header_text(contract(load_design(name))), "run `make header`"


def test_headers_are_committed_for_the_built_in_designs_alone() -> None:
    assert sorted(path.name for path in GENERATED.iterdir()) == sorted(builtin_names())


def test_frames_of_another_shape_are_refused(builds: Path) -> None:
    design = load_design("qatom64")
    simulation = CSimulation.of_kernel(design, builds / design.name)
    with pytest.raises(ValueError, match="do not fit"):
        simulation.run(np.zeros((4, 300, 305), np.uint16))


def test_header_follows_the_design() -> None:
    design = load_design("qatom64")
    finer = dataclasses.replace(design, instrument=dataclasses.replace(design.four_angle, adc_bits=12))
    assert "constexpr int kFrameBits = 12;" in header_text(contract(finer))
