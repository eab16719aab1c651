"""Simulated HEp-2 cells under indirect immunofluorescence: nuclei of five staining patterns, from forty specimens.

An antibody of a patient's serum shows what it binds to in the nucleus of a HEp-2 cell. A homogeneous nucleus is stained
evenly, but for soft fluctuations; speckled ones are granular, coarsely or finely, and their nucleoli stay dark; in a
nucleolar one the few nucleoli are bright; in a centromere one there are some 46 small dots, one a chromosome. Cells are
in interphase and lie flat on the slide; mitotic ones, which an expert looks at too, are not simulated.

A specimen is a slide with one serum: one pattern, whose grain and contrast are its own, as are exposure, focus,
background, camera noise and the nuclei's size and form. No specimen has cells in both parts, training and test, as in
SNPHEp-2 (Wiliem et al. 2013; paper 004, section 3). A cell depends on seed, part and its own number alone.

That there are five patterns, what they are, and about 46 centromeres is known; all figures are estimates, made so that
neighbouring patterns overlap. Nothing learned here says anything of real specimens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import Body, Floats, Spread
from cytogate.model.simulation.seeded import SeededSet, stream

CLASS_NAMES = ("homogeneous", "coarse speckled", "fine speckled", "nucleolar", "centromere")
"""In the order of paper 004, Figure 2."""
SPECIMENS = 20
"""Of each part; four of every class."""
TRAINING_CELLS, TEST_CELLS = 905, 979
"""Cells of SNPHEp-2."""
SIZE = 224
"""Rows and columns that paper 004 brings images to."""
MIN_SIZE, MAX_SIZE = 16, 1024
MAX_DIFFICULTY = 4.0

FIELD_UM = 24.0
"""Side of an image: a nucleus and its surroundings."""
FINE_PITCH_UM = 0.19
"""Coarser pixels than this are averages over finer points."""
PSF_SD_UM = 0.21 * 0.52 / 0.8
"""Gaussian that is nearest to a microscope's point spread: .21 wavelength / NA, of a 20x objective in green."""
DEFOCUS_SLOPE = 0.3
"""Standard deviation of the blur of a dot per distance from the plane in focus."""
DEPTH_UM = 2.5
"""Half the height of a nucleus that lies flat."""
EDGE_SD_UM = 0.15
"""Softness of a nucleolus' rim."""
CENTER_SD_UM = 0.7
WAVES = 128
"""Plane waves summed for a granular field."""
WITHIN = 0.5
"""Spread between cells of a specimen, in spreads between specimens."""
BRIGHT_SHARE = 0.98
"""Share of the nucleus darker than what the exposure goes by."""
READ_NOISE = 0.008
"""Standard deviation of the camera's noise in the dark, in full scales."""


class Part(IntEnum):
    """Which specimens."""

    TRAINING = 0
    TEST = 1


@dataclass(frozen=True)
class Staining:
    """What the antibody binds to: means, and spreads between specimens."""

    grain_um: Spread
    """Correlation length of the nucleoplasm's stain."""
    contrast: Spread
    """Standard deviation of its logarithm."""
    nucleolus: Spread
    """Stain of the nucleoli, in means of the nucleoplasm around."""
    dots: Spread
    """Centromeres that are seen."""


PATTERNS = {
    "homogeneous": Staining(Spread(1.30, 0.16), Spread(0.22, 0.03), Spread(0.85, 0.10), Spread(0.0)),
    "coarse speckled": Staining(Spread(0.85, 0.06), Spread(0.60, 0.05), Spread(0.45, 0.07), Spread(0.0)),
    "fine speckled": Staining(Spread(0.52, 0.04), Spread(0.38, 0.04), Spread(0.55, 0.08), Spread(0.0)),
    "nucleolar": Staining(Spread(0.90, 0.10), Spread(0.35, 0.04), Spread(3.10, 0.36), Spread(0.0)),
    "centromere": Staining(Spread(0.80, 0.08), Spread(0.26, 0.03), Spread(0.80, 0.08), Spread(44.0, 2.5)),
}
NUCLEUS_UM = Spread(14.5, 0.65)
"""Diameter of the circle of its area."""
AXIS_RATIO = Spread(0.82, 0.035)
OUTLINE = Spread(0.030, 0.008)
"""Unevenness of the outline: its harmonic k has this standard deviation over k, relative to the radius."""
NUCLEOLI = Spread(3.5, 0.65)
NUCLEOLUS_RADIUS_UM = Spread(1.25, 0.10)
DOT_RADIUS_UM = Spread(0.32, 0.025)
DOT_STAIN = Spread(5.5, 0.65)
"""Peak of a sharp dot in means of the nucleoplasm."""
CYTOPLASM = Spread(0.09, 0.025)
"""Stain of the cytoplasm, in means of the nucleoplasm."""
EXPOSURE = Spread(0.62, 0.065)
"""Full scales that the bright part of a nucleus reaches."""
BRIGHTNESS = Spread(1.0, 0.10)
"""Of a cell among those of its specimen."""
BLUR_UM = Spread(0.30, 0.036)
"""Standard deviation of the blur by focus and mounting."""
BACKGROUND = Spread(0.08, 0.016)
"""Full scales."""
SLOPE = Spread(0.0, 0.08)
"""Change of the background from the middle of an image to its rim, relative."""
LOG_ELECTRONS = Spread(math.log(900), 0.30)
"""Logarithm of a pixel's electrons at full scale."""


