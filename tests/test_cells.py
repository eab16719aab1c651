"""Simulated cells: statistics against the table they are drawn from, and projections against closed forms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import (
    CELL_LINES,
    DIAMETER_RANGE_UM,
    MEDIUM_INDEX,
    Body,
    Cell,
    Floats,
    Inclusions,
    Spread,
    cell_line,
    draw_cell,
    phase_map,
)

WAVELENGTH_UM = 1.064
RADIANS_PER_UM = 2 * math.pi / WAVELENGTH_UM

# Diameter and its sd (um), index, nucleus over cell, granules per 100 um^3; PBMC by its two populations.
TABLE = {
    "MCF7": [(17.2, 2.3, 1.3735, 0.62, 1.6)],
    "OAC": [(16.6, 2.6, 1.3680, 0.54, 3.6)],
    "OST": [(16.2, 2.4, 1.3690, 0.57, 2.8)],
    "PBMC": [(7.6, 0.8, 1.3690, 0.86, 0.8), (10.8, 1.4, 1.3690, 0.64, 2.0)],
    "THP1": [(14.2, 1.7, 1.3705, 0.68, 3.0)],
    "MB231": [(15.8, 2.3, 1.3700, 0.60, 2.2)],
}
SINGLE = tuple(name for name, populations in TABLE.items() if len(populations) == 1)
DRAWN = 400

NOTHING = Inclusions(*np.empty((4, 0)))


def sphere(radius_um: float, index: float = 1.37, **parts: object) -> Cell:
    """A homogeneous ball in the middle of the field, or with the ``parts`` named."""
    ball = Body(0.0, 0.0, radius_um, radius_um, radius_um)
    plain = Cell(
        line="ball",
        x_um=0.0,
        y_um=0.0,
        body=ball,
        blebs=(),
        nucleus=Body(0.0, 0.0, 1.0, 1.0, 1.0),
        indentation=None,
        nucleoli=NOTHING,
        granules=NOTHING,
        index=index,
        nucleus_step=0.0,
        texture_sd=0.0,
        texture_length_um=1.0,
        texture_seed=1,
        defocus_sds=0.0,
    )
    return dataclasses.replace(plain, **parts)  # type: ignore[arg-type]


def grid(shape: tuple[int, int], pitch_um: tuple[float, float]) -> tuple[Floats, Floats]:
    """(y, x) of the pixels in um from the middle of the field."""
    y, x = ((np.arange(count) - (count - 1) / 2) * pitch for count, pitch in zip(shape, pitch_um, strict=True))
    return y[:, None], x[None, :]


def drawn(name: str, difficulty: float, seed: int = 0) -> list[Cell]:
    return [draw_cell(cell_line(name), np.random.default_rng((seed, k)), difficulty) for k in range(DRAWN)]


def diameter(cell: Cell) -> float:
    return 2 * cell.body.depth_um


def test_every_line_is_named_and_whole() -> None:
    assert set(CELL_LINES) == set(TABLE)
    for name, line in CELL_LINES.items():
        assert cell_line(name) is line
        assert line.name == name
        assert sum(population.share for population in line.populations) == 1


def test_unknown_line_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="no simulated cell line named HeLa; known are MCF7, OAC, OST, PBMC"):
        cell_line("HeLa")


@pytest.mark.parametrize("name", TABLE)
def test_without_difficulty_every_cell_is_the_table(name: str) -> None:
    """400 cells a line: what the table names is exact, the number of granules within 4 sd of its mean."""
    cells = drawn(name, 0.0)
    for due_diameter, _, index, ratio, density in TABLE[name]:
        members = [cell for cell in cells if math.isclose(diameter(cell), due_diameter)]
        share = len(members) / DRAWN
        assert share == 1 if name in SINGLE else abs(share - (0.75 if due_diameter < 10 else 0.25)) < 0.07
        assert {round(cell.index, 12) for cell in members} == {index}
        assert {round(cell.nucleus.depth_um / cell.body.depth_um, 12) for cell in members} == {ratio}
        volume = sum(4 / 3 * np.pi * cell.body.along_um * cell.body.across_um * cell.body.depth_um for cell in members)
        granules = sum(len(cell.granules.x_um) for cell in members)
        due = density * volume / 100
        if ratio > 0.8:
            # A lymphocyte is nearly all nucleus: some of its few granules find no place beside it.
            assert 0.7 * due < granules < due
        else:
            assert abs(granules - due) < 4 * math.sqrt(due)


@pytest.mark.parametrize("name", TABLE)
def test_spread_grows_with_difficulty(name: str) -> None:
    """The same draws, 0, 1 and 2 times as far from the mean; at 1 the table's sd within 12% (400 cells)."""
    none, one, two = (np.array([diameter(cell) for cell in drawn(name, factor)]) for factor in (0.0, 1.0, 2.0))
    inside = (two > DIAMETER_RANGE_UM[0]) & (two < DIAMETER_RANGE_UM[1])
    assert inside.mean() > 0.9
    assert two[inside] - none[inside] == pytest.approx(2 * (one - none)[inside], abs=1e-12)
    for due_diameter, sd, *_ in TABLE[name]:
        members = np.isclose(none, due_diameter)
        assert one[members].mean() == pytest.approx(due_diameter, abs=4 * sd / math.sqrt(members.sum()))
        # The normal distribution is cut at 2.5 sd, which takes 1% of its sd.
        assert one[members].std() == pytest.approx(0.99 * sd, rel=0.12 if name in SINGLE else 0.25)
    assert two.min() >= DIAMETER_RANGE_UM[0]
    assert two.max() <= DIAMETER_RANGE_UM[1]


