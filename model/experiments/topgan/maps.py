"""Simulated optical-path-delay maps of single unattached cells, as off-axis holography with a laser gives them.

Of the kind that paper 003 learns from (Rubin et al., "TOP-GAN", sections II-C, II-D): a helium-neon laser, an objective
of NA 0.55, the phase unwrapped without errors and divided by a reference field, each cell segmented by a threshold,
cropped and centered on zero. Two tasks of two classes each: "skin" against "melanoma", which differ in size, index,
nucleus and granules, and "primary" against "metastatic", of one origin and little apart. "sperm" cells, dried on glass,
are what a network learns from without labels.

Every difference between classes is an estimate of ours, made so that the first task is easier than the second and
neither is trivial; nothing learned here says anything of cells of these names. Pixel pitch, noise and threshold are
estimates too, as the paper gives none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.contract.fixed_point import SIGNED_PIXEL
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import (
    MEDIUM_INDEX,
    Body,
    Cell,
    CellLine,
    Floats,
    Inclusions,
    Population,
    Spread,
    draw_cell,
    phase_map,
)
from cytogate.model.simulation.seeded import SeededSet, check_class_names
from cytogate.model.simulation.simulator import MAX_DIFFICULTY

SIZE = 128
"""Rows and columns of a map, of the paper."""
WAVELENGTH_UM, NA = 0.6328, 0.55
"""Helium-neon laser and objective of the paper."""
PITCH_UM = 0.208
"""Distance of pixels: two of the paper's camera (5.2 um) through its objective (50 times), so that a cell fits."""
FIELD = 160
"""Rows and columns of the field that a cell is cut from."""
SPECKLE = 0.06
"""Standard deviation of the coherent noise, as a share of the field's amplitude: 4 nm of path."""
THRESHOLD_NM = 24.0
"""What is thicker than this belongs to a cell: six standard deviations of the noise."""

FULL_SCALE_NM = 1024.0
"""Range of codes, the same for all maps: a step of 4 nm, about the noise. The thickest cells reach 0.9 of it."""

LINES = {
    line.name: line
    for line in (
        CellLine("skin", (
            Population(
                Spread(14.2, 1.5), Spread(1.3662, 0.0036), Spread(0.57, 0.05), Spread(1.8, 0.5),
                nucleoli=Spread(1.4, 0.7), texture_sd=Spread(0.0018, 0.0005),
            ),
        )),
        CellLine("melanoma", (
            Population(
                Spread(17.0, 1.8), Spread(1.3710, 0.0040), Spread(0.65, 0.05), Spread(3.0, 0.8),
                outline=Spread(0.040, 0.012), nucleoli=Spread(2.6, 0.9), nucleolus_radius_um=Spread(1.0, 0.15),
                granule_radius_um=Spread(0.42, 0.04), granule_step=Spread(0.028, 0.005),
                texture_sd=Spread(0.0026, 0.0007),
            ),
        )),
        CellLine("primary", (
            Population(
                Spread(16.6, 1.6), Spread(1.3681, 0.0038), Spread(0.59, 0.05), Spread(2.5, 0.6),
                nucleoli=Spread(1.6, 0.8), texture_sd=Spread(0.0020, 0.0005), texture_length_um=Spread(1.0, 0.2),
            ),
        )),
        CellLine("metastatic", (
            Population(
                Spread(14.8, 1.5), Spread(1.3718, 0.0040), Spread(0.67, 0.05), Spread(2.1, 0.5),
                outline=Spread(0.036, 0.012), nucleoli=Spread(2.6, 0.8), nucleolus_radius_um=Spread(1.0, 0.15),
                texture_sd=Spread(0.0029, 0.0007), texture_length_um=Spread(1.2, 0.2),
            ),
        )),
    )
}  # fmt: skip
"""Classes of the tasks, by name; all figures are estimates."""
EASY, HARD = ("skin", "melanoma"), ("primary", "metastatic")
"""Class names of the tasks; the second one is "positive"."""
SPERM = "sperm"


