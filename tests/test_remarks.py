"""Remarks on frames by the integer chain: the clean edge, the curl of every order of frames, the sign of the phase."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from cytogate.host.driver.gate import FrameOrder
from cytogate.model.contract.recursion import Half
from cytogate.model.contract.remarks import CURL, ORDER_FRAMES, Remark
from cytogate.model.design.design import CAUSAL, FFT, TWO_SIDED
from cytogate.model.design.folder import load_design
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.remarks import cleaner_halves, curled, curls, negative
from cytogate.model.simulation.simulator import SimulatedCells
from tests.recursions import by_law

RIGHT, INVERTED = (0, 1, 2, 3), (1, 0, 3, 2)
ORDERS = tuple(itertools.permutations(range(4)))
DESIGNS = ("qatom64", "qatom128")


@cache
def cells_of(name: str) -> np.ndarray:
    """Noisy, shaded cells of the instrument."""
    design = load_design(name)
    cells = SimulatedCells(design.four_angle, design.network.class_names, ORDER_FRAMES, 4711)
    return np.stack([cells[index].frames for index in range(ORDER_FRAMES)])


@pytest.mark.parametrize("name", DESIGNS)
def test_the_curl_tells_an_order(name: str) -> None:
    """Of each order but two; those two have none. Each cell has a shading of its own: one in sixteen may be another."""
    design, judged = load_design(name), 0
    for order in ORDERS:
        gradient = laws.codes(cells_of(name)[:, list(order)], design, ("gradient",))["gradient"].astype(np.int64)
        turns, flows = curls(gradient)
        ratio = turns / flows
        more, of = CURL
        assert np.array_equal(curled(gradient), ratio > more / of)
        strange = ratio > more / of if order in (RIGHT, INVERTED) else ratio < more / of
        assert np.count_nonzero(strange) <= 1
        judged += len(ratio)
    assert judged == len(ORDERS) * ORDER_FRAMES


def order_of(remarks: Sequence[Remark]) -> FrameOrder:
    return FrameOrder(len(remarks), sum(each.curled for each in remarks), sum(each.negative for each in remarks))


@pytest.mark.parametrize("law", [FFT, TWO_SIDED, CAUSAL])
def test_every_wrong_order_is_told_by_every_law(law: str) -> None:
    design = by_law(load_design("qatom64"), law)
    for order in ORDERS:
        frames = cells_of("qatom64")[:, list(order)]
        found = order_of(laws.remarks(frames, design, laws.standing_background(frames, design)))
        assert found.frames == ORDER_FRAMES
        if order == RIGHT:
            assert found.told is None
        elif order == INVERTED:
            assert found.told is not None
            assert "negative phase" in found.told
        else:
            assert found.told is not None
            assert "gradients of no phase" in found.told


def test_too_few_frames_prove_nothing() -> None:
    assert FrameOrder(ORDER_FRAMES - 1, ORDER_FRAMES - 1, 0).told is None
    assert FrameOrder(ORDER_FRAMES, ORDER_FRAMES // 2, ORDER_FRAMES // 2).told is None
    assert FrameOrder(ORDER_FRAMES, ORDER_FRAMES // 2 + 1, 0).told is not None


def test_a_phase_without_curl_has_none_and_a_turning_field_has() -> None:
    """Gradients of a bump, and the same turned by a quarter at every pixel."""
    y, x = np.mgrid[:64, :64] - 31.5
    bump = np.exp(-(x**2 + y**2) / 200)
    along = np.stack([-x * bump, -y * bump], axis=-1)
    across = np.stack([y * bump, -x * bump], axis=-1)
    gradient = np.rint(1000 * np.stack([along, across])).astype(np.int64)
    assert curled(gradient).tolist() == [False, True]
    assert np.all(curls(np.zeros((1, 64, 64, 2), np.int64))[0] == 0)
    assert not curled(np.zeros((1, 64, 64, 2), np.int64)).any()


def test_the_sign_is_that_of_both_extremes() -> None:
    phase = np.zeros((3, 8, 8), np.int64)
    phase[:, 0, 0], phase[:, 1, 1] = [5, 5, 4], [-5, -4, -5]
    assert negative(phase).tolist() == [False, False, True]


def test_the_half_is_that_of_the_edge_where_less_changes() -> None:
    """By more than 9 : 8; what is the same all along a row is no change, however steep."""
    gradient = np.zeros((4, 64, 64, 2), np.int64)
    gradient += 100 * np.arange(64)[:, None, None]
    gradient[1, 0, 20, 0] += 1
    gradient[2, -1, 20, 1] += 1
    gradient[3, 0, 20], gradient[3, -1, 20] = gradient[3, 0, 20] + 8, gradient[3, -1, 20] + 9
    assert cleaner_halves(gradient).tolist() == [Half.BOTH, Half.UP, Half.DOWN, Half.BOTH]
    gradient[3, -1, 20, 0] += 1
    assert cleaner_halves(gradient)[3] == Half.DOWN


def test_frames_without_phase_have_no_remark() -> None:
    design = load_design("student48")
    camera = design.camera
    frames = np.zeros((2, len(camera.channels), camera.rows, camera.columns), np.uint8)
    assert laws.remarks(frames, design) == (Remark(), Remark())
    assert Remark.of(3) is None
