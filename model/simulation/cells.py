"""Simulated cells in suspension: bodies of refractive index, and the phase they give to light passing through.

A cell is an ellipsoid with an uneven outline and perhaps blebs; inside lie a round or kidney-shaped nucleus with
nucleoli, granules, and fluctuations of the cytoplasm's index. Lines differ in the statistics of these parts.

Diameters of the lines follow the literature (PMC6697033, PMC7782084, PMC5589885). Every other figure - indices, nuclei,
granules, texture, and all of OST's - is estimated, so that nothing learned here says anything of real cells of these
lines.

Lengths are micrometers, angles radians; x runs along columns, y downward along rows, z along the light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cytogate.model.errors import InputError

Floats = NDArray[np.float64]

MEDIUM_INDEX = 1.337
"""Refractive index of the buffer around the cells."""

EDGE_SD_UM = 0.25
"""Standard deviation of the Gaussian that softens every body.

The projection of an ellipsoid has an infinite slope at its rim, which no pixel samples and no cell has. A quarter of a
micrometer is finer than the default instrument resolves (wavelength / 2 NA = 0.97 um) and is sampled well by pixels of
0.15 um.
"""

FINE_PITCH_UM = 0.16
"""Coarser pixels than this are averages over finer ones: the rim is softened where it is sampled."""

CENTRE_SD_UM = 1.2
"""Cells do not pass exactly through the middle of the field."""

DIAMETER_RANGE_UM = (4.0, 25.0)
"""Bounds whatever the difficulty: smaller things are debris, larger ones leave the default field of view."""

TEXTURE_WAVES = 96
"""Plane waves summed for the index texture: enough that their sum is normally distributed."""


@dataclass(frozen=True)
class Spread:
    """A normal distribution over the cells of a population, cut at 2.5 standard deviations."""

    mean: float
    sd: float = 0.0

    def draw(self, rng: np.random.Generator, difficulty: float) -> float:
        """Return one value; ``difficulty`` multiplies the standard deviation."""
        return self.mean + self.sd * difficulty * float(np.clip(rng.standard_normal(), -2.5, 2.5))


@dataclass(frozen=True)
class Population:
    """Statistics of cells of one kind. Defaults are what most lines share; all but diameters are estimated."""

    diameter_um: Spread
    index: Spread
    """Refractive index of the cytoplasm."""
    nucleus_ratio: Spread
    """Diameter of the nucleus over that of the cell."""
    granules_per_100_um3: Spread
    share: float = 1.0
    """Share of the line's cells that belong to this population."""
    axis_ratio: Spread = Spread(0.93, 0.03)
    """Shorter over longer axis of the cell, seen along the light."""
    outline: Spread = Spread(0.030, 0.010)
    """Unevenness of the cell's outline: its harmonic k has this standard deviation over k, relative to the radius."""
    nucleus_step: Spread = Spread(-0.004, 0.004)
    """Index of the nucleus less that of the cytoplasm."""
    nucleus_axis_ratio: Spread = Spread(0.90, 0.05)
    indentation: Spread = Spread(0.0)
    """Depth of the notch that makes a nucleus kidney-shaped, in radii of the nucleus."""
    nucleoli: Spread = Spread(1.5, 0.8)
    nucleolus_radius_um: Spread = Spread(0.85, 0.15)
    granule_radius_um: Spread = Spread(0.36, 0.04)
    granule_step: Spread = Spread(0.024, 0.004)
    clustering: Spread = Spread(0.0)
    """Share of the granules that lie together beside the nucleus."""
    blebs: float = 0.2
    """Mean number of blebs."""
    texture_sd: Spread = Spread(0.0022, 0.0006)
    """Standard deviation of the cytoplasm's index about its mean."""
    texture_length_um: Spread = Spread(1.0, 0.2)
    """Correlation length of these fluctuations."""


@dataclass(frozen=True)
class CellLine:
    """A named line (or preparation) of cells; its populations' shares sum to 1."""

    name: str
    populations: tuple[Population, ...]