@pytest.mark.parametrize("name", SINGLE)
def test_index_and_nucleus_spread_as_the_table_says(name: str) -> None:
    cells = drawn(name, 1.0)
    _, _, index, ratio, _ = TABLE[name][0]
    indices = np.array([cell.index for cell in cells])
    ratios = np.array([cell.nucleus.depth_um / cell.body.depth_um for cell in cells])
    assert indices.mean() == pytest.approx(index, abs=0.001)
    assert 0.0040 < indices.std() < 0.0055
    assert ratios.mean() == pytest.approx(ratio, abs=0.01)
    assert ratios.std() == pytest.approx(0.05, rel=0.15)


def test_lines_differ_in_what_the_table_gives_as_more() -> None:
    """Kidney-shaped nuclei, nucleoli, eccentricity and blebs."""
    kinds = {name: drawn(name, 1.0) for name in TABLE}
    kidneys = {name: np.mean([cell.indentation is not None for cell in cells]) for name, cells in kinds.items()}
    assert kidneys["THP1"] > 0.95
    assert 0.15 < kidneys["PBMC"] < 0.35
    assert not any(kidneys[name] for name in ("MCF7", "OAC", "OST", "MB231"))
    nucleoli = {name: np.mean([len(cell.nucleoli.x_um) for cell in cells]) for name, cells in kinds.items()}
    assert max(nucleoli, key=nucleoli.__getitem__) == "MCF7"
    blebs = {name: np.mean([len(cell.blebs) for cell in cells]) for name, cells in kinds.items()}
    assert max(blebs, key=blebs.__getitem__) == "MB231"
    ratio = np.mean([cell.body.across_um / cell.body.along_um for cell in kinds["MB231"]])
    assert ratio == pytest.approx(0.86, abs=0.01)


def test_a_spread_is_cut() -> None:
    rng = np.random.default_rng(0)
    values = np.array([Spread(5.0, 2.0).draw(rng, 1.0) for _ in range(2000)])
    assert (values.min(), values.max()) == (0.0, 10.0)
    assert Spread(5.0, 2.0).draw(rng, 0.0) == 5.0


SPHERE_INSIDE_RAD, SPHERE_RIM_RAD = 0.02, 0.31


