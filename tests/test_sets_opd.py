"""Simulated path-delay maps: closed forms of a ball and of the noise, seeds of items, and how hard the tasks are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cytogate.model.errors import InputError
from cytogate.model.experiments.topgan import maps as opd
from cytogate.model.experiments.topgan.maps import (
    EASY,
    HARD,
    SPERM,
    SimulatedMaps,
    coded,
    measured_opd,
    path_delays,
    single_cell,
)
from cytogate.model.simulation.cells import EDGE_SD_UM, MEDIUM_INDEX
from tests.test_cells import sphere

CELLS = 160


@pytest.fixture(scope="module")
def maps() -> dict[tuple[str, ...], np.ndarray]:
    """All maps (cells, 128, 128) of sets of both tasks and of sperm cells."""
    counts = {EASY: CELLS, HARD: CELLS, (SPERM,): 12}
    return {names: np.stack(list(SimulatedMaps(names, count, seed=3))) for names, count in counts.items()}


def labels(names: tuple[str, ...]) -> np.ndarray:
    return SimulatedMaps(names, CELLS, seed=3).labels


def features(maps: np.ndarray) -> np.ndarray:
    """Size, mean path, and structure inside: what a hand would measure."""
    inside = maps > 0
    area = inside.sum(axis=(1, 2))
    fine = maps - ndimage.gaussian_filter(maps, (0, 3, 3))
    core = np.stack([ndimage.binary_erosion(each, iterations=10) for each in inside])
    structure = [[each[mask].std(), each[mask].max()] for each, mask in zip(fine, core, strict=True)]
    return np.column_stack([np.sqrt(area), maps.sum(axis=(1, 2)) / area, structure])


def accuracy(columns: np.ndarray, names: tuple[str, ...]) -> float:
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    return float(cross_val_score(classifier, columns, labels(names), cv=4).mean())


def test_a_ball_has_the_path_of_its_thickness() -> None:
    """Peak 2 R (n - n0) and volume 4/3 pi R^3 (n - n0) within 1 %; a disk's area, to which its edge adds."""
    radius, index = 7.0, MEDIUM_INDEX + 0.03
    measured = measured_opd(sphere(radius, index))
    assert measured.shape == (opd.FIELD, opd.FIELD)
    assert measured.max() == pytest.approx(2000 * radius * 0.03, rel=0.01)
    assert measured.sum() * opd.PITCH_UM**2 == pytest.approx(4 / 3 * math.pi * radius**3 * 30, rel=0.01)
    area = np.count_nonzero(single_cell(measured)) * opd.PITCH_UM**2
    assert math.pi * radius**2 < area < math.pi * (radius + EDGE_SD_UM) ** 2, "its edge is softened"