CELL_LINES = {
    line.name: line
    for line in (
        CellLine("MCF7", (
            Population(
                Spread(17.2, 2.3), Spread(1.3735, 0.0048), Spread(0.62, 0.05), Spread(1.6, 0.4),
                nucleoli=Spread(3.2, 0.9), nucleolus_radius_um=Spread(1.15, 0.15),
                texture_length_um=Spread(1.2, 0.2),
            ),
        )),
        CellLine("OAC", (
            Population(
                Spread(16.6, 2.6), Spread(1.3680, 0.0048), Spread(0.54, 0.05), Spread(3.6, 0.9),
                granule_radius_um=Spread(0.58, 0.05), granule_step=Spread(0.020, 0.004),
            ),
        )),
        # The design leaves OST open. Osteosarcoma cells in suspension: between MB231 and OAC in size and
        # index, somewhat elongated, with organelles gathered beside the nucleus.
        CellLine("OST", (
            Population(
                Spread(16.2, 2.4), Spread(1.3690, 0.0048), Spread(0.57, 0.05), Spread(2.8, 0.7),
                axis_ratio=Spread(0.89, 0.04), outline=Spread(0.055, 0.015),
                nucleoli=Spread(2.2, 0.8), granule_radius_um=Spread(0.42, 0.04),
                clustering=Spread(0.55, 0.15), blebs=0.8,
            ),
        )),
        # Lymphocytes and monocytes; the literature gives diameters of both.
        CellLine("PBMC", (
            Population(
                Spread(7.6, 0.8), Spread(1.3690, 0.0048), Spread(0.86, 0.03), Spread(0.8, 0.3),
                share=0.75, axis_ratio=Spread(0.95, 0.02), nucleus_step=Spread(0.002, 0.004),
                nucleoli=Spread(0.6, 0.5), nucleolus_radius_um=Spread(0.6, 0.1), blebs=0.0,
            ),
            Population(
                Spread(10.8, 1.4), Spread(1.3690, 0.0048), Spread(0.64, 0.05), Spread(2.0, 0.5),
                share=0.25, indentation=Spread(0.55, 0.15), nucleoli=Spread(0.6, 0.5),
                granule_radius_um=Spread(0.30, 0.03), blebs=0.0,
            ),
        )),
        CellLine("THP1", (
            Population(
                Spread(14.2, 1.7), Spread(1.3705, 0.0048), Spread(0.68, 0.05), Spread(3.0, 0.7),
                indentation=Spread(0.60, 0.15), granule_radius_um=Spread(0.34, 0.03),
                texture_length_um=Spread(0.8, 0.15),
            ),
        )),
        CellLine("MB231", (
            Population(
                Spread(15.8, 2.3), Spread(1.3700, 0.0048), Spread(0.60, 0.05), Spread(2.2, 0.5),
                axis_ratio=Spread(0.86, 0.04), outline=Spread(0.060, 0.015),
                nucleoli=Spread(2.0, 0.8), blebs=2.5,
            ),
        )),
    )
}  # fmt: skip
"""Every line that can be simulated, by name."""


def cell_line(name: str) -> CellLine:
    """Return the line called ``name``."""
    if name not in CELL_LINES:
        raise InputError(f"there is no simulated cell line named {name}; known are {', '.join(CELL_LINES)}")
    return CELL_LINES[name]


@dataclass(frozen=True)
class Body:
    """An ellipsoid centered in the plane z = 0 and, in that plane, uneven in outline."""

    x_um: float
    y_um: float
    along_um: float
    """Half axis in the direction ``angle``."""
    across_um: float
    depth_um: float
    """Half axis along the light."""
    angle: float = 0.0
    lobes: tuple[tuple[float, float], ...] = ()
    """(relative amplitude times k, phase) of the outline's harmonics k = 2, 3, 4 ... about the body's center."""

    def thickness(self, x_um: Floats, y_um: Floats) -> Floats:
        """Return the path through the body, in um, at every (y, x)."""
        dx, dy = x_um - self.x_um, y_um - self.y_um
        along = (dx * math.cos(self.angle) + dy * math.sin(self.angle)) / self.along_um
        across = (dy * math.cos(self.angle) - dx * math.sin(self.angle)) / self.across_um
        squared = along**2 + across**2
        if self.lobes:
            direction = np.arctan2(across, along)
            radius = np.ones_like(direction)
            for harmonic, (amplitude, phase) in enumerate(self.lobes, start=2):
                radius += amplitude / harmonic * np.cos(harmonic * direction + phase)
            squared = squared / radius**2
        return 2 * self.depth_um * np.sqrt(np.maximum(1 - squared, 0))


@dataclass(frozen=True, eq=False)
class Inclusions:
    """Small spheres inside a cell: granules, nucleoli. Arrays (n,), um from the cell's center."""

    x_um: Floats
    y_um: Floats
    radius_um: Floats
    index_step: Floats
    """Index of the sphere less that of what surrounds it."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell as it passes the instrument. Positions are relative to the middle of the field."""

    line: str
    x_um: float
    y_um: float
    body: Body
    blebs: tuple[Body, ...]
    nucleus: Body
    indentation: Body | None
    nucleoli: Inclusions
    granules: Inclusions
    index: float
    nucleus_step: float
    texture_sd: float
    texture_length_um: float
    texture_seed: int
    defocus_sds: float
    """Distance from the focus in units of the instrument's ``defocus_sd_um``."""


