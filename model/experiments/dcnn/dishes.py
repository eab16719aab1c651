"""Simulated quantitative-phase time lapses of cell monolayers: smooth muscle cells, fibroblasts, stem cells.

A movie is one field of view of a dish that holds one mixture; clips of a few frames are cut from it, side by side.
Cells lie on a surface, packed without order but evenly, spindle-shaped along a common direction that bends over the
field; they crawl to and fro along it as persistent random walkers (Fürth 1920). Kinds differ, as Figure 1 and section 1
of paper 002 have it: fibroblasts are more elongated, packed more densely and aligned more strictly than smooth muscle
cells, induced pluripotent stem cells are round and not aligned. That kinds crawl at different speeds, and how long they
keep a course, is what its two-stream network is to find.

No figure of the paper gives numbers: **every one below is estimated**, with spreads wide enough that kinds overlap in
all that one cell shows, so that nothing learned here says anything of real dishes. What is asked is not trivial for
another reason, too: a clip shows some ten cells, drawn from the mixture by chance.

Lengths are micrometers, times minutes, phases radians, angles radians with x along columns and y downward along rows.
A movie depends on the set's seed and its own number alone. Clips of one movie share dish, direction and mixture: they
are not independent, and none of a movie may train what others of it test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from scipy.special import gamma

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import MEDIUM_INDEX, Spread
from cytogate.model.simulation.seeded import SeededSet

Floats = NDArray[np.float64]
Clips = NDArray[np.uint8]
"""(clips, rows, columns, frames) codes of phase, ``(phase + 1 rad) * 32``."""

CLIP = 96
"""Rows and columns of a clip (paper 002, section 4.2)."""
FRAMES = 5
PITCH_UM = 1.0
"""Distance of pixels in the dish: a clip shows "3-10 cells" (section 4.2)."""
INTERVAL_MIN = 10.0
"""Time from frame to frame."""
WAVELENGTH_UM = 0.55
BLUR_UM = 0.6
"""Standard deviation of the Gaussian that the optics spread a point to."""
MARGIN_UM = 110.0
"""Dish around the field from which cells reach in: half a long cell, and the way of a fast one."""

DIRECTION_SD = 0.3
"""Standard deviation of the common direction about its mean over the field."""
DIRECTION_LENGTH_UM = 200.0
"""Shortest wave in which the common direction bends."""
DIRECTION_WAVES = 12
DENSITY = Spread(1.0, 0.10)
"""Of a dish, relative to what its mixture packs to."""
RELAXATIONS = 12
"""Rounds in which cells that lie too close push each other apart."""
SPACING = 0.95
"""Distance that cells keep, in square roots of a cell's territory; a hexagonal lattice would have 1.07."""

SUBSTEP_MIN = 1.0
"""Step of the walks, short against every persistence time."""
NOISE_RAD = 0.03
"""Standard deviation of a pixel's noise in a frame."""
DRIFT_RAD = 0.03
"""Standard deviation of a frame's phase offset."""
GRADIENT_RAD = 0.08
"""Standard deviation of a movie's slope over the field: "imbalances in cell culture media" (section 4.3)."""
CAMERA_RAD = 0.05
"""Standard deviation of what the camera leaves in every field: one smooth surface over the whole of it.

The paper's fields show "tiling defects" (Figure 4), seams of what they were stitched of. Such lines stand at the same
place in every clip of a set and say nothing of cells, so that here a field has none.
"""

MAX_DIFFICULTY = 3.0
MAX_SIDE = 32
"""Clips along one side of a field at most."""


