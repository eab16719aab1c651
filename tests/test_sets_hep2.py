"""Simulated HEp-2 cells: seeded by item, specimens apart, physics in closed form, patterns that overlap."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from cytogate.model.errors import InputError
from cytogate.model.evaluation import baselines
from cytogate.model.experiments.dcae import hep2
from cytogate.model.experiments.dcae.hep2 import CLASS_NAMES, SPECIMENS, Part, SimulatedHep2, emission

SIDE = 32


def images(cells: SimulatedHep2) -> np.ndarray:
    return np.stack([*cells])[..., None]


def test_an_image_depends_on_seed_part_and_number_alone() -> None:
    few, many = (SimulatedHep2(cells=count, size=SIDE) for count in (5, 300))
    assert all(np.array_equal(few[index], many[index]) for index in (4, 0, 2))
    assert np.array_equal(few[-1], few[4])
    assert np.array_equal(few[1:3][1], few[2])
    assert np.array_equal(few.background(3), many.background(3))
    for other in (SimulatedHep2(Part.TEST, size=SIDE), SimulatedHep2(size=SIDE, seed=1)):
        assert not np.array_equal(few[0], other[0])
    assert len(many) == 300
    with pytest.raises(IndexError, match="cell 5 of 5"):
        few[5]


@pytest.mark.parametrize("size", [SIDE, 75, 224])
def test_images_are_of_any_size_and_one_scene(size: int) -> None:
    """Eight bits, and the same cell at any size: block means agree within two codes."""
    cells = SimulatedHep2(size=size, noisy=False)
    assert (cells[0].shape, cells[0].dtype) == ((size, size), np.uint8)
    if size == 224:
        coarse = cells[0].reshape(SIDE, 7, SIDE, 7).mean(axis=(1, 3))
        assert np.abs(coarse - SimulatedHep2(size=SIDE, noisy=False)[0]).max() < 2


def test_no_specimen_is_in_both_parts_and_each_has_one_pattern() -> None:
    """905 and 979 cells, as in SNPHEp-2, twenty specimens each, four of a class."""
    training, test = SimulatedHep2(), SimulatedHep2(Part.TEST, 979)
    assert set(training.specimens) == set(range(SPECIMENS))
    assert set(test.specimens) == set(range(SPECIMENS, 2 * SPECIMENS))
    for part in (training, test):
        pairs = set(zip(part.specimens.tolist(), part.labels.tolist(), strict=True))
        assert len(pairs) == SPECIMENS
        assert np.bincount([label for _, label in pairs]).tolist() == [4] * len(CLASS_NAMES)
        assert np.ptp(np.bincount(part.specimens - part.specimens.min())) <= 1
        assert part.specimen(part.specimen_of(7)).class_name == part.class_names[part.labels[7]]


def test_difficulty_is_the_spread() -> None:
    """Without spread the four specimens of a class are one; with more, they differ more."""
    still, usual, wild = (SimulatedHep2(difficulty=factor) for factor in (0.0, 1.0, 2.0))
    assert still.specimen(0) == still.specimen(5) == still.specimen(15)
    blur = [np.std([cells.specimen(number).blur_um for number in range(SPECIMENS)]) for cells in (still, usual, wild)]
    assert blur[0] == pytest.approx(0)
    assert blur[2] == pytest.approx(2 * blur[1], rel=0.2)


def test_grain_has_the_correlation_that_was_asked_for() -> None:
    """Mean 0, variance 1, correlation exp(-r^2 / 2 l^2): 400 fields, at lags of half, one and two lengths."""
    cells = SimulatedHep2(cells=1)
    points = np.arange(0, 4.1, 0.25)
    nucleus = dataclasses.replace(cells.nucleus(0), grain_um=1.0)
    fields = np.array([hep2._field(dataclasses.replace(nucleus, texture_seed=seed), points)[0] for seed in range(400)])
    assert abs(fields.mean()) < 0.05
    for lag in (0, 2, 4, 8):
        found = (fields * np.roll(fields, -lag, axis=1))[:, : len(points) - lag].mean()
        assert found == pytest.approx(math.exp(-((lag / 4) ** 2) / 2), abs=0.06)


def test_a_dot_keeps_its_light_whatever_the_focus() -> None:
    """The sum over the plane is 2 pi sigma^2 times the peak of the sharp dot, at any blur and height."""
    nucleus = SimulatedHep2().nucleus(0)
    points = np.arange(-12, 12, 0.05)
    expected = 2 * math.pi * (0.3**2 / 5 + hep2.PSF_SD_UM**2) * 4.0
    peaks = []
    for blur, height in ((0.2, 0.0), (0.5, 0.0), (0.2, 2.5)):
        dot = dataclasses.replace(
            nucleus, dots_um=np.array([[1.0, -2.0, height]]), dot_radius_um=0.3, dot_stains=np.array([4.0])
        )
        light = hep2._dots(dot, points, blur)
        assert light.sum() * 0.05**2 == pytest.approx(expected, rel=1e-3)
        assert np.unravel_index(int(light.argmax()), light.shape) == (200, 260)
        peaks.append(light.max())
    assert peaks[0] > peaks[1]
    assert peaks[0] > peaks[2]


def test_even_stain_is_as_bright_as_the_nucleus_is_thick() -> None:
    """An ellipsoid's thickness falls as sqrt(1 - r^2) from its middle to its rim."""
    nucleus = SimulatedHep2().nucleus(0)
    body = dataclasses.replace(nucleus.body, x_um=0, y_um=0, along_um=8, across_um=8, lobes=())
    none = np.zeros((0, 3))
    even = dataclasses.replace(
        nucleus, body=body, cytoplasm_stain=0.0, contrast=0.0, nucleolus_stain=1.0, dots_um=none, dot_stains=none[:, 0]
    )
    light = emission(even, 241, 0.14)
    for share in (0.25, 0.5, 0.75):
        column = 120 + round(share * 8 * 241 / hep2.FIELD_UM)
        reached = (column - 120) * hep2.FIELD_UM / 241 / 8
        assert light[120, column] / light[120, 120] == pytest.approx(math.sqrt(1 - reached**2), abs=0.005)
    assert light[0, 0] == 0
    bright = dataclasses.replace(even, nucleolus_stain=3.0)
    spots = hep2._with_nucleoli(bright, np.linspace(-8, 8, 99)[None], np.linspace(-8, 8, 99)[:, None], 16 / 98)
    assert spots.min() == pytest.approx(1)
    assert 1.5 < spots.max() <= 3