@dataclass(frozen=True)
class Specimen:
    """A slide. Spreads have the specimen's mean, and the spread between its cells."""

    class_name: str
    grain_um: Spread
    contrast: Spread
    nucleolus: Spread
    dots: Spread
    diameter_um: Spread
    axis_ratio: Spread
    cytoplasm: Spread
    exposure: float
    blur_um: float
    background: float
    electrons: float


@dataclass(frozen=True, eq=False)
class Nucleus:
    """A stained cell; positions are relative to the middle of the field, stains to the nucleoplasm's mean."""

    body: Body
    cytoplasm: Body
    cytoplasm_stain: float
    grain_um: float
    contrast: float
    nucleoli: tuple[Body, ...]
    nucleolus_stain: float
    dots_um: Floats
    """(dots, 3) x, y, z from the plane in focus."""
    dot_radius_um: float
    dot_stains: Floats
    """(dots,)."""
    brightness: float
    texture_seed: int


@dataclass(frozen=True)
class SimulatedHep2(SeededSet[NDArray[np.uint8]]):
    """Images (size, size) of one part's cells, 8 bits, each simulated when it is asked for.

    Every 20 images hold one of each specimen of the part, shuffled.
    """

    part: Part = Part.TRAINING
    cells: int = TRAINING_CELLS
    size: int = SIZE
    seed: int = 0
    difficulty: float = 1.0
    """Factor of all spreads, of specimens and of cells; at 0 those of a class differ in form and place only."""
    noisy: bool = True

    def __post_init__(self) -> None:
        self.check_request(self.cells, self.difficulty, MAX_DIFFICULTY)
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise InputError(f"images of {self.size}x{self.size} pixels; {MIN_SIZE} to {MAX_SIZE} a side are simulated")

    def __len__(self) -> int:
        return self.cells

    def item(self, index: int) -> NDArray[np.uint8]:
        """Simulate one image."""
        specimen, nucleus = self.specimen(self.specimen_of(index)), self.nucleus(index)
        stain = emission(nucleus, self.size, math.hypot(PSF_SD_UM, specimen.blur_um))
        return self._exposed(stain * specimen.exposure * nucleus.brightness, index)

    def background(self, index: int) -> NDArray[np.uint8]:
        """Return the image (size, size) of the same place on the slide, noise included, had there been no cell."""
        return self._exposed(np.zeros((self.size, self.size)), index)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Patterns, in the order of labels."""
        return CLASS_NAMES

    @property
    def labels(self) -> NDArray[np.int64]:
        """(cells,) indices of ``class_names``."""
        return self.specimens % len(CLASS_NAMES)

    @property
    def specimens(self) -> NDArray[np.int64]:
        """(cells,) numbers of specimens: 0 to 19 in training, 20 to 39 in the test."""
        return np.array([self.specimen_of(index) for index in range(self.cells)], np.int64)

    def specimen_of(self, index: int) -> int:
        """Return the number of the specimen that a cell is from."""
        return SPECIMENS * self.part + self.kind(index, SPECIMENS, _Purpose.ORDER)

    def specimen(self, number: int) -> Specimen:
        """Return a specimen of this part by its number."""
        rng = self.stream(number, _Purpose.SPECIMEN)
        return _draw_specimen(CLASS_NAMES[number % len(CLASS_NAMES)], rng, self.difficulty)

    def nucleus(self, index: int) -> Nucleus:
        """Return the cell itself."""
        index = self.checked(index)
        specimen = self.specimen(self.specimen_of(index))
        return _draw_nucleus(specimen, self.stream(index, _Purpose.CELL), self.difficulty)

    def _exposed(self, signal: Floats, index: int) -> NDArray[np.uint8]:
        """Return codes of a signal in full scales, on the background of the cell's place."""
        index = self.checked(index)
        specimen = self.specimen(self.specimen_of(index))
        rng = self.stream(index, _Purpose.BACKGROUND)
        along_y, along_x = (SLOPE.draw(rng, self.difficulty) for _ in range(2))
        place = np.linspace(-1, 1, self.size)
        uneven = 1 + along_y * place[:, None] + along_x * place
        light = signal + specimen.background * np.maximum(uneven, 0)
        if self.noisy:
            noise = self.stream(index, _Purpose.NOISE)
            light = noise.poisson(light * specimen.electrons) / specimen.electrons
            light = light + READ_NOISE * noise.standard_normal(light.shape)
        return np.clip(np.rint(255 * light), 0, 255).astype(np.uint8)

    def stream(self, *key: int) -> np.random.Generator:
        """Return a random stream of this part."""
        return stream(self.seed, self.part, *key)


