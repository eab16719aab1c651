"""Simulated ATOM frames: cells in flow as asymmetric-detection time-stretch microscopy sees them, poor ones among them.

Meng 2018 (sections III-A and III-B) has one oblique view of each cell of four kinds, in frames of 21x102 to 68x440
pixels: a line is one laser pulse, finely sampled, and the flow gives the coarse spacing of lines. Illumination, focus
and sampling differ between runs of the instrument, and some frames are poor: without a cell, with a part of one, out of
focus, or with a ghost, the echo of a pulse. Shares of poor frames are the paper's, of all four kinds alike; that of
PBMC, of which it says "a few", is estimated.

Cells are those of :mod:`cytogate.model.simulation.cells`, the view is the +x pupil of
:mod:`cytogate.model.simulation.optics`. Numerical aperture, fields of view and how far runs differ are estimated. The
paper's PBMC and MB231 come from different
collections, so that they can be told apart by their runs; here every run sees all four kinds.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.instruments import FourAngle
from cytogate.model.simulation.cells import Cell, cell_line, draw_cell, phase_map
from cytogate.model.simulation.optics import Floats, digitise, draw_shading, four_angle_intensities
from cytogate.model.simulation.seeded import SeededSet, stream

FRAMES_A_RUN = 100
"""Consecutive frames that are recorded with one setting of the instrument."""
CELLS_A_RUN = {"THP1": 30, "MCF7": 34, "MB231": 30, "PBMC": 6}
"""Of each kind among them: few PBMC, as in the paper, though not one in three hundred."""
POOR_SHARE = {"THP1": 0.375, "MCF7": 0.233, "MB231": 0.257, "PBMC": 0.05}
"""Share of poor frames (paper, section III-B)."""

ROWS, COLUMNS = (21, 68), (102, 440)
"""Smallest and largest frame (paper, section III-A)."""
HEIGHT_UM, WIDTH_UM = (27.0, 30.0), (33.0, 37.0)
"""Fields of view: a large cell and little more."""
MAX_LINE_PITCH_UM = 1.3
"""Coarser lines would not sample the field that passes the objective."""
NA = 0.4
RIM_UM = 0.5
"""Of empty field around a complete cell, at least."""
BEYOND_UM = 14.0
"""Field around a poor frame that is simulated too: the rest of a cell, what an echo brings in, light out of focus."""
BLUR_UM = (18.0, 30.0)
"""Distance from focus of a blurred frame: beyond the depth of focus of the oblique pupil, some 12 um."""
ECHO_UM, ECHO_SHARE = (7.0, 13.0), (0.35, 0.7)
"""Shift of a ghost along the line, and its brightness as a share of the pulse's."""
OUTLINE_POINTS = 64


class PoorFrame(Enum):
    """Why a frame is poor."""

    NONE = "none"
    EMPTY = "no cell"
    CUT = "cut cell"
    BLURRED = "out of focus"
    GHOST = "ghost"


@dataclass(frozen=True)
class Run:
    """One setting of the instrument."""

    acquisition: FourAngle
    """Size, pixel pitches, noise and brightness; of its four frames the first is taken."""
    focus_um: float
    """Distance of the focal plane from the middle of the flow."""

    @property
    def field_um(self) -> tuple[float, float]:
        """Height and width of the field of view."""
        view = self.acquisition
        return view.rows * view.pixel_pitch_y_um, view.columns * view.pixel_pitch_x_um