@dataclass(frozen=True)
class CellKind:
    """Statistics of cells of one kind in a dish."""

    name: str
    half_length_um: Spread
    elongation: Spread
    """Length over largest width."""
    taper: float
    """Width and thickness at u half lengths from the middle are ``(1 - u^2)^taper`` of the largest: 1/2, an ellipse."""
    thickness_um: Spread
    index: Spread
    """Refractive index of the cytoplasm."""
    coverage: float
    """Area of the cells over area of the dish: below 1 there are gaps, above they lie on each other."""
    misalignment: Spread
    """Angle to the common direction; a spread of pi is no alignment at all."""
    speed_um_min: Spread
    """Root mean square of the velocity along the cell's axis."""
    persistence_min: float
    """Time in which velocity forgets what it was, by 1 / e."""
    nucleus_half_length_um: Spread
    nucleus_elongation: float
    nucleus_height_um: Spread
    """How far the nucleus bulges."""
    striation: Spread
    """Amplitude of the actin bundles along the cell, relative to its thickness."""
    granules: float
    """Mean number."""

    @property
    def area_um2(self) -> float:
        """Area of the mean cell."""
        return float(2 * self.half_length_um.mean**2 / self.elongation.mean * _area_factor(self.taper))

    @property
    def territory_um2(self) -> float:
        """Area of the dish for each cell of a pure culture."""
        return self.area_um2 / self.coverage


SMOOTH_MUSCLE = CellKind(
    "smooth muscle",
    half_length_um=Spread(44, 8), elongation=Spread(4.8, 1.1), taper=0.8,
    thickness_um=Spread(3.0, 0.5), index=Spread(1.367, 0.004), coverage=1.0, misalignment=Spread(0.0, 0.30),
    speed_um_min=Spread(0.30, 0.10), persistence_min=20.0,
    nucleus_half_length_um=Spread(9.5, 1.2), nucleus_elongation=1.7, nucleus_height_um=Spread(1.8, 0.5),
    striation=Spread(0.14, 0.06), granules=7.0,
)  # fmt: skip
FIBROBLAST = CellKind(
    "fibroblast",
    half_length_um=Spread(48, 9), elongation=Spread(6.6, 1.5), taper=1.0,
    thickness_um=Spread(3.2, 0.5), index=Spread(1.367, 0.004), coverage=1.2, misalignment=Spread(0.0, 0.15),
    speed_um_min=Spread(0.50, 0.15), persistence_min=60.0,
    nucleus_half_length_um=Spread(9.0, 1.2), nucleus_elongation=2.0, nucleus_height_um=Spread(1.8, 0.5),
    striation=Spread(0.08, 0.05), granules=8.0,
)  # fmt: skip
STEM_CELL = CellKind(
    "iPSC",
    half_length_um=Spread(13, 2.5), elongation=Spread(1.3, 0.2), taper=0.5,
    thickness_um=Spread(4.0, 0.8), index=Spread(1.364, 0.004), coverage=1.1, misalignment=Spread(0.0, math.pi),
    speed_um_min=Spread(0.15, 0.06), persistence_min=5.0,
    nucleus_half_length_um=Spread(7.5, 1.0), nucleus_elongation=1.1, nucleus_height_um=Spread(1.2, 0.4),
    striation=Spread(0.0), granules=3.0,
)  # fmt: skip
KINDS = (SMOOTH_MUSCLE, FIBROBLAST, STEM_CELL)

Content = tuple[float, float, float]
"""Shares of the kinds in a dish, in the order of ``KINDS``."""
PROPORTIONS = tuple(step / 10 for step in range(11))
"""Share of fibroblasts, 0 to 1 in eleven steps (section 3.3)."""
MIXTURES: tuple[Content, ...] = tuple((1 - share, share, 0.0) for share in PROPORTIONS)
PURE: tuple[Content, ...] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
PURE_NAMES = ("iPSC", "FB", "SMC")
"""In the order of Figure 5."""


@dataclass(frozen=True, eq=False)
class Movie:
    """One field of view, cut into clips."""

    clips: Clips
    """(rows * columns, CLIP, CLIP, FRAMES), row by row of the field."""
    label: int
    """Index of what the dish holds, in the set's contents."""
    fibroblasts: float
    """Share among the cells that the dish turned out to hold, near the one that was asked for."""


