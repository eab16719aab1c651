"""Simulated tasks of several grades: by how far classes overlap, by optics, and by whether tested runs were seen."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN
from cytogate.model.data.cell_file import CellFile
from cytogate.model.data.splits import Split
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import ANGLES, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.experiments.grades.drawn import drawn
from cytogate.model.experiments.setting import Setting
from cytogate.model.retrieval.binning import bin_values
from cytogate.model.simulation.simulator import SimulatedCells
from cytogate.model.simulation.write import attributes, write_network_inputs

READ_AT_A_TIME = 256


@dataclass(frozen=True)
class Grade:
    """A task: the default one, but for what is said here."""

    name: str
    told: str
    """What differs from the default task, as a page says it."""
    difficulty: float = 1.0
    """Factor of the spread between cells of a class, see :func:`cytogate.model.simulation.cells.draw_cell`."""
    optics: Callable[[FourAngle], FourAngle] = lambda instrument: instrument
    in_runs: bool = False
    """Whether cells come from runs, each of a shading and gains of its own, of which some are tested on alone."""


def better(instrument: FourAngle) -> FourAngle:
    """Return an instrument of a larger aperture, four times the light, a third of the defocus, half the line gain."""
    return dataclasses.replace(
        instrument,
        na=0.8,
        electrons_per_pixel=4 * instrument.electrons_per_pixel,
        defocus_sd_um=instrument.defocus_sd_um / 3,
        line_gain_sd=instrument.line_gain_sd / 2,
    )


def uneven(instrument: FourAngle) -> FourAngle:
    """Return an instrument of twice the shading."""
    return dataclasses.replace(instrument, shading_sd=2 * instrument.shading_sd)


EASY = Grade("easy", "half the spread between cells of a class", difficulty=0.5)
DEFAULT = Grade("default", "the task of the built-in designs")
HARD = Grade("hard", "one and a half times the spread between cells of a class", difficulty=1.5)
BETTER_OPTICS = Grade(
    "better optics", "NA 0.8 instead of 0.55, 4 times the light, a third of the defocus, half the line gain",
    optics=better,
)  # fmt: skip
UNSEEN_RUNS = Grade(
    "unseen runs",
    "shading, twice as strong, and the arms' gains are those of a run; no cell of a tested run is trained on",
    optics=uneven,
    in_runs=True,
)
GRADES = (EASY, DEFAULT, HARD, BETTER_OPTICS, UNSEEN_RUNS)


@dataclass(frozen=True)
class TaskSizes:
    """How large every task is."""

    design: Design
    """Instrument, window and network of the default grade."""
    cells: int
    """To train, select and test on."""
    backgrounds: int
    """Of the background check, to train, select and test on."""
    runs: int
    """Of the grade whose cells come from runs; three or more."""
    workers: int = 2
    """Processes that simulate."""


@dataclass(frozen=True, eq=False)
class Task:
    """The labelled cells of a grade, as the network sees them and as they were drawn, and who is trained on."""

    grade: Grade
    design: Design
    cells: SimulatedCells
    inputs: CellFile
    split: Split
    seen: NDArray[np.int64]
    """Cells of the runs that are trained on, but not trained on themselves; none where cells do not come from runs."""
    backgrounds: CellFile
    """Network inputs with the cells hidden."""
    backgrounds_split: Split

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.design.network.class_names

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of all cells."""
        return self.inputs.labels

    def runs_of(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the runs that some cells, or backgrounds, come from."""
        return np.array([self.cells.run_of(int(index)) for index in chosen], np.int64)

    def drawn(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what some cells were drawn with: (len(chosen), parameters)."""
        return drawn([self.cells.cell(int(index)) for index in chosen])

    def with_true_phase(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[np.integer]]:
        """Give the inputs (cells, N, N, 5) of some cells, a batch at a time, with the true phase for the retrieved."""
        for part in np.array_split(chosen, math.ceil(len(chosen) / READ_AT_A_TIME)):
            inputs = self.inputs.read(part)
            # Small matrix products: beside other work two threads take many times as long as one.
            with threadpool_limits(1):
                phases = np.stack([self.cells.phase(int(index)) for index in part])
            inputs[..., ANGLES] = phase_codes(phases, self.design)
            yield inputs


def phase_codes(phases: NDArray[np.float64], design: Design) -> NDArray[np.uint8]:
    """Return phases (cells, rows, columns) of raw pixels in radians as the network would see them: (cells, N, N).

    The mean of the window's pixels that the retrieval bins, ``(phase + 1 rad) * 32``, rounded and saturated.
    """
    (means,) = bin_values(phases[None], design)
    codes = np.rint((means + PHASE_CODE_OFFSET_RAD) * PHASE_CODES_PER_RADIAN)
    return np.clip(codes, 0, 255).astype(np.uint8)


def task_of(grade: Grade, sizes: TaskSizes, setting: Setting) -> Task:
    """Return the task of a grade; what is simulated is kept in ``setting.work`` and made once.

    Raises
    ------
    InputError
        If the files there hold other cells.
    """
    design = dataclasses.replace(sizes.design, instrument=grade.optics(sizes.design.four_angle))
    runs = sizes.runs if grade.in_runs else None
    cells = SimulatedCells(
        design.four_angle, design.network.class_names, sizes.cells, setting.seed, grade.difficulty, runs=runs
    )
    hidden = dataclasses.replace(cells, cells=sizes.backgrounds)
    split, seen = _split(cells, setting.seed)
    folder = setting.work / grade.name.replace(" ", "-")
    # What is reported on is made exactly.
    fast = np.sort(np.concatenate([split.training, split.validation]))
    return Task(
        grade=grade,
        design=design,
        cells=cells,
        inputs=_file(cells, design, folder / "cells.h5", sizes, setting, fast),
        split=split,
        seen=seen,
        backgrounds=_file(hidden, design, folder / "backgrounds.h5", sizes, setting, None),
        backgrounds_split=_split(hidden, setting.seed)[0],
    )


def _split(cells: SimulatedCells, seed: int) -> tuple[Split, NDArray[np.int64]]:
    """Return who is trained on, and new cells of the runs that are trained on, as many as select."""
    labels = cells.labels
    if cells.runs is None:
        return Split.of(labels, seed), np.zeros(0, np.int64)
    runs = np.array([cells.run_of(index) for index in range(len(cells))])
    split = Split.by_groups(labels, runs, cells.class_names, seed)
    seen = np.sort(np.random.default_rng(seed).permutation(split.training)[: len(split.validation)])
    return dataclasses.replace(split, training=np.setdiff1d(split.training, seen)), seen


def _file(
    cells: SimulatedCells,
    design: Design,
    path: Path,
    sizes: TaskSizes,
    setting: Setting,
    fast: NDArray[np.int64] | None,
) -> CellFile:
    """Return a file of cells, or without ``fast`` of their backgrounds, written where there is none."""
    if not path.exists():
        with setting.own_bars():
            write_network_inputs(cells, design, path, background_only=fast is None, fast=fast, workers=sizes.workers)
    file = CellFile.of(path, design)
    asked = attributes(cells)
    if len(file.labels) != len(cells) or any(file.attributes.get(key) != value for key, value in asked.items()):
        raise InputError(f"{path}: holds other cells than asked for; remove {setting.work} to start anew")
    return file
