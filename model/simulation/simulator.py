"""Simulated data sets: seeded cells in four angles or in bright field, each made when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import CAUSAL, CLASS_NAMES, Design
from cytogate.model.design.instruments import ANGLES, MOST_PIXELS, BrightField, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import CELL_LINES, Cell, cell_line, draw_cell, phase_map
from cytogate.model.simulation.optics import Floats, digitise, draw_shading, four_angle_intensities
from cytogate.model.simulation.seeded import SeededSet, check_class_names, check_seed

MAX_DIFFICULTY = 10.0
"""Beyond this factor spreads exceed what a cell can be: indices without bound, granules by the million."""
RUN_GAIN_SD, ARM_GAIN_SD = 0.1, 0.03
"""Standard deviations of a run's brightness about the instrument's own, and of an arm's about that of its run."""


@dataclass(frozen=True, eq=False)
class SimulatedCell:
    """What the instrument gives of one cell, and what a real instrument would never know."""

    frames: NDArray[np.unsignedinteger]
    """(4, rows, columns) codes, order +x, -x, +y, -y; of a bright-field instrument (1, rows, columns)."""
    label: int
    """Index of the cell's line in the data set's class names."""
    phase: Floats
    """(rows, columns) radians, the truth."""


@dataclass(frozen=True)
class SimulatedCells(SeededSet[SimulatedCell]):
    """A data set of simulated cells of several lines in equal numbers.

    By default each cell has a shading of its own, as though it came from its own run of the instrument: a network
    cannot tell classes, and cannot grow used to one instrument, by the background.
    """

    acquisition: FourAngle = field(default_factory=FourAngle)
    class_names: tuple[str, ...] = CLASS_NAMES
    cells: int = 1000
    seed: int = 0
    difficulty: float = 1.0
    """Factor of the spread between cells of a class, see :func:`cytogate.model.simulation.cells.draw_cell`."""
    shaded: bool = True
    noisy: bool = True
    run: int | None = None
    """All cells share the shading of the run of this number; None: each has its own."""
    runs: int | None = None
    """Cells come from so many runs, all classes from each, and share their run's shading and its arms' gains; None: as
    ``run`` says, and of the instrument's own gain."""

    def __post_init__(self) -> None:
        self.check_request(self.cells, self.difficulty, MAX_DIFFICULTY)
        if self.run is not None:
            check_seed("run", self.run)
        if self.runs is not None:
            self._check_runs(self.runs)
        check_class_names(self.class_names)
        for name in self.class_names:
            cell_line(name)

    def __len__(self) -> int:
        return self.cells

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(4, rows, columns)."""
        return 4, self.acquisition.rows, self.acquisition.columns

    def item(self, index: int) -> SimulatedCell:
        """Simulate one cell."""
        cell, phase = self.cell(index), self.phase(index)
        intensities = four_angle_intensities(phase, self.acquisition, cell.defocus_sds * self.acquisition.defocus_sd_um)
        return SimulatedCell(self._digitised(intensities, index), self.label(index), phase)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of all cells, without simulating them: (cells,)."""
        return np.array([self.label(index) for index in range(self.cells)], np.int64)

    def label(self, index: int) -> int:
        """Return the label of a cell: every run of ``len(class_names)`` cells holds each class once, shuffled."""
        return self.kind(index, len(self.class_names), _Purpose.LABELS)

    def cell(self, index: int) -> Cell:
        """Return the cell itself: its shape and parts."""
        line = cell_line(self.class_names[self.label(index)])
        return draw_cell(line, self.stream(self.checked(index), _Purpose.CELL), self.difficulty)

    def phase(self, index: int) -> Floats:
        """Return the true phase of a cell: (rows, columns) radians."""
        instrument = self.acquisition
        return phase_map(
            self.cell(index),
            (instrument.rows, instrument.columns),
            (instrument.pixel_pitch_y_um, instrument.pixel_pitch_x_um),
            instrument.wavelength_um,
        )

    def run_of(self, index: int) -> int:
        """Return the run that a cell comes from, 0 where all are from one or each from its own."""
        return 0 if self.runs is None else self.checked(index) // len(self.class_names) % self.runs

    def shading_stream(self, index: int) -> np.random.Generator:
        """Return what draws the shading of a cell: that of its run, where cells share one."""
        if self.runs is not None:
            return self.stream(self.run_of(index), _Purpose.RUN_SHADING)
        return self.stream(index, _Purpose.SHADING) if self.run is None else np.random.default_rng(self.run)

    def gains(self, index: int) -> Floats:
        """Return the brightness of a cell's arms in units of the instrument's own: (4, 1, 1), 1 where none is drawn."""
        if self.runs is None:
            return np.ones((4, 1, 1))
        drawn = self.stream(self.run_of(index), _Purpose.RUN_GAIN).standard_normal(5).clip(-2.5, 2.5)
        return (1 + RUN_GAIN_SD * drawn[0]) * (1 + ARM_GAIN_SD * drawn[1:])[:, None, None]

    def sums_stream(self, index: int) -> np.random.Generator:
        """Return what draws the noise of a cell's sums of pixels (:mod:`cytogate.model.simulation.fast`)."""
        return self.stream(index, _Purpose.SUMS)

    def empty_field(self, index: int) -> NDArray[np.unsignedinteger]:
        """Return the frames (4, rows, columns) of the same shading and noise with no cell in the field."""
        return self._digitised(np.ones(self.frame_shape), self.checked(index))

    def brightness(self, index: int) -> Floats:
        """Return the light of the empty field of a cell, without noise: (4, rows, columns), 1 where it is even."""
        even = np.ones(self.frame_shape) * self.gains(index)
        return even * draw_shading(self.acquisition, self.shading_stream(index)) if self.shaded else even

    def _digitised(self, intensities: Floats, index: int) -> NDArray[np.unsignedinteger]:
        shading = draw_shading(self.acquisition, self.shading_stream(index)) if self.shaded else None
        noise = self.stream(index, _Purpose.NOISE) if self.noisy else None
        return digitise(intensities * self.gains(index), self.acquisition, shading=shading, rng=noise)

    def _check_runs(self, runs: int) -> None:
        if not 1 <= runs <= self.cells:
            raise InputError(f"runs is {runs}; {self.cells} cells come from 1 to {self.cells} runs")
        if self.run is not None:
            raise InputError(f"run is {self.run} and runs is {runs}; cells share one run or come from several")