@dataclass(frozen=True)
class TimeLapses(SeededSet[Movie]):
    """A set of simulated movies, contents in equal numbers; each movie is made when it is asked for."""

    noun: ClassVar[str] = "movie"

    movies: int = 110
    contents: tuple[Content, ...] = MIXTURES
    rows: int = 3
    """Clips from top to bottom of a field."""
    columns: int = 4
    seed: int = 0
    difficulty: float = 1.0
    """Factor of the spread between cells of a kind."""

    def __post_init__(self) -> None:
        self.check_request(self.movies, self.difficulty, MAX_DIFFICULTY)
        for name in ("rows", "columns"):
            if not 1 <= getattr(self, name) <= MAX_SIDE:
                raise InputError(f"{name} is {getattr(self, name)}; a field has 1 to {MAX_SIDE} clips along each side")
        if not self.contents:
            raise InputError("contents are empty; shares of the kinds of at least one dish are needed")
        for content in self.contents:
            if len(content) != len(KINDS) or min(content) < 0 or not math.isclose(sum(content), 1):
                raise InputError(f"a dish holds shares {content}; {len(KINDS)} of 0 or more that sum to 1 are needed")

    def __len__(self) -> int:
        return self.movies

    @property
    def clips_per_movie(self) -> int:
        """Clips that are cut from each movie."""
        return self.rows * self.columns

    def item(self, index: int) -> Movie:
        """Simulate one movie."""
        cells = self.cells(index)
        phase = phase_of(cells, self.field, self.stream(index, _Purpose.TEXTURE)) + self._background(index)
        noise = self.stream(index, _Purpose.NOISE)
        phase += DRIFT_RAD * noise.standard_normal(FRAMES) + NOISE_RAD * noise.standard_normal(phase.shape)
        codes = np.rint((phase + PHASE_CODE_OFFSET_RAD) * PHASE_CODES_PER_RADIAN)
        codes = np.clip(codes, PIXEL.code_min, PIXEL.code_max).astype(np.uint8)
        tiles = codes.reshape(self.rows, CLIP, self.columns, CLIP, FRAMES).swapaxes(1, 2)
        is_fibroblast = cells.kinds == KINDS.index(FIBROBLAST)
        return Movie(
            tiles.reshape(self.clips_per_movie, CLIP, CLIP, FRAMES), self.label(index), float(is_fibroblast.mean())
        )

    @property
    def field(self) -> tuple[int, int]:
        """Rows and columns of the field in pixels."""
        return self.rows * CLIP, self.columns * CLIP

    def label(self, index: int) -> int:
        """Return the label of a movie: every run of ``len(contents)`` movies holds each content once, shuffled."""
        return self.kind(index, len(self.contents), _Purpose.LABELS)

    def cells(self, index: int) -> DishCells:
        """Return the cells of a movie."""
        rng = self.stream(self.checked(index), _Purpose.CELLS)
        return draw_cells(self.contents[self.label(index)], self.field, rng, self.difficulty)

    def _background(self, index: int) -> Floats:
        """Return the slope of a movie and what the camera adds to every movie, (rows, columns, 1) without a seam."""
        slope = GRADIENT_RAD * self.stream(index, _Purpose.BACKGROUND).standard_normal(2)
        weights = CAMERA_RAD * self.stream(_Purpose.CAMERA).standard_normal(4) / 2
        # Along each side of the field of mean 0 and variance 1.
        v, u = (math.sqrt(3) * (2 * (np.arange(side) + 0.5) / side - 1) for side in self.field)
        v = v[:, None]
        terms = (u, v, u * v, (u**2 - v**2) * math.sqrt(5 / 8))
        camera = sum(weight * term for weight, term in zip(weights, terms, strict=True))
        return (slope[0] * v + slope[1] * u + camera)[..., None]


