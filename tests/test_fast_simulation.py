"""The simulator's fast path for training: cells, shading and optics of the exact one, and noise distributed alike."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from cytogate.model.data.cell_file import CellFile
from cytogate.model.design.design import Design
from cytogate.model.design.folder import load_design
from cytogate.model.retrieval import integer, laws
from cytogate.model.retrieval.binning import bin_codes
from cytogate.model.retrieval.native import NativeRetrieval
from cytogate.model.simulation.fast import fast_sums
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import write_network_inputs

SMALL, DEFAULT, FINE = (load_design(name) for name in ("qatom64", "qatom128", "qatom256"))
TWELVE_BITS = dataclasses.replace(DEFAULT, instrument=dataclasses.replace(DEFAULT.four_angle, adc_bits=12))


def cells_of(design: Design, **options: object) -> SimulatedCells:
    return SimulatedCells(design.four_angle, design.network.class_names, 60, 77, **options)


def exact_sums(cells: SimulatedCells, index: int, design: Design) -> np.ndarray:
    return bin_codes(cells[index].frames[None], design)[0]


@pytest.mark.parametrize("design", [SMALL, DEFAULT, FINE, TWELVE_BITS], ids=["64", "128", "256", "12 bits"])
def test_sums_without_noise_differ_by_roundings_alone(design: Design) -> None:
    """A sum of b x b rounded codes, which in a smooth image all err alike, is off by half of that at most."""
    cells, pixels = cells_of(design, noisy=False), design.binning**2
    for index in range(4):
        difference = fast_sums(cells, index, design) - exact_sums(cells, index, design)
        assert np.abs(difference).max() <= pixels / 2 + 0.5
        # Two roundings, one of each pixel and one of the sum.
        assert difference.std() < np.sqrt(pixels**2 / 12 + 1 / 12)
        assert abs(difference.mean()) < 0.02 * pixels


def test_cells_of_a_run_have_its_gains() -> None:
    cells = cells_of(SMALL, noisy=False, runs=2)
    for index in (4, 5):
        difference = fast_sums(cells, index, SMALL) - exact_sums(cells, index, SMALL)
        assert np.abs(difference).max() <= SMALL.binning**2 / 2 + 0.5
    alone = dataclasses.replace(cells, runs=None)
    assert np.abs(fast_sums(cells, 5, SMALL) - fast_sums(alone, 5, SMALL)).mean() > 4


def test_the_cell_is_what_is_compared() -> None:
    """Another cell, another shading, another focus is seen by the comparison above."""
    cells = cells_of(DEFAULT, noisy=False)
    due = exact_sums(cells, 0, DEFAULT)
    assert np.abs(fast_sums(cells, 1, DEFAULT) - due).max() > 4
    assert np.abs(fast_sums(dataclasses.replace(cells, shaded=False), 0, DEFAULT) - due).max() > 4
    blurred = dataclasses.replace(cells, acquisition=dataclasses.replace(cells.acquisition, defocus_sd_um=0.0))
    assert np.abs(fast_sums(blurred, 0, DEFAULT) - due).max() > 4


@pytest.mark.parametrize("design", [SMALL, DEFAULT, TWELVE_BITS], ids=["64", "128", "12 bits"])
def test_noise_is_distributed_alike(design: Design) -> None:
    cells, quiet = cells_of(design), cells_of(design, noisy=False)
    ways: dict[str, list[np.ndarray]] = {"exact": [], "fast": []}
    for index in range(12):
        without = fast_sums(quiet, index, design)
        ways["exact"].append(exact_sums(cells, index, design) - without)
        ways["fast"].append(fast_sums(cells, index, design) - without)
    exact, fast = (np.stack(each).astype(float) for each in ways.values())
    assert fast.std() == pytest.approx(exact.std(), rel=0.02)
    assert abs(fast.mean() - exact.mean()) < 0.02 * exact.std()
    # Lines: what all four frames of a row have in common.
    assert fast.mean(axis=(1, 3)).std() == pytest.approx(exact.mean(axis=(1, 3)).std(), rel=0.1)
    for quantile in (0.001, 0.05, 0.5, 0.95, 0.999):
        assert np.quantile(fast, quantile) == pytest.approx(np.quantile(exact, quantile), abs=0.05 * exact.std() + 1)


def test_inputs_of_the_network_are_distributed_alike() -> None:
    """Means and spreads of every channel; and the noise of the phase where there is no cell, cell by cell."""
    cells, count = cells_of(DEFAULT), 40
    exact = np.stack([exact_sums(cells, index, DEFAULT) for index in range(count)]).astype(np.int32)
    fast = np.stack([fast_sums(cells, index, DEFAULT) for index in range(count)])
    retrieval = NativeRetrieval.of(DEFAULT)
    due, found = (retrieval.codes_of_sums(sums, ("phase", "network_input")) for sums in (exact, fast))
    for statistic, allowed in ((np.mean, 0.05), (np.std, 0.05)):
        of_each = [statistic(each["network_input"].astype(float), axis=(0, 1, 2)) for each in (due, found)]
        assert np.abs(of_each[0] - of_each[1]).max() < allowed
    noise = [each["phase"][:, :16].astype(float).std(axis=(1, 2)) for each in (due, found)]
    difference = noise[0] - noise[1]
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(count)
    assert difference.std() / np.sqrt(count) < 0.05 * noise[0].mean(), "so few cells would prove nothing"


def test_a_cell_is_the_same_whatever_is_made_beside_it() -> None:
    cells = cells_of(SMALL)
    again = dataclasses.replace(cells, cells=7)
    assert np.array_equal(fast_sums(cells, 5, SMALL), fast_sums(again, 5, SMALL))
    assert not np.array_equal(fast_sums(cells, 5, SMALL), fast_sums(dataclasses.replace(cells, seed=78), 5, SMALL))


def test_codes_stay_within_their_format() -> None:
    bright = dataclasses.replace(SMALL, instrument=dataclasses.replace(SMALL.four_angle, full_scale=1.001))
    sums = fast_sums(cells_of(bright), 0, bright)
    assert sums.max() == bright.binning**2 * 255
    assert laws.inputs_of_sums(sums[None], bright).shape == (1, 64, 64, 5)


def test_only_the_cells_that_are_named_are_made_fast(tmp_path: Path) -> None:
    cells = dataclasses.replace(cells_of(SMALL), cells=20)
    path = tmp_path / "cells.h5"
    fast = np.array([0, 3, 4, 17])
    write_network_inputs(cells, SMALL, path, fast=fast, workers=1)
    found = CellFile.of(path, SMALL).read(np.arange(20))
    for index in range(20):
        exact = integer.network_inputs(cells[index].frames[None], SMALL)[0]
        quick = laws.inputs_of_sums(fast_sums(cells, index, SMALL)[None], SMALL)[0]
        assert not np.array_equal(exact, quick)
        assert np.array_equal(found[index], quick if index in fast else exact)