class _Purpose(IntEnum):
    """Independent random streams."""

    ORDER = 0
    SPECIMEN = 1
    CELL = 2
    BACKGROUND = 3
    NOISE = 4


def emission(nucleus: Nucleus, size: int, blur_um: float) -> Floats:
    """Return the light of a stained cell (size, size), 1 where the nucleus is bright; no background, no noise.

    A pixel sees the stain along its whole path through the cell: emission is proportional to thickness.

    Parameters
    ----------
    blur_um
        Standard deviation of the Gaussian that optics and focus make of a point.
    """
    finer = math.ceil(FIELD_UM / size / FINE_PITCH_UM)
    pitch = FIELD_UM / (size * finer)
    points = (np.arange(size * finer, dtype=np.float64) - (size * finer - 1) / 2) * pitch
    y, x = points[:, None], points[None, :]
    thickness = nucleus.body.thickness(x, y) / (2 * DEPTH_UM)
    stain = np.exp(nucleus.contrast * _field(nucleus, points) - nucleus.contrast**2 / 2)
    stain *= _with_nucleoli(nucleus, x, y, pitch)
    cytoplasm = nucleus.cytoplasm.thickness(x, y) / (2 * DEPTH_UM)
    light = thickness * stain + nucleus.cytoplasm_stain * np.maximum(cytoplasm - thickness, 0)
    light = gaussian_filter(light, blur_um / pitch, mode="nearest") + _dots(nucleus, points, blur_um)
    inside = light[thickness > 0]
    bright = np.quantile(inside, BRIGHT_SHARE) if len(inside) else 1.0
    return light.reshape(size, finer, size, finer).mean(axis=(1, 3)) / bright


def _field(nucleus: Nucleus, points: Floats) -> Floats:
    """Return a normal field of mean 0, variance 1 and correlation exp(-r^2 / 2 l^2) on a grid of ``points``."""
    rng = np.random.default_rng(nucleus.texture_seed)
    wave_y, wave_x = rng.standard_normal((2, WAVES)) / nucleus.grain_um
    offset = rng.uniform(0, 2 * np.pi, WAVES)
    # The cosine of a sum in products of one axis each: two matrix products instead of a cosine a wave and point.
    along_y, along_x = np.outer(points, wave_y) + offset, np.outer(wave_x, points)
    return (np.cos(along_y) @ np.cos(along_x) - np.sin(along_y) @ np.sin(along_x)) * math.sqrt(2 / WAVES)


def _with_nucleoli(nucleus: Nucleus, x: Floats, y: Floats, pitch: float) -> Floats:
    """Return the stain's factor: that of the nucleoli where they fill the path, 1 where there is none."""
    filled = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    for nucleolus in nucleus.nucleoli:
        # A nucleolus is as high as it is wide, and the path goes on through nucleoplasm above and below.
        filled = np.maximum(filled, np.minimum(1, nucleolus.thickness(x, y) / DEPTH_UM))
    return 1 + (nucleus.nucleolus_stain - 1) * gaussian_filter(filled, EDGE_SD_UM / pitch)


def _dots(nucleus: Nucleus, points: Floats, blur_um: float) -> Floats:
    """Return the light of the dots: Gaussians with a sphere's second moment, wider away from the plane in focus."""
    sharp = nucleus.dot_radius_um**2 / 5 + PSF_SD_UM**2
    x, y, z = nucleus.dots_um.T
    variance = nucleus.dot_radius_um**2 / 5 + blur_um**2 + (DEFOCUS_SLOPE * z) ** 2
    peak = nucleus.dot_stains * sharp / variance
    along_y = np.exp(-((points[:, None] - y) ** 2) / (2 * variance))
    along_x = np.exp(-((points - x[:, None]) ** 2) / (2 * variance[:, None]))
    return (along_y * peak) @ along_x