@pytest.mark.parametrize("pitch_um", [(0.15, 0.15), (0.30, 0.30), (0.15, 0.30), (0.45, 0.15)])
def test_sphere_projects_as_the_formula_says(pitch_um: tuple[float, float]) -> None:
    """2 pi / lambda (n - n0) thickness, softened by a quarter um: a fortieth of the 2.3 rad at 5 of 6 um radius."""
    centre_y, centre_x, radius = -2.1, 1.3, 6.0
    shape = round(36 / pitch_um[0]), round(30 / pitch_um[1])
    phase = phase_map(sphere(radius, x_um=centre_x, y_um=centre_y), shape, pitch_um, WAVELENGTH_UM)
    y, x = grid(shape, pitch_um)
    distance = np.hypot(y - centre_y, x - centre_x)
    due = RADIANS_PER_UM * (1.37 - MEDIUM_INDEX) * 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))
    assert phase.shape == shape
    assert phase.dtype == np.float64
    assert np.abs(phase - due)[distance < 5].max() < SPHERE_INSIDE_RAD
    assert np.abs(phase - due).max() < SPHERE_RIM_RAD
    assert np.abs(phase)[distance > radius + 1.3].max() < 1e-6
    volume = RADIANS_PER_UM * (1.37 - MEDIUM_INDEX) * 4 / 3 * np.pi * radius**3
    assert phase.sum() * pitch_um[0] * pitch_um[1] == pytest.approx(volume, rel=2e-4)


def test_zero_far_away_and_outside_the_field() -> None:
    phase = phase_map(sphere(5.0), (200, 200), (0.15, 0.15), WAVELENGTH_UM)
    assert not phase[:20].any()
    assert not phase[:, -20:].any()
    for place in ({"x_um": 500.0}, {"y_um": -500.0}):
        assert not phase_map(sphere(5.0, **place), (40, 50), (0.15, 0.15), WAVELENGTH_UM).any()


def test_a_cell_half_outside_is_the_cut_of_a_whole_one() -> None:
    """Off the very edge, where there is nothing beyond to soften with."""
    whole = phase_map(sphere(5.0), (160, 160), (0.15, 0.15), WAVELENGTH_UM)
    # The upper left quarter of that field has its middle 6 um up and left.
    quarter = phase_map(sphere(5.0, x_um=6.0, y_um=6.0), (80, 80), (0.15, 0.15), WAVELENGTH_UM)
    assert quarter[:72, :72] == pytest.approx(whole[:72, :72], abs=1e-9)