def test_patterns_are_what_they_are_called() -> None:
    specimens = {name: SimulatedHep2(difficulty=0).specimen(label) for label, name in enumerate(CLASS_NAMES)}
    assert specimens["nucleolar"].nucleolus.mean > 2 > 1 > specimens["fine speckled"].nucleolus.mean
    assert specimens["fine speckled"].grain_um.mean < specimens["coarse speckled"].grain_um.mean
    assert specimens["homogeneous"].contrast.mean < specimens["fine speckled"].contrast.mean
    cells = SimulatedHep2(cells=200)
    dots = [len(cells.nucleus(index).dots_um) for index in range(200)]
    by_class = [np.mean([n for n, label in zip(dots, cells.labels, strict=True) if label == each]) for each in range(5)]
    assert by_class[:4] == [0, 0, 0, 0]
    assert by_class[4] == pytest.approx(45, abs=3)


def test_noise_is_shot_noise_and_read_noise() -> None:
    """Mean and variance of an even background in closed form, 64 images of 1,024 pixels."""
    cells = SimulatedHep2(cells=64, size=SIDE, difficulty=0)
    specimen = cells.specimen(0)
    codes = np.array([cells.background(index) for index in range(64)], np.float64)
    variance = 255**2 * (specimen.background / specimen.electrons + hep2.READ_NOISE**2) + 1 / 12
    assert codes.mean() == pytest.approx(255 * specimen.background, abs=0.1)
    assert codes.var() == pytest.approx(variance, rel=0.03)
    assert np.ptp(SimulatedHep2(size=SIDE, difficulty=0, noisy=False).background(0)) == 0


def test_patterns_can_be_told_but_not_by_something_trivial() -> None:
    """200 cells of training specimens, 200 of others: texture does well, not perfectly; brightness and size do not."""
    training, test = SimulatedHep2(cells=200, size=SIDE), SimulatedHep2(Part.TEST, 200, SIDE)
    shown, asked = images(training), images(test)
    texture = baselines.svm_texture().fit(shown, training.labels).score(asked, test.labels)
    assert 0.5 < texture < 0.95

    def trivial(pictures: np.ndarray) -> np.ndarray:
        return np.concatenate([pictures.mean(axis=(1, 2)), (pictures > 60).mean(axis=(1, 2))], axis=1)

    plain = make_pipeline(StandardScaler(), SVC(C=10)).fit(trivial(shown), training.labels)
    assert 0.2 < plain.score(trivial(asked), test.labels) < texture - 0.1


def test_what_surrounds_a_nucleus_says_nothing_of_its_pattern() -> None:
    """The pattern of the training specimen that is nearest in background and noise: chance, over 100 seeds."""
    right = []
    for seed in range(100):
        known, asked = (
            np.array(
                [
                    [(each := cells.specimen(number)).background / 0.02, math.log(each.electrons) / 0.35]
                    for number in range(SPECIMENS * cells.part, SPECIMENS * (cells.part + 1))
                ]
            )
            for cells in (SimulatedHep2(seed=seed), SimulatedHep2(Part.TEST, seed=seed))
        )
        nearest = np.linalg.norm(known[None] - asked[:, None], axis=2).argmin(axis=1)
        right.append((nearest % 5 == np.arange(SPECIMENS) % 5).mean())
    assert np.mean(right) == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"cells": 0}, "0 cells cannot be simulated"),
        ({"size": 15}, "15x15 pixels; 16 to 1024"),
        ({"size": 2000}, "16 to 1024"),
        ({"seed": -1}, "seed is -1"),
        ({"difficulty": -0.1}, "difficulty is -0.1"),
        ({"difficulty": float("nan")}, "difficulty is nan"),
        ({"difficulty": 5.0}, "0 to 4"),
    ],
)
def test_what_cannot_be_simulated_is_refused(asked: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SimulatedHep2(**asked)