def _draw_specimen(class_name: str, rng: np.random.Generator, difficulty: float) -> Specimen:
    pattern = PATTERNS[class_name]

    def of_cells(spread: Spread, low: float, high: float = math.inf) -> Spread:
        return Spread(min(high, max(low, spread.draw(rng, difficulty))), WITHIN * spread.sd)

    return Specimen(
        class_name=class_name,
        grain_um=of_cells(pattern.grain_um, 0.2),
        contrast=of_cells(pattern.contrast, 0.0, 1.0),
        nucleolus=of_cells(pattern.nucleolus, 0.0),
        dots=of_cells(pattern.dots, 0.0, 92.0),
        diameter_um=of_cells(NUCLEUS_UM, 9.0, 18.0),
        axis_ratio=of_cells(AXIS_RATIO, 0.5, 1.0),
        cytoplasm=of_cells(CYTOPLASM, 0.0, 1.0),
        exposure=min(1.0, max(0.15, EXPOSURE.draw(rng, difficulty))),
        blur_um=max(0.0, BLUR_UM.draw(rng, difficulty)),
        background=min(0.5, max(0.01, BACKGROUND.draw(rng, difficulty))),
        electrons=math.exp(LOG_ELECTRONS.draw(rng, difficulty)),
    )


def _draw_nucleus(specimen: Specimen, rng: np.random.Generator, difficulty: float) -> Nucleus:
    x_um, y_um = CENTER_SD_UM * np.clip(rng.standard_normal(2), -2, 2)
    radius = min(9.0, max(4.5, specimen.diameter_um.draw(rng, difficulty) / 2))
    stretch = math.sqrt(min(1.0, max(0.5, specimen.axis_ratio.draw(rng, difficulty))))
    unevenness = max(0.0, OUTLINE.draw(rng, difficulty))
    angle = _any_angle(rng)
    body = Body(
        x_um=float(x_um),
        y_um=float(y_um),
        along_um=radius / stretch,
        across_um=radius * stretch,
        depth_um=DEPTH_UM,
        angle=angle,
        lobes=tuple((unevenness * float(rng.standard_normal()), _any_angle(rng)) for _ in range(4)),
    )
    # The cytoplasm reaches beyond the field and is thinner.
    aside = rng.uniform(-0.3, 0.3, 2) * radius
    cytoplasm = Body(
        x_um=float(x_um + aside[0]),
        y_um=float(y_um + aside[1]),
        along_um=2.2 * radius / stretch,
        across_um=1.8 * radius * stretch,
        depth_um=DEPTH_UM,
        angle=angle,
    )
    dots = max(0, round(specimen.dots.draw(rng, difficulty)))
    places = _within(body, dots, 0.92, rng)
    heights = DEPTH_UM * np.sqrt(np.maximum(0, 1 - (np.hypot(*(places - [x_um, y_um]).T) / body.along_um) ** 2))
    return Nucleus(
        body=body,
        cytoplasm=cytoplasm,
        cytoplasm_stain=max(0.0, specimen.cytoplasm.draw(rng, difficulty)),
        grain_um=max(0.2, specimen.grain_um.draw(rng, difficulty)),
        contrast=max(0.0, specimen.contrast.draw(rng, difficulty)),
        nucleoli=_draw_nucleoli(body, rng, difficulty),
        nucleolus_stain=max(0.0, specimen.nucleolus.draw(rng, difficulty)),
        dots_um=np.column_stack([places, heights * rng.uniform(-1, 1, dots)]),
        dot_radius_um=max(0.1, DOT_RADIUS_UM.draw(rng, difficulty)),
        dot_stains=max(0.5, DOT_STAIN.draw(rng, difficulty)) * rng.uniform(0.5, 1.5, dots),
        brightness=max(0.3, BRIGHTNESS.draw(rng, difficulty)),
        texture_seed=int(rng.integers(2**63)),
    )


def _draw_nucleoli(body: Body, rng: np.random.Generator, difficulty: float) -> tuple[Body, ...]:
    """Draw one to eight nucleoli; those that overlap make one of an irregular form."""
    count = min(8, max(1, round(NUCLEOLI.draw(rng, difficulty))))
    typical = max(0.6, NUCLEOLUS_RADIUS_UM.draw(rng, difficulty))
    bodies = []
    for x_um, y_um in _within(body, count, 0.65, rng):
        radius, stretch = typical * rng.uniform(0.7, 1.3), math.sqrt(rng.uniform(0.7, 1))
        bodies.append(
            Body(
                x_um=float(x_um),
                y_um=float(y_um),
                along_um=radius / stretch,
                across_um=radius * stretch,
                depth_um=radius,
                angle=_any_angle(rng),
            )
        )
    return tuple(bodies)


def _within(body: Body, count: int, reach: float, rng: np.random.Generator) -> Floats:
    """Return places (count, 2), x and y in um, even over a body's ellipse times ``reach``."""
    angle, radius = rng.uniform(0, 2 * np.pi, count), reach * np.sqrt(rng.uniform(size=count))
    along, across = body.along_um * radius * np.cos(angle), body.across_um * radius * np.sin(angle)
    cos, sin = math.cos(body.angle), math.sin(body.angle)
    return np.column_stack([body.x_um + along * cos - across * sin, body.y_um + along * sin + across * cos])


def _any_angle(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 2 * math.pi))