@pytest.mark.parametrize("name", TABLE)
def test_coarse_pixels_are_means_of_fine_ones(name: str) -> None:
    """Whole cells of every line: sampling decides nothing but the sampling."""
    cell = draw_cell(cell_line(name), np.random.default_rng(3))
    fine = phase_map(cell, (216, 228), (0.15, 0.15), WAVELENGTH_UM)
    assert fine.max() > 0.3
    for factor_y, factor_x in ((2, 2), (3, 3), (1, 2), (3, 1)):
        blocks = fine.reshape(216 // factor_y, factor_y, 228 // factor_x, factor_x).mean(axis=(1, 3))
        coarse = phase_map(cell, blocks.shape, (0.15 * factor_y, 0.15 * factor_x), WAVELENGTH_UM)
        assert np.abs(coarse - blocks).max() < 1e-6


def test_wavelength_only_scales() -> None:
    cell = draw_cell(cell_line("OST"), np.random.default_rng(4))
    red, green = (phase_map(cell, (128, 128), (0.2, 0.2), wavelength) for wavelength in (0.64, 0.32))
    assert green == pytest.approx(2 * red)


def test_orientation_and_place() -> None:
    """x along columns, y downward, angles from x toward y."""
    angle, pitch_um, shape = 0.5, (0.2, 0.15), (180, 240)
    cell = sphere(5.0, x_um=2.0, y_um=-3.0, body=Body(0.0, 0.0, 6.0, 3.0, 4.0, angle=angle))
    phase = phase_map(cell, shape, pitch_um, WAVELENGTH_UM)
    y, x = grid(shape, pitch_um)
    weight = phase / phase.sum()
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    assert (mean_x, mean_y) == pytest.approx((2.0, -3.0), abs=1e-3)
    xx, yy = (weight * (x - mean_x) ** 2).sum(), (weight * (y - mean_y) ** 2).sum()
    xy = (weight * (x - mean_x) * (y - mean_y)).sum()
    assert 0.5 * math.atan2(2 * xy, xx - yy) == pytest.approx(angle, abs=1e-3)


def total(cell: Cell) -> float:
    """Integral of the phase over the field, in rad um^2."""
    return float(phase_map(cell, (240, 240), (0.1, 0.1), WAVELENGTH_UM).sum() * 0.01)


def test_parts_add_their_volume() -> None:
    """Nucleus, notch, inclusions and blebs change the integral by index step times volume."""
    plain = sphere(6.0)
    nucleus = Body(1.0, 0.5, 3.0, 2.5, 2.0)
    volume = 4 / 3 * math.pi * 3.0 * 2.5 * 2.0
    with_nucleus = dataclasses.replace(plain, nucleus=nucleus, nucleus_step=-0.004)
    assert total(with_nucleus) - total(plain) == pytest.approx(-0.004 * RADIANS_PER_UM * volume, rel=2e-3)
    notched = dataclasses.replace(with_nucleus, indentation=Body(3.5, 0.5, 1.5, 1.5, 2.0))
    assert 0.03 < (total(notched) - total(with_nucleus)) / (total(plain) - total(with_nucleus)) < 0.4
    spheres = Inclusions(np.array([1.0, -2.0]), np.array([0.0, 2.0]), np.array([0.4, 0.9]), np.array([0.02, 0.03]))
    added = 4 / 3 * math.pi * (0.02 * 0.4**3 + 0.03 * 0.9**3) * RADIANS_PER_UM
    for part in ("granules", "nucleoli"):
        assert total(dataclasses.replace(plain, **{part: spheres})) - total(plain) == pytest.approx(added, rel=1e-3)
    bleb = Body(5.8, 0.0, 1.5, 1.5, 1.5)
    more = (total(dataclasses.replace(plain, blebs=(bleb,))) - total(plain)) / (0.033 * RADIANS_PER_UM)
    assert 0 < more < 4 / 3 * math.pi * 1.5**3


def test_texture_has_the_variance_asked_for() -> None:
    """A random walk through the body of steps sqrt(2 pi) l; softening takes l^2 / (l^2 + 2 edge^2) of the variance."""
    radius, length, sd = 12.0, 1.2, 0.002
    shape, pitch_um = (128, 128), (0.15, 0.15)
    smooth = phase_map(sphere(radius), shape, pitch_um, WAVELENGTH_UM)
    y, x = grid(shape, pitch_um)
    thickness = 2 * np.sqrt(radius**2 - y**2 - x**2, where=np.hypot(y, x) < 9, out=np.ones(shape))
    due = RADIANS_PER_UM * sd * np.sqrt(thickness * length * math.sqrt(2 * math.pi))
    fields = np.stack([
        phase_map(sphere(radius, texture_sd=sd, texture_length_um=length, texture_seed=seed), shape, pitch_um,
                  WAVELENGTH_UM) - smooth
        for seed in range(24)
    ])  # fmt: skip
    scaled = (fields / due)[:, np.hypot(y, x) < 8]
    assert scaled.mean() == pytest.approx(0, abs=0.1)
    assert scaled.var() == pytest.approx(length**2 / (length**2 + 2 * 0.25**2), rel=0.12)


def test_a_generator_decides_everything() -> None:
    line = cell_line("MB231")
    maps = [
        phase_map(draw_cell(line, np.random.default_rng(seed)), (96, 96), (0.3, 0.3), WAVELENGTH_UM)
        for seed in (5, 5, 6)
    ]
    assert (maps[0] == maps[1]).all()
    assert np.abs(maps[0] - maps[2]).max() > 0.1