def test_a_thick_ball_is_unwrapped() -> None:
    """1.2 um of path are almost two waves; the objective's edge rings by a hundredth of them, a lost wave is half."""
    measured = measured_opd(sphere(12.0, MEDIUM_INDEX + 0.05))
    middle = measured[opd.FIELD // 2 - 5 : opd.FIELD // 2 + 5, opd.FIELD // 2 - 5 : opd.FIELD // 2 + 5]
    assert middle == pytest.approx(1200, rel=0.015)


def test_noise_is_coherent_and_as_fine_as_the_resolution() -> None:
    """160^2 pixels: the argument of 1 + speckle, whose correlation is the Airy amplitude of the objective's disk."""
    far = sphere(4.0, MEDIUM_INDEX + 0.03, x_um=-400.0)
    noise = measured_opd(far, np.random.default_rng(1)) - measured_opd(far)
    due = opd.SPECKLE / math.sqrt(2) * 1000 * opd.WAVELENGTH_UM / (2 * math.pi)
    assert noise.std() == pytest.approx(due, rel=0.05)
    # 2 J1(v) / v with v = 2 pi NA r / wavelength: 0.864 a pixel apart, 0.531 two pixels.
    for distance, correlation in ((1, 0.847), (2, 0.480)):
        found = (noise[:, distance:] * noise[:, :-distance]).mean() / noise.var()
        assert found == pytest.approx(correlation, abs=0.05)


def test_noise_is_drawn_from_the_generator() -> None:
    cell = sphere(6.0)
    one, same, other = (measured_opd(cell, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("names", [EASY, HARD, (SPERM,)])
def test_maps_are_single_cells_on_zero(names: tuple[str, ...], maps: dict[tuple[str, ...], np.ndarray]) -> None:
    for each in maps[names]:
        assert each.shape == (opd.SIZE, opd.SIZE)
        assert each.dtype == np.float32
        inside = each != 0
        assert ndimage.label(inside)[1] == 1, "one region, and no rest of the background"
        assert np.array_equal(ndimage.binary_fill_holes(inside), inside)
        for axis in (0, 1):
            touched = np.flatnonzero(inside.any(axis=axis))
            assert abs(touched[0] + touched[-1] - (opd.SIZE - 1)) <= 1, "centered"
        assert 150 < each.max() < opd.FULL_SCALE_NM
    assert len(maps[names])


def test_sperm_cells_are_small_and_have_a_tail(maps: dict[tuple[str, ...], np.ndarray]) -> None:
    cells = np.count_nonzero(maps[HARD], axis=(1, 2)) * opd.PITCH_UM**2
    for each in maps[SPERM,]:
        inside = each != 0
        area = np.count_nonzero(inside) * opd.PITCH_UM**2
        assert 12 < area < cells.min()
        thick = np.count_nonzero(ndimage.binary_opening(inside, iterations=4)) * opd.PITCH_UM**2
        blur = opd.WAVELENGTH_UM / (2 * opd.NA) + EDGE_SD_UM
        head = [math.pi / 4 * (4.6 + wider) * (3.1 + wider) for wider in (0, 2 * blur)]
        assert head[0] < thick < 1.2 * head[1], "the head, blurred; cells differ in size"
        rows, columns = np.nonzero(inside)
        assert np.hypot(np.ptp(rows), np.ptp(columns)) * opd.PITCH_UM > 8, "the tail"


@pytest.mark.parametrize("names", [EASY, HARD, (SPERM,), (*HARD, SPERM)])
def test_an_item_depends_on_seed_and_number_alone(names: tuple[str, ...]) -> None:
    few, many, other = SimulatedMaps(names, 4, 9), SimulatedMaps(names, 400, 9), SimulatedMaps(names, 4, 10)
    assert np.array_equal(few[3], many[3])
    assert np.array_equal(few[-1], few[1:4][2])
    assert not np.array_equal(few[3], other[3])
    assert few.label(3) == many.labels[3]


def test_classes_take_turns() -> None:
    found = SimulatedMaps(EASY, 41, 1).labels
    assert found.shape == (41,)
    assert (found[:40].reshape(20, 2).sum(axis=1) == 1).all()
    assert len(set(found[:40:2])) == 2, "in random order"


def test_tasks_are_neither_trivial_nor_hopeless(maps: dict[tuple[str, ...], np.ndarray]) -> None:
    """160 cells each, four folds: a standard error is 0.03; size alone says less than size and structure."""
    found = {names: accuracy(features(maps[names]), names) for names in (EASY, HARD)}
    alone = {names: accuracy(features(maps[names])[:, :1], names) for names in (EASY, HARD)}
    assert 0.80 < found[EASY] < 0.99
    assert 0.62 < found[HARD] < 0.92
    assert found[HARD] < found[EASY]
    assert alone[EASY] < found[EASY]
    assert alone[HARD] < 0.78


def test_codes_are_steps_of_one_range() -> None:
    nm = np.array([0.0, 3.0, 500.0, 1019.9, 5000.0, -50.0])
    codes = coded(nm)
    assert codes.dtype == np.int8
    assert codes.tolist() == [-128, -127, -3, 127, 127, -128]
    inside = nm[:4]
    assert np.abs(path_delays(codes[:4] / 128) - inside).max() <= opd.FULL_SCALE_NM / 512
    one = coded(np.array([100.0]))
    assert coded(np.array([100.0, 1000.0]))[0] == one[0], "no map's own range plays a part"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cells": 0}, "0 cells cannot be simulated"),
        ({"seed": -1}, "seed is -1"),
        ({"difficulty": math.nan}, "difficulty is nan"),
        ({"difficulty": 11.0}, "difficulty is 11"),
        ({"class_names": ()}, "must be named, each once"),
        ({"class_names": ("skin", "skin")}, "must be named, each once"),
        ({"class_names": ("skin", "HeLa")}, "no simulated maps of HeLa; known are skin, melanoma"),
    ],
)
def test_hostile_arguments_are_one_sentence(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SimulatedMaps(**({"class_names": EASY, "cells": 4} | arguments))  # type: ignore[arg-type]


def test_numbers_beyond_the_set_are_refused() -> None:
    with pytest.raises(IndexError, match="cell 4 of 4"):
        SimulatedMaps(EASY, 4)[4]


def test_a_field_without_a_cell_is_refused() -> None:
    with pytest.raises(InputError, match=r"has no cell; 24 nm are needed"):
        single_cell(np.full((opd.FIELD, opd.FIELD), 20.0))
