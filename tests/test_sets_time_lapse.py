"""Simulated time lapses: every movie by its own number alone, and dishes that obey what their closed forms say."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cytogate.model.errors import InputError
from cytogate.model.experiments.dcnn import dishes as time_lapse
from cytogate.model.experiments.dcnn.dishes import (
    CLIP,
    FIBROBLAST,
    FRAMES,
    KINDS,
    MARGIN_UM,
    MAX_DIFFICULTY,
    MIXTURES,
    PITCH_UM,
    PURE,
    PURE_NAMES,
    SMOOTH_MUSCLE,
    STEM_CELL,
    WAVELENGTH_UM,
    DishCells,
    TimeLapses,
    central,
    draw_cells,
    halved,
    phase_of,
    volume_um3,
    walks,
)
from cytogate.model.simulation.cells import MEDIUM_INDEX

TINY = TimeLapses(movies=12, rows=1, columns=2, seed=3)
FIELD = (4 * CLIP, 4 * CLIP)


def dish(kind: int, seed: int) -> DishCells:
    """Return a pure dish of many cells."""
    content = tuple(float(each == kind) for each in range(len(KINDS)))
    return draw_cells(content, FIELD, np.random.default_rng(seed))


def one_cell(kind: int, x_um: float = 150.0, y_um: float = 160.0) -> DishCells:
    """Return a single cell that stays where it is."""
    cells = dish(kind, 7)
    alone = {field.name: getattr(cells, field.name)[:1] for field in dataclasses.fields(DishCells)}
    places = {"x_um": np.full((1, FRAMES), x_um), "y_um": np.full((1, FRAMES), y_um), "striation": np.zeros(1)}
    return DishCells(**{**alone, **places})


def test_a_movie_is_the_same_whatever_is_asked_for_around_it() -> None:
    """Movies of 2 x 96 x 96 x 5 codes: backward, in a slice, in a smaller and in a larger set."""
    forward = {index: TINY[index] for index in (0, 3, 11)}
    for index in reversed(forward):
        assert (TINY[index].clips == forward[index].clips).all()
    assert (TINY[0:4:3][1].clips == forward[3].clips).all()
    assert (TINY[-1].clips == forward[11].clips).all()
    for movies in (5, 100_000):
        other = dataclasses.replace(TINY, movies=movies)[3]
        assert (other.clips == forward[3].clips).all()
        assert other.label == forward[3].label
    assert (dataclasses.replace(TINY, seed=4)[3].clips != forward[3].clips).any()
    assert (forward[0].clips != forward[3].clips).mean() > 0.5


def test_clips_are_codes_and_movies_hold_every_mixture_once() -> None:
    movie = TINY[0]
    assert movie.clips.shape == (TINY.clips_per_movie, CLIP, CLIP, FRAMES) == (2, 96, 96, 5)
    assert movie.clips.dtype == np.uint8
    # Bare glass is at 0 rad, code 32, but for the background; no cell reaches the end of the range.
    assert 16 < movie.clips.min() < 40
    assert 80 < movie.clips.max() < 255
    labels = [TimeLapses(movies=33).label(index) for index in range(33)]
    assert [sorted(labels[start : start + 11]) for start in (0, 11, 22)] == [list(range(11))] * 3
    assert labels[:11] != labels[11:22]
    assert len(MIXTURES) == 11
    assert len(PURE) == len(PURE_NAMES) == 3


def test_clips_tile_the_field() -> None:
    """Neighbouring clips go on in each other: steps across the seam are those within, 2 seams of 96 x 5 pixels."""
    clips = TimeLapses(movies=1, rows=2, columns=2)[0].clips.astype(float)
    within = np.abs(np.diff(clips[0], axis=1)).mean()
    assert np.abs(clips[1][:, 0] - clips[0][:, -1]).mean() < 1.5 * within
    assert np.abs(clips[2][0] - clips[0][-1]).mean() < 1.5 * within
    assert np.abs(clips[3][:, 0] - clips[0][:, -1]).mean() > 3 * within


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (3, 4)])
def test_a_field_has_no_seam(rows: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without cells and noise, no two neighboring pixels of 8 fields differ by more than a code."""
    monkeypatch.setattr(time_lapse, "phase_of", lambda cells, field, rng: np.zeros((*field, FRAMES)))
    monkeypatch.setattr(time_lapse, "NOISE_RAD", 0.0)
    for seed in range(8):
        clips = TimeLapses(1, rows=rows, columns=columns, seed=seed)[0].clips[..., 0].astype(int)
        field = clips.reshape(rows, columns, CLIP, CLIP).swapaxes(1, 2).reshape(rows * CLIP, columns * CLIP)
        assert np.ptp(field) > 2
        for axis in (0, 1):
            assert np.abs(np.diff(field, axis=axis)).max() <= 1


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_phase_integrates_to_the_volume(kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell's phase over its area is 2 pi / wavelength (n - n_medium) volume, whatever its form, in all 5 frames."""
    monkeypatch.setattr(time_lapse, "GRANULE_STEP", 0.0)
    cell = one_cell(kind)
    found = phase_of(cell, FIELD, np.random.default_rng(0)).sum(axis=(0, 1)) * PITCH_UM**2
    expected = 2 * math.pi / WAVELENGTH_UM * (cell.index[0] - MEDIUM_INDEX) * volume_um3(cell)[0]
    assert found == pytest.approx(np.full(FRAMES, expected), rel=0.01)


def test_granules_add_their_spheres(monkeypatch: pytest.MonkeyPatch) -> None:
    """Granules of a radius of 0.4 to 0.8 um add what spheres of that size would, wherever they lie among pixels."""
    cell = one_cell(0)
    whole = phase_of(cell, FIELD, np.random.default_rng(5)).sum(axis=(0, 1))
    monkeypatch.setattr(time_lapse, "GRANULE_STEP", 0.0)
    without = phase_of(cell, FIELD, np.random.default_rng(5)).sum(axis=(0, 1))
    rng = np.random.default_rng(5)
    radius = rng.uniform(0.4, 0.8, int(rng.poisson(SMOOTH_MUSCLE.granules)))
    assert len(radius) > 2
    expected = 2 * math.pi / WAVELENGTH_UM * 0.06 * (4 / 3 * math.pi * radius**3).sum()
    assert whole - without == pytest.approx(np.full(FRAMES, expected), rel=1e-6)


def test_a_cell_that_moves_by_whole_pixels_looks_the_same() -> None:
    here, there = (phase_of(one_cell(1, x, y), FIELD, np.random.default_rng(0)) for x, y in ((150, 160), (157, 149)))
    assert np.roll(here, (-11, 7), (0, 1)) == pytest.approx(there, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_walks_are_persistent(kind: time_lapse.CellKind) -> None:
    """Mean squared paths of 40,000 walkers follow Fürth's formula within 3 %, from ballistic to diffusive."""
    cells, interval = 40_000, 10.0
    speed, persistence = np.full(cells, kind.speed_um_min.mean), np.full(cells, kind.persistence_min)
    paths = walks(speed, persistence, 6, interval, np.random.default_rng(1))
    time = interval * np.arange(6)
    ratio = time / kind.persistence_min
    expected = 2 * (kind.speed_um_min.mean * kind.persistence_min) ** 2 * (ratio - 1 + np.exp(-ratio))
    assert (paths**2).mean(axis=0) == pytest.approx(expected, rel=0.03)
    assert paths[:, 0].tolist() == [0.0] * cells


def test_cells_crawl_along_their_axes() -> None:
    cells = dish(1, 2)
    dx, dy = np.diff(cells.x_um, axis=1), np.diff(cells.y_um, axis=1)
    across = dy * np.cos(cells.angle)[:, None] - dx * np.sin(cells.angle)[:, None]
    assert np.abs(across).max() < 1e-9
    assert np.hypot(dx, dy).mean() > 2.0


def test_kinds_align_as_their_spreads_say() -> None:
    """Nematic order about the common direction is exp(-2 sd^2) for a normal angle: near 1, less, and 0."""
    for number, kind in enumerate(KINDS):
        dishes = [dish(number, seed) for seed in range(4)]
        order = np.concatenate([np.cos(2 * (each.angle - each.direction)) for each in dishes]).mean()
        assert order == pytest.approx(math.exp(-2 * kind.misalignment.sd**2), abs=0.06)


def test_kinds_pack_as_their_territories_say() -> None:
    """Cells a square millimeter over 8 dishes, of which each differs by a tenth, within 10 %."""
    area = math.prod(side * PITCH_UM + 2 * MARGIN_UM for side in FIELD)
    density = {}
    for number, kind in enumerate(KINDS):
        density[kind.name] = np.mean([len(dish(number, seed).kinds) for seed in range(8)]) / area
        assert density[kind.name] == pytest.approx(1 / kind.territory_um2, rel=0.10)
    assert density["fibroblast"] > 1.4 * density["smooth muscle"]
    in_a_clip = [CLIP**2 * PITCH_UM**2 / kind.territory_um2 for kind in (SMOOTH_MUSCLE, FIBROBLAST)]
    assert 3 <= min(in_a_clip) <= max(in_a_clip) <= 15, "paper 002: 3 to 10 cells in a field of view"


def test_cells_lie_evenly() -> None:
    """The number of cells in a window varies less than by Poisson's law, which unpacked places follow."""
    counts = []
    for seed in range(8):
        cells = dish(KINDS.index(STEM_CELL), seed)
        windows = [cells.x_um[:, 0] // 64, cells.y_um[:, 0] // 64]
        inside = np.logical_and.reduce([(each >= 0) & (each < 6) for each in windows])
        table = np.histogram2d(windows[0][inside], windows[1][inside], bins=6, range=[[0, 6], [0, 6]])[0]
        counts.append(table.var() / table.mean())
    assert np.mean(counts) < 0.6


def test_dishes_hold_what_was_asked_for() -> None:
    for share in (0.0, 0.3, 1.0):
        dishes = [draw_cells((1 - share, share, 0.0), FIELD, np.random.default_rng(seed)) for seed in range(4)]
        kinds = np.concatenate([each.kinds for each in dishes])
        bound = 4 * math.sqrt(share * (1 - share) / len(kinds))
        assert (kinds == 1).mean() == pytest.approx(share, abs=bound)
        assert not (kinds == 2).any()


def test_no_single_figure_of_a_clip_tells_pure_cultures_apart() -> None:
    """Of pairs of clips, brightness and motion order a part right that is neither half nor all: 72 clips, 24 movies."""
    movies = TimeLapses(movies=24, contents=MIXTURES[::10], rows=1, columns=3, seed=4)[:]
    clips = np.concatenate([movie.clips for movie in movies]).astype(float)
    is_fibroblast = np.repeat([movie.label for movie in movies], 3)
    motion = np.abs(np.diff(clips, axis=-1)).mean(axis=(1, 2, 3)) / clips.std(axis=(1, 2, 3))
    for figure in (clips.mean(axis=(1, 2, 3)), motion):
        assert 0.6 < roc_auc_score(is_fibroblast, figure) < 0.97


def test_halves_are_means_with_ties_to_even() -> None:
    assert halved(np.array([[[1], [2]], [[4], [7]]], np.uint8)).tolist() == [[[4]]]
    assert halved(np.array([[[1], [2]], [[4], [3]]], np.uint8)).tolist() == [[[2]]]
    assert halved(np.array([[[1], [4]], [[4], [5]]], np.uint8)).tolist() == [[[4]]]
    assert halved(np.full((2, 96, 96, 5), 255, np.uint8)).shape == (2, 48, 48, 5)
    assert halved(np.full((2, 4, 4, 1), 255, np.uint8)).min() == 255


def test_the_middle_is_cut_out() -> None:
    clips = np.arange(6 * 8, dtype=np.uint8).reshape(1, 6, 8, 1)
    assert central(clips, 2)[0, ..., 0].tolist() == [[19, 20], [27, 28]]
    assert central(np.zeros((3, 96, 96, 5), np.uint8), 64).shape == (3, 64, 64, 5)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"movies": 0}, "0 movies cannot be simulated"),
        ({"seed": -1}, "seed is -1"),
        ({"rows": 0}, "rows is 0"),
        ({"columns": 1000}, "columns is 1000"),
        ({"difficulty": math.nan}, "difficulty is nan"),
        ({"difficulty": MAX_DIFFICULTY * 2}, "difficulty is 6"),
        ({"contents": ()}, "contents are empty"),
        ({"contents": ((0.5, 0.4, 0.0),)}, "that sum to 1 are needed"),
        ({"contents": ((1.5, -0.5, 0.0),)}, "that sum to 1 are needed"),
        ({"contents": ((0.5, 0.5),)}, "3 of 0 or more"),
    ],
)
def test_hostile_arguments_are_refused(arguments: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        TimeLapses(**arguments)


def test_hostile_cuts_are_refused() -> None:
    with pytest.raises(InputError, match="clips of 95x96 cannot be halved"):
        halved(np.zeros((1, 95, 96, 5), np.uint8))
    with pytest.raises(InputError, match="97x97 pixels cannot be cut from clips of 96x96"):
        central(np.zeros((1, 96, 96, 5), np.uint8), 97)
    with pytest.raises(IndexError, match="movie 12 of 12"):
        TINY[12]