@dataclass(frozen=True)
class SimulatedMaps(SeededSet[NDArray[np.float32]]):
    """A set of maps (128, 128) float32 in nm, 0 outside the cell, of some classes in equal numbers."""

    class_names: tuple[str, ...]
    cells: int
    seed: int = 0
    difficulty: float = 1.0
    """Factor of the spread between cells of a class, see :func:`cytogate.model.simulation.cells.draw_cell`."""

    def __post_init__(self) -> None:
        self.check_request(self.cells, self.difficulty, MAX_DIFFICULTY, "1 being as designed")
        check_class_names(self.class_names)
        for name in self.class_names:
            if name != SPERM and name not in LINES:
                raise InputError(f"there are no simulated maps of {name}; known are {', '.join(LINES)} and {SPERM}")

    def __len__(self) -> int:
        return self.cells

    def item(self, index: int) -> NDArray[np.float32]:
        """Simulate the map of one cell."""
        measured = measured_opd(self.cell(index), self.stream(index, _Purpose.NOISE))
        return single_cell(measured).astype(np.float32)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of all cells, without simulating them: (cells,)."""
        return np.array([self.label(index) for index in range(self.cells)], np.int64)

    def label(self, index: int) -> int:
        """Return the label of a cell: every run of ``len(class_names)`` cells holds each class once, shuffled."""
        return self.kind(index, len(self.class_names), _Purpose.LABELS)

    def cell(self, index: int) -> Cell:
        """Return the cell itself: its shape and parts."""
        name, rng = self.class_names[self.label(index)], self.stream(self.checked(index), _Purpose.CELL)
        return draw_sperm(rng, self.difficulty) if name == SPERM else draw_cell(LINES[name], rng, self.difficulty)


def coded(opd_nm: NDArray[np.floating]) -> NDArray[np.int8]:
    """Return path delays in nm as codes of ``FULL_SCALE_NM / 256`` each, clipped: -128 is 0 nm.

    A code stands for code / 128, so that values lie in [-1, 1). The range is the same for every map.
    """
    return SIGNED_PIXEL.encode(opd_nm * (2 / FULL_SCALE_NM) - 1).astype(np.int8)


def path_delays(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the nm that values in [-1, 1] stand for, as a generator gives them."""
    return (values + 1) * (FULL_SCALE_NM / 2)


def measured_opd(cell: Cell, rng: np.random.Generator | None = None) -> Floats:
    """Return what the instrument makes of a cell, in nm: (160, 160).

    The objective passes frequencies up to NA over wavelength, of cell and noise alike: a hologram's cross-correlation
    term is cut there. Division by the reference field takes away what is stationary; what is left of the coherent
    noise is complex, normally distributed and as fine as the resolution. The phase is unwrapped without errors: it is
    the true one plus an argument, which lies within half a wave.

    Parameters
    ----------
    rng
        Draws the noise; none: no noise.
    """
    phase = phase_map(cell, (FIELD, FIELD), (PITCH_UM, PITCH_UM), WAVELENGTH_UM)
    passed = _objective()
    # Less the empty field, which passes as it is.
    field = 1 + scipy.fft.ifft2(scipy.fft.fft2(np.expm1(1j * phase)) * passed)
    if rng is not None:
        spectrum = (rng.standard_normal(passed.shape) + 1j * rng.standard_normal(passed.shape)) * passed
        # Of a variance of 2 at each frequency that passes.
        field += scipy.fft.ifft2(spectrum) * (SPECKLE * passed.size / math.sqrt(2 * np.count_nonzero(passed)))
    unwrapped = phase + np.angle(field * np.exp(-1j * phase))
    return unwrapped * (1000 * WAVELENGTH_UM / (2 * np.pi))


def single_cell(opd_nm: Floats) -> Floats:
    """Return the largest region above the threshold, its holes filled, centered on zero: (128, 128).

    Its bounding box is centered; of a cell that is larger than the map, the middle is kept.
    """
    regions, count = ndimage.label(opd_nm > THRESHOLD_NM)
    if not count:
        raise InputError(f"a map of at most {opd_nm.max():.3g} nm has no cell; {THRESHOLD_NM:g} nm are needed")
    mask = ndimage.binary_fill_holes(regions == 1 + np.argmax(np.bincount(regions.ravel())[1:]))
    rows, columns = (slice(*_around(np.flatnonzero(mask.any(axis=axis)), SIZE)) for axis in (1, 0))
    padded, inside = (np.pad(array, SIZE) for array in (opd_nm, mask))
    return np.where(inside, padded, 0)[rows, columns]