def draw_cell(line: CellLine, rng: np.random.Generator, difficulty: float = 1.0) -> Cell:
    """Draw one cell of ``line``.

    Parameters
    ----------
    difficulty : float >= 0
        Multiplies the spread between cells of a population: at 0 they differ in position, orientation and the places
        of their parts only, at 1 as the table says, at 2 twice as much.
    """
    shares = [population.share for population in line.populations]
    kind = line.populations[int(rng.choice(len(shares), p=shares))]

    diameter = float(np.clip(kind.diameter_um.draw(rng, difficulty), *DIAMETER_RANGE_UM))
    stretch = math.sqrt(min(1.0, max(0.5, kind.axis_ratio.draw(rng, difficulty))))
    unevenness = max(0.0, kind.outline.draw(rng, difficulty))
    body = Body(
        x_um=0.0,
        y_um=0.0,
        along_um=diameter / 2 / stretch,
        across_um=diameter / 2 * stretch,
        depth_um=diameter / 2,
        angle=_any_angle(rng),
        lobes=tuple((unevenness * float(rng.standard_normal()), _any_angle(rng)) for _ in range(4)),
    )
    nucleus, indentation = _draw_nucleus(kind, diameter / 2, rng, difficulty)
    x_um, y_um = CENTRE_SD_UM * np.clip(rng.standard_normal(2), -2, 2)
    return Cell(
        line=line.name,
        x_um=float(x_um),
        y_um=float(y_um),
        body=body,
        blebs=_draw_blebs(kind, body, rng),
        nucleus=nucleus,
        indentation=indentation,
        nucleoli=_draw_nucleoli(kind, nucleus, rng, difficulty),
        granules=_draw_granules(kind, body, nucleus, rng, difficulty),
        index=max(MEDIUM_INDEX + 0.01, kind.index.draw(rng, difficulty)),
        nucleus_step=kind.nucleus_step.draw(rng, difficulty),
        texture_sd=max(0.0, kind.texture_sd.draw(rng, difficulty)),
        texture_length_um=max(0.4, kind.texture_length_um.draw(rng, difficulty)),
        texture_seed=int(rng.integers(2**63)),
        defocus_sds=float(np.clip(rng.standard_normal(), -2.5, 2.5)),
    )


def phase_map(cell: Cell, shape: tuple[int, int], pitch_um: tuple[float, float], wavelength_um: float) -> Floats:
    """Return the phase that ``cell`` gives to a plane wave, relative to the medium.

    Parameters
    ----------
    shape : (rows, columns)
    pitch_um : (y, x)
        Distance of pixels; the field's middle lies at pixel ``(shape - 1) / 2``.

    Returns
    -------
    (rows, columns) float64, radians
        ``2 pi / wavelength * integral of (n - n_medium) dz``, unwrapped, 0 far from the cell.
    """
    part = phase_part(cell, shape, pitch_um, wavelength_um)
    phase = np.zeros(shape)
    phase[part.rows, part.columns] = part.phase
    return phase


@dataclass(frozen=True, eq=False)
class PhasePart:
    """The phase of a cell where it is not zero."""

    rows: slice
    columns: slice
    phase: Floats