def halved(clips: Clips) -> Clips:
    """Return clips (..., rows, columns, frames) of half the resolution: means of 2x2 pixels, ties to the even code."""
    *ahead, rows, columns, frames = clips.shape
    if rows % 2 or columns % 2:
        raise InputError(f"clips of {rows}x{columns} cannot be halved; even numbers of rows and columns can")
    parts = clips.reshape(*ahead, rows // 2, 2, columns // 2, 2, frames).astype(np.float64)
    return np.rint(parts.mean(axis=(-4, -2))).astype(np.uint8)


def central(clips: Clips, size: int) -> Clips:
    """Return the middle (..., size, size, frames) of clips."""
    rows, columns = clips.shape[-3:-1]
    if not 1 <= size <= min(rows, columns):
        raise InputError(f"{size}x{size} pixels cannot be cut from clips of {rows}x{columns}")
    top, left = (rows - size) // 2, (columns - size) // 2
    return clips[..., top : top + size, left : left + size, :]


@dataclass(frozen=True, eq=False)
class DishCells:
    """The cells of a dish; arrays (cells,) or (cells, FRAMES). Places are relative to the field's first pixel."""

    kinds: NDArray[np.int64]
    """Index into ``KINDS``."""
    x_um: Floats
    """(cells, FRAMES)"""
    y_um: Floats
    """(cells, FRAMES)"""
    direction: Floats
    """Common direction where the cell starts."""
    angle: Floats
    """Of the cell's axis."""
    half_length_um: Floats
    half_width_um: Floats
    thickness_um: Floats
    index: Floats
    striation: Floats
    nucleus_half_length_um: Floats
    nucleus_height_um: Floats


def draw_cells(
    content: Content, field: tuple[int, int], rng: np.random.Generator, difficulty: float = 1.0
) -> DishCells:
    """Draw the cells of a dish, ``MARGIN_UM`` around the field (rows, columns) included, and let them crawl."""
    height, width = (side * PITCH_UM + 2 * MARGIN_UM for side in field)
    territory = sum(share * kind.territory_um2 for share, kind in zip(content, KINDS, strict=True))
    count = max(1, round(height * width / territory * max(0.5, DENSITY.draw(rng, difficulty))))
    kinds = rng.choice(len(KINDS), count, p=content)

    mean_direction = float(rng.uniform(0, math.pi))
    stretch = sum(share * math.sqrt(kind.elongation.mean) for share, kind in zip(content, KINDS, strict=True))
    places = _packed(rng.uniform(0, 1, (count, 2)) * (width, height), (width, height), mean_direction, stretch, rng)
    direction = mean_direction + _bends(places, rng)

    def drawn(name: str, least: float) -> Floats:
        spreads: list[Spread] = [getattr(KINDS[kind], name) for kind in kinds]
        return np.array([max(least, spread.draw(rng, difficulty)) for spread in spreads])

    angle = direction + drawn("misalignment", -math.inf)
    half_length = drawn("half_length_um", 5.0)
    half_width = half_length / drawn("elongation", 1.0)
    persistence = np.array([KINDS[kind].persistence_min for kind in kinds])
    along = walks(drawn("speed_um_min", 0.0), persistence, FRAMES, INTERVAL_MIN, rng)
    return DishCells(
        kinds=kinds,
        x_um=places[:, :1] + along * np.cos(angle)[:, None] - MARGIN_UM,
        y_um=places[:, 1:] + along * np.sin(angle)[:, None] - MARGIN_UM,
        direction=direction,
        angle=angle,
        half_length_um=half_length,
        half_width_um=half_width,
        thickness_um=drawn("thickness_um", 0.5),
        index=drawn("index", MEDIUM_INDEX + 0.01),
        striation=drawn("striation", 0.0),
        nucleus_half_length_um=drawn("nucleus_half_length_um", 3.0),
        nucleus_height_um=drawn("nucleus_height_um", 0.0),
    )


def walks(
    speed_um_min: Floats, persistence_min: Floats, frames: int, interval_min: float, rng: np.random.Generator
) -> Floats:
    """Return paths (cells, frames) in um, 0 at first, of persistent random walkers along a line.

    Velocities are Ornstein-Uhlenbeck processes, exact at every substep, of standard deviation v and correlation time P;
    the mean squared path after a time t is ``2 v^2 P (t - P (1 - exp(-t / P)))`` (Fürth 1920).
    """
    substeps = max(1, round(interval_min / SUBSTEP_MIN))
    step = interval_min / substeps
    kept = np.exp(-step / persistence_min)
    velocity = speed_um_min * rng.standard_normal(len(speed_um_min))
    path = np.zeros((len(velocity), frames))
    at = np.zeros(len(velocity))
    for frame in range(1, frames):
        for _ in range(substeps):
            kick = speed_um_min * np.sqrt(1 - kept**2) * rng.standard_normal(len(velocity))
            later = velocity * kept + kick
            at = at + step * (velocity + later) / 2
            velocity = later
        path[:, frame] = at
    return path


def phase_of(cells: DishCells, field: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the phase of a dish relative to the medium, (rows, columns, FRAMES) in radians, blurred by the optics.

    ``2 pi / wavelength * sum of (n - n_medium) * thickness``: where cells lie on each other, their phases add.
    """
    phase = np.zeros((*field, FRAMES))
    for number in range(len(cells.kinds)):
        texture = _Texture.of(cells, number, rng)
        for frame in range(FRAMES):
            _add_cell(phase[..., frame], cells, number, frame, texture)
    return gaussian_filter(phase, (BLUR_UM / PITCH_UM, BLUR_UM / PITCH_UM, 0), mode="nearest")


def volume_um3(cells: DishCells) -> Floats:
    """Return the volumes (cells,) of bodies with nuclei, without granules; striations take what they give."""
    tapers = np.array([KINDS[kind].taper for kind in cells.kinds])
    elongations = np.array([KINDS[kind].nucleus_elongation for kind in cells.kinds])
    body = 4 / 3 * cells.half_length_um * cells.half_width_um * cells.thickness_um * _area_factor(2 * tapers)
    return body + math.pi / 2 * cells.nucleus_half_length_um**2 / elongations * cells.nucleus_height_um


@dataclass(frozen=True, eq=False)
class _Texture:
    """What moves along within a cell."""

    stripes: float
    """Actin bundles across the cell."""
    stripes_phase: float
    granules_u: Floats
    """In half lengths of the cell."""
    granules_v: Floats
    """In half widths of the cell where they are."""
    granules_rad_um2: Floats
    """Integral of a granule's phase over its area."""

    @staticmethod
    def of(cells: DishCells, number: int, rng: np.random.Generator) -> _Texture:
        count = int(rng.poisson(KINDS[cells.kinds[number]].granules))
        radius = rng.uniform(0.4, 0.8, count)
        return _Texture(
            stripes=float(cells.half_width_um[number] / rng.uniform(2.0, 3.0)),
            stripes_phase=float(rng.uniform(0, 2 * math.pi)),
            # Around the nucleus, as organelles are.
            granules_u=np.clip(0.25 * rng.standard_normal(count), -0.9, 0.9),
            granules_v=rng.uniform(-0.8, 0.8, count),
            granules_rad_um2=2 * math.pi / WAVELENGTH_UM * GRANULE_STEP * 4 / 3 * math.pi * radius**3,
        )


GRANULE_STEP = 0.06
"""Index of a granule less that of the cytoplasm."""


def _add_cell(phase: Floats, cells: DishCells, number: int, frame: int, texture: _Texture) -> None:
    """Add one cell to one frame (rows, columns)."""
    kind = KINDS[cells.kinds[number]]
    x_um, y_um, angle = cells.x_um[number, frame], cells.y_um[number, frame], cells.angle[number]
    long, wide = cells.half_length_um[number], cells.half_width_um[number]
    cos, sin = math.cos(angle), math.sin(angle)
    reach_x, reach_y = math.hypot(long * cos, wide * sin), math.hypot(long * sin, wide * cos)
    rows, columns = (
        slice(max(0, math.floor((at - reach) / PITCH_UM)), max(0, min(side, math.ceil((at + reach) / PITCH_UM) + 1)))
        for at, reach, side in ((y_um, reach_y, phase.shape[0]), (x_um, reach_x, phase.shape[1]))
    )
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return
    dy = (np.arange(rows.start, rows.stop) * PITCH_UM - y_um)[:, None]
    dx = (np.arange(columns.start, columns.stop) * PITCH_UM - x_um)[None, :]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    profile = np.maximum(1 - (along / long) ** 2, 0) ** kind.taper
    with np.errstate(divide="ignore", invalid="ignore"):
        v = across / (wide * profile)
        body = np.where(np.abs(v) < 1, profile * (1 - v**2), 0.0)
    if cells.striation[number]:
        bundles = np.cos(2 * math.pi * across / wide * texture.stripes + texture.stripes_phase)
        body *= 1 + cells.striation[number] * bundles
    nucleus_long = cells.nucleus_half_length_um[number]
    nucleus = (along / nucleus_long) ** 2 + (across * kind.nucleus_elongation / nucleus_long) ** 2
    height = cells.thickness_um[number] * body + cells.nucleus_height_um[number] * np.maximum(1 - nucleus, 0)
    step = cells.index[number] - MEDIUM_INDEX
    phase[rows, columns] += 2 * math.pi / WAVELENGTH_UM * step * height
    _add_granules(phase, cells, number, frame, texture)


def _add_granules(phase: Floats, cells: DishCells, number: int, frame: int, texture: _Texture) -> None:
    """Add granules as points, each shared by its four pixels; the optics spread them."""
    angle = cells.angle[number]
    along = cells.half_length_um[number] * texture.granules_u
    profile = (1 - texture.granules_u**2) ** KINDS[cells.kinds[number]].taper
    across = cells.half_width_um[number] * profile * texture.granules_v
    x = (cells.x_um[number, frame] + along * math.cos(angle) - across * math.sin(angle)) / PITCH_UM
    y = (cells.y_um[number, frame] + along * math.sin(angle) + across * math.cos(angle)) / PITCH_UM
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for row, column, share in (
        (top, left, (1 - (y - top)) * (1 - (x - left))),
        (top, left + 1, (1 - (y - top)) * (x - left)),
        (top + 1, left, (y - top) * (1 - (x - left))),
        (top + 1, left + 1, (y - top) * (x - left)),
    ):
        inside = (row >= 0) & (row < phase.shape[0]) & (column >= 0) & (column < phase.shape[1])
        values = share * texture.granules_rad_um2 / PITCH_UM**2
        np.add.at(phase, (row[inside], column[inside]), values[inside])


def _packed(
    places: Floats, area: tuple[float, float], direction: float, stretch: float, rng: np.random.Generator
) -> Floats:
    """Return places (cells, 2) in the dish, pushed apart until few cells lie in another's territory.

    Distances are those of a dish that is compressed along the common direction and drawn out across it by ``stretch``,
    so that territories are as long as cells are.
    """
    cos, sin = math.cos(direction), math.sin(direction)
    turn = np.array([[cos / stretch, -sin * stretch], [sin / stretch, cos * stretch]])
    least = SPACING * math.sqrt(area[0] * area[1] / len(places))
    for _ in range(RELAXATIONS):
        compressed = places @ turn
        pairs = cKDTree(compressed).query_pairs(least, output_type="ndarray")
        if not len(pairs):
            break
        apart = compressed[pairs[:, 1]] - compressed[pairs[:, 0]]
        distance = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)
        push = apart / distance * (least - distance) / 4
        moved = np.zeros_like(compressed)
        np.add.at(moved, pairs[:, 1], push)
        np.add.at(moved, pairs[:, 0], -push)
        # Mirrored at the dish's rim, as walls would.
        places = np.abs((compressed + moved) @ np.linalg.inv(turn))
        places = area - np.abs(area - places)
    return places


def _bends(places: Floats, rng: np.random.Generator) -> Floats:
    """Return how far the common direction turns at places (cells, 2): smooth, of standard deviation DIRECTION_SD."""
    wave = rng.uniform(0, 2 * math.pi / DIRECTION_LENGTH_UM, DIRECTION_WAVES)
    course, phase = rng.uniform(0, 2 * math.pi, (2, DIRECTION_WAVES))
    argument = places @ (wave * np.stack([np.cos(course), np.sin(course)])) + phase
    return DIRECTION_SD * math.sqrt(2 / DIRECTION_WAVES) * np.cos(argument).sum(axis=1)


def _area_factor(taper: float | Floats) -> Floats:
    """Return the integral of ``(1 - u^2)^taper`` from -1 to 1."""
    return math.sqrt(math.pi) * gamma(np.asarray(taper) + 1) / gamma(np.asarray(taper) + 1.5)


class _Purpose(IntEnum):
    """Independent random streams of a movie."""

    CELLS = 0
    TEXTURE = 1
    BACKGROUND = 2
    NOISE = 3
    LABELS = 4
    CAMERA = 5