class _Purpose(IntEnum):
    """Independent random streams of an item."""

    CELL = 0
    SHADING = 1
    NOISE = 2
    LABELS = 3
    SUMS = 4
    RUN_SHADING = 5
    RUN_GAIN = 6


@dataclass(frozen=True)
class BrightFieldCells(SimulatedCells):
    """The same cells in bright field: all four oblique beams light them at once, and one camera sees the sum.

    A point of the light source makes an image of its own, so that intensities add. A pixel of the camera is
    :data:`FINER` squared ones of ``acquisition``, whose ADC's codes have the camera's bits.
    """

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(1, rows, columns)."""
        return 1, self.acquisition.rows // FINER, self.acquisition.columns // FINER

    def item(self, index: int) -> SimulatedCell:
        """Simulate one cell; its phase is that of the finer pixels."""
        cell = super().item(index)
        return replace(cell, frames=self._summed(cell.frames))

    def empty_field(self, index: int) -> NDArray[np.unsignedinteger]:
        """Return the frame (1, rows, columns) of the same shading and noise with no cell in the field."""
        arms = np.ones((ANGLES, self.acquisition.rows, self.acquisition.columns))
        return self._summed(self._digitised(arms, self.checked(index)))

    def _summed(self, arms: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """Return the mean of the arms' (4, rows, columns) over a pixel, rounded: it is within the ADC's range."""
        _, rows, columns = self.frame_shape
        blocks = arms.reshape(ANGLES, rows, FINER, columns, FINER)
        return np.rint(blocks.mean(axis=(0, 2, 4)))[None].astype(arms.dtype)


FINER = 4
"""Pixels of the simulated optics along each axis of a bright-field camera's pixel."""


def cells_of_instrument(design: Design, **choices: Any) -> SimulatedCells:
    """Return simulated cells of a design's instrument; ``choices`` are further fields of :class:`SimulatedCells`.

    Raises
    ------
    InputError
        If there is no simulator of such an instrument.
    """
    instrument = design.instrument
    if isinstance(instrument, FourAngle):
        return SimulatedCells(acquisition=instrument, **choices)
    if (
        isinstance(instrument, BrightField)
        and len(instrument.channels) == 1
        and max(instrument.rows, instrument.columns) * FINER <= MOST_PIXELS
    ):
        optics = FourAngle(
            pixel_pitch_x_um=instrument.pixel_pitch_x_um / FINER,
            pixel_pitch_y_um=instrument.pixel_pitch_y_um / FINER,
            adc_bits=instrument.adc_bits,
            rows=instrument.rows * FINER,
            columns=instrument.columns * FINER,
        )
        return BrightFieldCells(acquisition=optics, **choices)
    told = f" with {len(instrument.channels)} channels" if isinstance(instrument, BrightField) else ""
    raise InputError(
        f'design {design.name} is of kind "{instrument.kind}"{told}, of which there is no simulator; give frames of '
        "its instrument by --input"
    )


def simulated_cells(design: Design, cells: int, seed: int) -> SimulatedCells:
    """Return cells of a design's instrument: of its classes, or of the built-in lines if it has others.

    A causal chip knows the light from earlier frames: its cells are of one run.

    Raises
    ------
    InputError
        If there is no simulator of such an instrument.
    """
    names = design.network.class_names
    known = names if set(names) <= set(CELL_LINES) else CLASS_NAMES
    run = seed if design.chip.retrieval == CAUSAL else None
    return cells_of_instrument(design, class_names=known, cells=cells, seed=seed, run=run)