def phase_part(cell: Cell, shape: tuple[int, int], pitch_um: tuple[float, float], wavelength_um: float) -> PhasePart:
    """Return the part of :func:`phase_map` that the cell reaches; it may be empty."""
    rows, columns = (_Axis.around(cell, *axis) for axis in zip(shape, pitch_um, (cell.y_um, cell.x_um), strict=True))
    if rows.pixels.stop == rows.pixels.start or columns.pixels.stop == columns.pixels.start:
        return PhasePart(slice(0, 0), slice(0, 0), np.zeros((0, 0)))
    path = _path_difference(cell, rows, columns)
    path = path.reshape(-1, rows.oversampling, path.shape[1] // columns.oversampling, columns.oversampling)
    return PhasePart(rows.pixels, columns.pixels, 2 * np.pi / wavelength_um * path.mean(axis=(1, 3)))


@dataclass(frozen=True, eq=False)
class _Axis:
    """The pixels along one axis that a cell touches, and the finer points within them."""

    pixels: slice
    points_um: Floats
    """From the cell's center; ``oversampling`` points a pixel."""
    oversampling: int

    @staticmethod
    def around(cell: Cell, count: int, pitch_um: float, centre_um: float) -> _Axis:
        reach = _reach_um(cell)
        middle = (count - 1) / 2
        start = max(0, math.floor(middle + (centre_um - reach) / pitch_um))
        stop = max(start, min(count, math.ceil(middle + (centre_um + reach) / pitch_um) + 1))
        oversampling = math.ceil(pitch_um / FINE_PITCH_UM)
        within = (np.arange(oversampling) + 0.5) / oversampling - 0.5
        points = (np.arange(start, stop)[:, None] - middle + within) * pitch_um - centre_um
        return _Axis(slice(start, stop), points.ravel(), oversampling)

    @property
    def step_um(self) -> float:
        return float(self.points_um[1] - self.points_um[0]) if len(self.points_um) > 1 else EDGE_SD_UM


def _reach_um(cell: Cell) -> float:
    """Return a radius beyond which the cell gives no phase."""
    reach = cell.body.along_um * (1 + sum(abs(amplitude) for amplitude, _ in cell.body.lobes))
    for bleb in cell.blebs:
        reach = max(reach, math.hypot(bleb.x_um, bleb.y_um) + bleb.along_um)
    return reach + 4 * EDGE_SD_UM


def _path_difference(cell: Cell, rows: _Axis, columns: _Axis) -> Floats:
    """Return the optical path difference in um on the fine points of both axes."""
    x, y = columns.points_um[None, :], rows.points_um[:, None]
    # Both bodies are symmetric about z = 0, so that the thicker one hides the other.
    inside = cell.body.thickness(x, y)
    for bleb in cell.blebs:
        inside = np.maximum(inside, bleb.thickness(x, y))
    nucleus = cell.nucleus.thickness(x, y)
    if cell.indentation is not None:
        nucleus = np.maximum(nucleus - cell.indentation.thickness(x, y), 0)
    nucleus = np.minimum(nucleus, inside)
    # Fluctuations of correlation length l add up along the light as a random walk of steps sqrt(2 pi) l.
    walk = np.sqrt(inside * cell.texture_length_um * math.sqrt(2 * math.pi))
    path = (cell.index - MEDIUM_INDEX) * inside + cell.nucleus_step * nucleus
    path += cell.texture_sd * walk * _texture(cell, rows.points_um, columns.points_um)
    sharp = gaussian_filter(path, (EDGE_SD_UM / rows.step_um, EDGE_SD_UM / columns.step_um), mode="nearest", truncate=4)
    return sharp + sum(_inclusions(spheres, rows, columns) for spheres in (cell.nucleoli, cell.granules))


def _texture(cell: Cell, y_um: Floats, x_um: Floats) -> Floats:
    """Return a normally distributed field of mean 0, variance 1 and correlation exp(-r^2 / 2 l^2)."""
    rng = np.random.default_rng(cell.texture_seed)
    wave_y, wave_x = rng.standard_normal((2, TEXTURE_WAVES)) / cell.texture_length_um
    offset = rng.uniform(0, 2 * np.pi, TEXTURE_WAVES)
    # cos(a + b) in products of one axis each: two small matrix products instead of a cosine a wave and point.
    along_y = np.outer(y_um, wave_y) + offset
    along_x = np.outer(wave_x, x_um)
    waves = np.cos(along_y) @ np.cos(along_x) - np.sin(along_y) @ np.sin(along_x)
    return waves * math.sqrt(2 / TEXTURE_WAVES)


def _inclusions(spheres: Inclusions, rows: _Axis, columns: _Axis) -> Floats:
    """Return the path difference of spheres below the resolution.

    Each is a Gaussian with the sphere's volume and second moment (radius^2 / 5 along an axis), softened like all edges.
    """
    variance = spheres.radius_um**2 / 5 + EDGE_SD_UM**2
    strength = spheres.index_step * 4 / 3 * np.pi * spheres.radius_um**3 / (2 * np.pi * variance)
    along_y = np.exp(-((rows.points_um[:, None] - spheres.y_um) ** 2) / (2 * variance))
    along_x = np.exp(-((columns.points_um - spheres.x_um[:, None]) ** 2) / (2 * variance[:, None]))
    return (along_y * strength) @ along_x


def _draw_nucleus(
    kind: Population, radius_um: float, rng: np.random.Generator, difficulty: float
) -> tuple[Body, Body | None]:
    """Draw the nucleus, somewhere inside the cell, and the notch of a kidney-shaped one."""
    size = radius_um * min(0.92, max(0.3, kind.nucleus_ratio.draw(rng, difficulty)))
    stretch = math.sqrt(min(1.0, max(0.5, kind.nucleus_axis_ratio.draw(rng, difficulty))))
    angle, offset = _any_angle(rng), (radius_um - size) * 0.6 * math.sqrt(rng.uniform())
    nucleus = Body(
        x_um=offset * math.cos(angle),
        y_um=offset * math.sin(angle),
        along_um=size / stretch,
        across_um=size * stretch,
        depth_um=size,
        angle=_any_angle(rng),
    )
    depth = kind.indentation.draw(rng, difficulty)
    if depth <= 0:
        return nucleus, None
    notch = 0.6 * size
    direction, distance = _any_angle(rng), size * (1 - depth) + notch
    return nucleus, Body(
        x_um=nucleus.x_um + distance * math.cos(direction),
        y_um=nucleus.y_um + distance * math.sin(direction),
        along_um=notch,
        across_um=notch,
        depth_um=size,
    )


def _draw_blebs(kind: Population, body: Body, rng: np.random.Generator) -> tuple[Body, ...]:
    """Draw spheres that bulge out of the cell's rim."""
    blebs = []
    for _ in range(rng.poisson(kind.blebs)):
        radius, angle = rng.uniform(0.10, 0.24) * body.depth_um, _any_angle(rng)
        blebs.append(
            Body(
                x_um=0.97 * body.depth_um * math.cos(angle),
                y_um=0.97 * body.depth_um * math.sin(angle),
                along_um=radius,
                across_um=radius,
                depth_um=radius,
            )
        )
    return tuple(blebs)


def _draw_nucleoli(kind: Population, nucleus: Body, rng: np.random.Generator, difficulty: float) -> Inclusions:
    count = max(0, round(kind.nucleoli.draw(rng, difficulty)))
    angle = rng.uniform(0, 2 * np.pi, count)
    distance = 0.6 * nucleus.across_um * np.sqrt(rng.uniform(size=count))
    typical = max(0.3, kind.nucleolus_radius_um.draw(rng, difficulty))
    return Inclusions(
        x_um=nucleus.x_um + distance * np.cos(angle),
        y_um=nucleus.y_um + distance * np.sin(angle),
        radius_um=typical * rng.uniform(0.8, 1.2, count),
        index_step=np.full(count, 0.020),
    )


def _draw_granules(
    kind: Population, body: Body, nucleus: Body, rng: np.random.Generator, difficulty: float
) -> Inclusions:
    """Draw granules in the cytoplasm, some of them in a cluster beside the nucleus."""
    density = max(0.0, kind.granules_per_100_um3.draw(rng, difficulty)) / 100
    volume = 4 / 3 * np.pi * body.along_um * body.across_um * body.depth_um
    count = int(rng.poisson(density * volume))
    typical = max(0.15, kind.granule_radius_um.draw(rng, difficulty))
    step = kind.granule_step.draw(rng, difficulty)
    clustered = min(1.0, max(0.0, kind.clustering.draw(rng, difficulty)))

    # A few times too many places, of which the first outside the nucleus are taken. In a lymphocyte, nearly all
    # nucleus, even these are too few: it has a quarter less than drawn, half a granule.
    places = rng.standard_normal((4 * count + 8, 3))
    places *= body.depth_um * 0.9 * (rng.uniform(size=len(places)) ** (1 / 3) / np.linalg.norm(places, axis=1))[:, None]
    side = _any_angle(rng)
    centre = 0.62 * body.depth_um * np.array([math.cos(side), math.sin(side), 0.0])
    gathered = centre + rng.standard_normal(places.shape) * 0.17 * body.depth_um
    places = np.where((rng.uniform(size=len(places)) < clustered)[:, None], gathered, places)
    from_nucleus = (places - [nucleus.x_um, nucleus.y_um, 0.0]) / nucleus.depth_um
    inside = np.linalg.norm(places, axis=1) < 0.93 * body.depth_um
    places = places[inside & (np.linalg.norm(from_nucleus, axis=1) > 1)][:count]

    # Places were drawn in a sphere; the body is that sphere, stretched along its axis.
    cos, sin = math.cos(body.angle), math.sin(body.angle)
    along = (places[:, 0] * cos + places[:, 1] * sin) * body.along_um / body.depth_um
    across = (places[:, 1] * cos - places[:, 0] * sin) * body.across_um / body.depth_um
    return Inclusions(
        x_um=along * cos - across * sin,
        y_um=along * sin + across * cos,
        radius_um=typical * rng.uniform(0.75, 1.25, len(places)),
        index_step=np.full(len(places), step),
    )


def _any_angle(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 2 * math.pi))