@dataclass(frozen=True)
class AtomFrames(SeededSet[NDArray[np.uint8]]):
    """Frames (rows, columns) uint8 of several runs, their labels and the truth about the poor ones."""

    noun: ClassVar[str] = "frame"
    class_names: ClassVar[tuple[str, ...]] = tuple(CELLS_A_RUN)

    frames: int = 1000
    seed: int = 0
    difficulty: float = 0.4
    """Factor of the spread between cells of a class, see :func:`cytogate.model.simulation.cells.draw_cell`; 0 to 1."""

    def __post_init__(self) -> None:
        self.check_request(self.frames, self.difficulty, 1.0, "as larger cells leave the field")

    def __len__(self) -> int:
        return self.frames

    def item(self, index: int) -> NDArray[np.uint8]:
        """Simulate one frame."""
        run, fault = self.run(index), self.fault(index)
        rng = self.stream(index, _Purpose.FAULT_DETAILS)
        if fault is PoorFrame.EMPTY:
            return self.empty_field(index)
        cell = self.cell(index)
        defocus = run.focus_um + cell.defocus_sds * run.acquisition.defocus_sd_um
        if fault is PoorFrame.NONE:
            light = _seen(cell, run, (0, 0), defocus)
        elif fault is PoorFrame.BLURRED:
            light = _within(_seen(cell, run, _beyond(run), math.copysign(rng.uniform(*BLUR_UM), defocus)), run)
        elif fault is PoorFrame.CUT:
            light = _within(_seen(cell, run, _beyond(run), defocus), run)
        else:
            light = _with_echo(_seen(cell, run, _beyond(run), defocus), run, rng)
        return self._digitised(light, index)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of all frames, of poor ones too: what was in the tube. (frames,)."""
        runs = math.ceil(self.frames / FRAMES_A_RUN)
        return np.concatenate([self._labels_of_run(run) for run in range(runs)])[: self.frames]

    @property
    def poor(self) -> NDArray[np.bool_]:
        """Which frames are poor: the truth, as somebody would judge it by eye. (frames,)."""
        return np.array([self.fault(index) is not PoorFrame.NONE for index in range(self.frames)])

    def label(self, index: int) -> int:
        """Return the label of a frame."""
        run, place = divmod(self.checked(index), FRAMES_A_RUN)
        return int(self._labels_of_run(run)[place])

    def fault(self, index: int) -> PoorFrame:
        """Return why a frame is poor; a cell that is larger than the field is cut."""
        fault = self._drawn_fault(index)
        if fault in (PoorFrame.EMPTY, PoorFrame.CUT):
            return fault
        room = np.array(self.run(index).field_um) / 2 - RIM_UM
        return fault if np.all(_half_extents(self._drawn_cell(index)) <= room) else PoorFrame.CUT

    def run(self, index: int) -> Run:
        """Return the setting that a frame is recorded with."""
        return _draw_run(self.seed, self.checked(index) // FRAMES_A_RUN)

    def cell(self, index: int) -> Cell:
        """Return the cell of a frame, where it is seen; the frame shows none if that is its fault."""
        cell, field = self._drawn_cell(index), np.array(self.run(index).field_um)
        extents = _half_extents(cell)
        free = np.maximum(field / 2 - RIM_UM - extents, 0)
        center = np.clip([cell.y_um, cell.x_um], -free, free)
        if self._drawn_fault(index) is PoorFrame.CUT:
            rng = self.stream(index, _Purpose.PLACE)
            axis, side = rng.integers(2), rng.choice([-1, 1])
            center[axis] = side * (field[axis] / 2 - rng.uniform(-0.3, 0.6) * extents[axis])
        return dataclasses.replace(cell, y_um=float(center[0]), x_um=float(center[1]))

    def empty_field(self, index: int) -> NDArray[np.uint8]:
        """Return the frame of the same run and noise with no cell in the field."""
        view = self.run(index).acquisition
        return self._digitised(np.ones((view.rows, view.columns)), self.checked(index))

    def _digitised(self, light: Floats, index: int) -> NDArray[np.uint8]:
        view = self.run(index).acquisition
        shading = _run_shading(self.seed, index // FRAMES_A_RUN)
        codes = digitise(light[None], view, shading=shading[None], rng=self.stream(index, _Purpose.NOISE))
        return codes[0].astype(np.uint8)

    def _drawn_cell(self, index: int) -> Cell:
        line = cell_line(self.class_names[self.label(index)])
        return draw_cell(line, self.stream(self.checked(index), _Purpose.CELL), self.difficulty)

    def _drawn_fault(self, index: int) -> PoorFrame:
        rng = self.stream(self.checked(index), _Purpose.FAULT)
        is_poor = rng.uniform() < POOR_SHARE[self.class_names[self.label(index)]]
        return list(PoorFrame)[1 + int(rng.integers(len(PoorFrame) - 1))] if is_poor else PoorFrame.NONE

    def _labels_of_run(self, run: int) -> NDArray[np.int64]:
        labels = np.repeat(np.arange(len(self.class_names)), list(CELLS_A_RUN.values()))
        return self.stream(run, _Purpose.LABELS).permutation(labels)


class _Purpose(IntEnum):
    """Independent random streams of a frame, or of a run."""

    CELL = 0
    FAULT = 1
    FAULT_DETAILS = 2
    PLACE = 3
    NOISE = 4
    LABELS = 5
    RUN = 6
    SHADING = 7


@lru_cache(maxsize=64)
def _draw_run(seed: int, number: int) -> Run:
    """Draw sampling, illumination and focus of a run."""
    rng = stream(seed, number, _Purpose.RUN)
    rows, columns = (int(rng.integers(low, high + 1)) for low, high in (ROWS, COLUMNS))
    height = min(rng.uniform(*HEIGHT_UM), MAX_LINE_PITCH_UM * rows)
    acquisition = FourAngle(
        na=NA,
        pixel_pitch_x_um=rng.uniform(*WIDTH_UM) / columns,
        pixel_pitch_y_um=height / rows,
        full_scale=rng.uniform(1.6, 3.2),
        rows=rows,
        columns=columns,
        electrons_per_pixel=math.exp(rng.uniform(math.log(800), math.log(6000))),
        defocus_sd_um=rng.uniform(0.5, 2.0),
        shading_sd=rng.uniform(0.01, 0.05),
        line_gain_sd=rng.uniform(0.003, 0.010),
    )
    return Run(acquisition, focus_um=2.0 * float(np.clip(rng.standard_normal(), -2.5, 2.5)))


@lru_cache(maxsize=64)
def _run_shading(seed: int, number: int) -> Floats:
    """Return how unevenly the field of a run is lit: (rows, columns), about 1."""
    return draw_shading(_draw_run(seed, number).acquisition, stream(seed, number, _Purpose.SHADING))[0]


def _half_extents(cell: Cell) -> Floats:
    """Return how far the cell reaches from its center along y and along x, in um, blebs included."""
    direction = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
    extents = []
    for part in (cell.body, *cell.blebs):
        radius = 1 + sum(
            amplitude / harmonic * np.cos(harmonic * direction + phase)
            for harmonic, (amplitude, phase) in enumerate(part.lobes, start=2)
        )
        along, across = part.along_um * radius * np.cos(direction), part.across_um * radius * np.sin(direction)
        cos, sin = math.cos(part.angle), math.sin(part.angle)
        x, y = part.x_um + along * cos - across * sin, part.y_um + along * sin + across * cos
        extents.append([np.abs(y).max(), np.abs(x).max()])
    return np.max(extents, axis=0)


def _beyond(run: Run) -> tuple[int, int]:
    """Return the rows and columns on each side that are simulated beyond a poor frame."""
    view = run.acquisition
    return math.ceil(BEYOND_UM / view.pixel_pitch_y_um), math.ceil(BEYOND_UM / view.pixel_pitch_x_um)


def _seen(cell: Cell, run: Run, beyond: tuple[int, int], defocus_um: float) -> Floats:
    """Return the light of the frame and of ``beyond`` (rows, columns) around it; 1 in the empty field."""
    view = run.acquisition
    shape = view.rows + 2 * beyond[0], view.columns + 2 * beyond[1]
    phase = phase_map(cell, shape, (view.pixel_pitch_y_um, view.pixel_pitch_x_um), view.wavelength_um)
    return four_angle_intensities(phase, view, defocus_um)[0]


def _within(wide: Floats, run: Run, shift: int = 0) -> Floats:
    """Return the frame out of what lies around it too, ``shift`` columns to the left."""
    view, (rows, columns) = run.acquisition, _beyond(run)
    return wide[rows : rows + view.rows, columns - shift : columns - shift + view.columns]


def _with_echo(wide: Floats, run: Run, rng: np.random.Generator) -> Floats:
    """Return the frame with a weaker one behind it; a detector without an offset sees the sum, brought back to 1."""
    shift = round(rng.choice([-1, 1]) * rng.uniform(*ECHO_UM) / run.acquisition.pixel_pitch_x_um)
    share = rng.uniform(*ECHO_SHARE)
    return (_within(wide, run) + share * _within(wide, run, shift)) / (1 + share)