def _around(touched: NDArray[np.intp], size: int) -> tuple[int, int]:
    """Return first pixel and end, in an image padded by ``size``, of as many pixels around those touched."""
    start = (int(touched[0]) + int(touched[-1]) + 1 - size) // 2 + size
    return start, start + size


def draw_sperm(rng: np.random.Generator, difficulty: float = 1.0) -> Cell:
    """Draw a sperm cell dried on glass: a flat oval head with a denser core, a midpiece, a curved tail that thins out.

    Head 4.6 by 3.1 um; thicknesses, index (a dried cell's, in air) and curvature are estimates.
    """
    draw = lambda mean, sd: Spread(mean, sd).draw(rng, difficulty)  # noqa: E731
    angle = float(rng.uniform(0, 2 * math.pi))
    length, width, depth = draw(4.6, 0.35), draw(3.1, 0.3), max(0.3, draw(0.75, 0.10))
    head = Body(
        x_um=0.0,
        y_um=0.0,
        along_um=length / 2,
        across_um=width / 2,
        depth_um=depth / 2,
        angle=angle,
        lobes=tuple((0.04 * float(rng.standard_normal()), float(rng.uniform(0, 2 * math.pi))) for _ in range(3)),
    )
    core = Body(
        x_um=-0.12 * length * math.cos(angle),
        y_um=-0.12 * length * math.sin(angle),
        along_um=0.34 * length,
        across_um=0.38 * width,
        depth_um=0.4 * depth,
        angle=angle,
    )
    return Cell(
        line=SPERM,
        # Head and tail together lie about the middle of the field.
        x_um=HALF_TAIL_UM * math.cos(angle),
        y_um=HALF_TAIL_UM * math.sin(angle),
        body=head,
        blebs=_tail(head, draw(0.0, 0.15), draw(0.0, 0.035), max(0.5, draw(1.0, 0.15)), rng, difficulty),
        nucleus=core,
        indentation=None,
        nucleoli=_NOTHING,
        granules=_NOTHING,
        # Relative to the medium, which here is air.
        index=MEDIUM_INDEX + max(0.2, draw(0.48, 0.04)),
        nucleus_step=max(0.0, draw(0.10, 0.04)),
        texture_sd=0.004,
        texture_length_um=0.6,
        texture_seed=int(rng.integers(2**63)),
        defocus_sds=0.0,
    )


TAIL_STEP_UM = 1.8
"""Distance of the bodies that a tail is strung from; each reaches into its neighbours."""
MIDPIECE, TAIL = 2, 10
"""Bodies of the midpiece, and of the whole tail as far as it is thick enough to be seen."""
HALF_TAIL_UM = TAIL * TAIL_STEP_UM / 2
_NOTHING = Inclusions(*np.empty((4, 0)))


def _tail(
    head: Body, bend: float, turn: float, thickness: float, rng: np.random.Generator, difficulty: float
) -> tuple[Body, ...]:
    """Return a tail behind the head: its direction turns by ``bend`` a body, which itself grows by ``turn`` a body."""
    heading = head.angle + math.pi + Spread(0.0, 0.15).draw(rng, difficulty)
    x_um, y_um = head.along_um * math.cos(head.angle + math.pi), head.along_um * math.sin(head.angle + math.pi)
    bodies = []
    for place in range(TAIL):
        x_um, y_um = x_um + TAIL_STEP_UM * math.cos(heading), y_um + TAIL_STEP_UM * math.sin(heading)
        radius = 0.42 if place < MIDPIECE else 0.32 * (1 - 0.7 * (place - MIDPIECE) / (TAIL - MIDPIECE))
        bodies.append(
            Body(
                x_um=x_um,
                y_um=y_um,
                along_um=1.1 * TAIL_STEP_UM,
                across_um=radius,
                depth_um=0.5 * radius * thickness,
                angle=heading,
            )
        )
        heading += bend + turn * place
    return tuple(bodies)


class _Purpose(IntEnum):
    """Independent random streams of an item."""

    CELL = 0
    NOISE = 1
    LABELS = 2


@lru_cache(maxsize=1)
def _objective() -> NDArray[np.bool_]:
    """Return which frequencies of the field (160, 160) pass."""
    cycles_per_um = np.fft.fftfreq(FIELD, PITCH_UM)
    return np.hypot(cycles_per_um[:, None], cycles_per_um[None, :]) <= NA / WAVELENGTH_UM
