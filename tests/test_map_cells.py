"""Cells of a map: the law on regions of every shape, and the kernel equal to it on every value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytogate.model.contract.off_axis import (
    CELL_STAGES,
    MOST_BEGINNINGS,
    MOST_CELLS,
    OPD,
    Flag,
    least_area,
    off_axis_contract,
    threshold,
)
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.cells import FieldCells, beginnings, find_cells
from cytogate.sim.csim.delay import DelaySimulation
from tests.holograms import OPTICS, off_axis_design

SIDE = 128
PLACES = np.mgrid[:SIDE, :SIDE]


def design_of(least_area_um2: float = 0.5) -> Design:
    """Return a design whose smallest cell has 9 pixels."""
    return off_axis_design(optics=dataclasses.replace(OPTICS, least_area_um2=least_area_um2))


def disks(*given: tuple[float, float, float]) -> NDArray[np.bool_]:
    y, x = PLACES
    return np.logical_or.reduce([(y - cy) ** 2 + (x - cx) ** 2 <= radius**2 for cy, cx, radius in given])


def spiral() -> NDArray[np.bool_]:
    """Two arms about each other, which meet in the last row alone."""
    y, x = PLACES - 63.5
    turned = (np.hypot(y, x) - 6 * np.arctan2(y, x) / np.pi) % 12
    return (turned < 3) | (PLACES[0] == SIDE - 1)


def comb(*, upside_down: bool) -> NDArray[np.bool_]:
    """Teeth that begin as regions of their own and are joined from the last to the first, or the other way round."""
    teeth = (PLACES[1] % 4 == 0) & (PLACES[0] >= SIDE - 2 - PLACES[1])
    teeth[-1] = True
    return teeth[:, ::-1] if upside_down else teeth


def grid(step: int, side: int) -> NDArray[np.bool_]:
    y, x = PLACES
    return np.asarray((y % step < side) & (x % step < side))


def masks() -> dict[str, NDArray[np.bool_]]:
    """Marked pixels of each kind, in all of the map or where it is believed."""
    rng = np.random.default_rng(4)
    y, x = PLACES
    return {
        "none": np.zeros((SIDE, SIDE), bool),
        "all": np.ones((SIDE, SIDE), bool),
        "one": disks((60, 70, 14)),
        "several": disks((30, 30, 12), (30, 90, 9), (90, 30, 15), (95, 95, 10)),
        "touching": disks((60, 50, 12), (60, 74, 12)),
        "at a corner": (y < 64) & (x < 64) & (y > 40) & (x > 40) | (y >= 64) & (x >= 64) & (y < 80) & (x < 80),
        "at the border": disks((4, 60, 9), (60, 4, 9), (123, 60, 9), (60, 123, 9)),
        "a ring": disks((60, 60, 30)) & ~disks((60, 60, 24)) | disks((60, 60, 8)),
        "checkered": (y + x) % 2 == 0,
        "rows": y % 2 == 0,
        "columns": x % 2 == 0,
        "single pixels": grid(2, 1),
        "as many regions as are followed": grid(4, 2) & ~((y >= 124) & (x >= 124)),
        "64 cells": grid(16, 5),
        "81 cells": grid(14, 5) & (y < 126) & (x < 126),
        "spiral": spiral(),
        "comb": comb(upside_down=False),
        "comb, the other way": comb(upside_down=True),
        **{f"noise of {share}": rng.random((SIDE, SIDE)) < share for share in (0.02, 0.1, 0.3, 0.42, 0.6, 0.95)},
        **{f"noise in rows {n}": np.repeat(rng.random((SIDE, 16)) < 0.5, 8, axis=1) for n in range(3)},
    }


def delays(marked: NDArray[np.bool_], design: Design) -> NDArray[np.int64]:
    """Return path delays that exceed the threshold, or reach it, where pixels are marked."""
    rng, limit = np.random.default_rng(5), threshold(design)
    above, below = rng.integers(limit, OPD.code_max + 1, marked.shape), rng.integers(OPD.code_min, limit, marked.shape)
    found = np.where(rng.random(marked.shape) < 0.2, np.where(marked, limit, limit - 1), np.where(marked, above, below))
    assert np.array_equal(found >= limit, marked)
    return found


@pytest.fixture(scope="module")
def simulation(builds: Path) -> DelaySimulation:
    return DelaySimulation.of(off_axis_design(), builds / "delay256")


def found_in(name: str, least_area_um2: float = 0.5) -> FieldCells:
    return find_cells(masks()[name], design_of(least_area_um2))


def test_the_kernel_equals_the_law_on_every_value(simulation: DelaySimulation) -> None:
    compared, cells, crowded = 0, 0, []
    for least in (0.5, 0.05, 20.0):
        design = design_of(least)
        for name, marked in masks().items():
            opd = delays(marked, design)
            own = find_cells(marked, design)
            inputs = integer.network_inputs(opd, own, design)
            expected = {"found": own.found, "center": own.centers, "region": own.regions, "network_input": inputs}
            found = dataclasses.replace(simulation, design=design).find_cells(opd)
            assert list(found) == list(expected)
            for stage, codes in expected.items():
                assert np.array_equal(found[stage], codes), (name, least, stage)
                compared += codes.size
            cells += len(own.cells)
            crowded += [name] * own.is_crowded
    assert len(masks()) == 27
    assert cells > 200
    assert {"single pixels", "81 cells", "noise of 0.1"} <= set(crowded)
    assert compared == 2 * 3 * 27 + cells * (4 + 64 * 64)


def test_cells_are_counted_as_the_law_says() -> None:
    assert found_in("none").found.tolist() == [0, 0]
    assert found_in("one").found.tolist() == [1, 0]
    assert found_in("several").found.tolist() == [4, 0]
    assert found_in("64 cells").found.tolist() == [MOST_CELLS, 0]
    assert found_in("81 cells").found.tolist() == [0, 1]
    assert found_in("as many regions as are followed").found.tolist() == [0, 0]
    assert beginnings(masks()["as many regions as are followed"]) == MOST_BEGINNINGS
    assert found_in("single pixels").found.tolist() == [0, 1]
    assert [found_in(name).found.tolist() for name in ("checkered", "a ring", "comb")] == [[1, 0], [2, 0], [1, 0]]


def test_flags_tell_cells_that_touch_and_cells_at_the_border() -> None:
    flags = {name: [cell.flags for cell in found_in(name).cells] for name in masks()}
    assert flags["one"] == [0]
    assert flags["several"] == [0, 0, 0, 0]
    assert flags["touching"] == flags["at a corner"] == [Flag.SEVERAL]
    assert [each & Flag.CLIPPED for each in flags["at the border"]] == [Flag.CLIPPED] * 4
    assert flags["all"] == [Flag.CLIPPED | Flag.SEVERAL]
    assert flags["a ring"] == [Flag.SEVERAL, 0]


def test_small_regions_are_dropped_and_centers_rounded_half_up() -> None:
    design = design_of(20.0)
    least = least_area(design)
    assert least == 348
    marked = np.zeros((SIDE, SIDE), bool)
    marked[10:22, 10:39] = True
    assert marked.sum() == least
    (cell,) = find_cells(marked, design).cells
    assert (cell.area, cell.center) == (least, (15.5, 24.0))
    marked[10, 10] = False
    assert not find_cells(marked, design).cells
    # 16 pixels of which one is a row lower: 1/16 of a row, and of 32 of which one is, 1/32, rounded up.
    for count, center in ((16, 20 + 1 / 16), (32, 20 + 1 / 16), (33, 20.0)):
        line = np.zeros((SIDE, SIDE), bool)
        line[20, 30 : 30 + count - 1] = True
        line[21, 30 + count - 1] = True
        assert find_cells(line, design_of()).cells[0].center[0] == center


def test_beginnings_are_runs_that_nothing_above_touches() -> None:
    rng = np.random.default_rng(6)
    marked = rng.random((40, 40)) < 0.4
    count = 0
    for row in range(40):
        above = np.zeros(42, bool) if row == 0 else np.pad(marked[row - 1], 1)
        edges = np.flatnonzero(np.diff(np.pad(marked[row], 1).astype(int)))
        count += sum(not above[first : behind + 2].any() for first, behind in edges.reshape(-1, 2))
    assert count > 50
    assert beginnings(marked) == count


def test_rows_of_the_contract_are_those_of_cells() -> None:
    names = [stage.name for stage in off_axis_contract(off_axis_design()).stages]
    assert tuple(names[-3:]) == CELL_STAGES
