"""Simulated off-axis holograms: several cells a field, each field made when it is asked for.

The field of the cells, ``exp(i phi)`` within the objective's aperture, meets a tilted reference wave whose curvature
and tilt are the instrument's own and the same in all fields of a set, with weak coherent noise of which half is the
instrument's own (dust, reflections) and half the field's. The camera sees the power of the sum, with shot noise.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from cytogate.model.design.design import CLASS_NAMES
from cytogate.model.design.instruments import OffAxis
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import Cell, cell_line, draw_cell, phase_part
from cytogate.model.simulation.making import make_file
from cytogate.model.simulation.optics import Floats, code_type
from cytogate.model.simulation.seeded import SeededSet, check_class_names
from cytogate.model.simulation.simulator import MAX_DIFFICULTY
from cytogate.model.simulation.write import HDF5_SUFFIXES

MOST_CELLS = 64
"""Cells of a field, at most."""
MARGIN_UM = 1.5
"""Between two cells, and from a cell to the edge of the field."""
TRIES = 200
"""Places that are tried for a cell before the field counts as full."""
CURVATURE_RAD = 6.0
"""Standard deviation of each second-order term of the instrument's phase, at the edge of the field."""
MEAN_LEVEL = 0.4
"""Of the camera's range, that of the empty field."""
SPECKLE_UM = 1.5
"""Correlation length of coherent noise."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What the camera would never know of a field."""

    phase: Floats
    """(rows, columns) radians, the truth."""
    labels: tuple[int, ...]
    """Of each cell, an index of the class names."""
    centers: tuple[tuple[float, float], ...]
    """Of each cell, (row, column) in pixels of the hologram."""
    delay_um3: tuple[float, ...]
    """Of each cell, its path delay integrated over its area."""


@dataclass(frozen=True, eq=False)
class SimulatedHologram:
    """One field."""

    frame: NDArray[np.unsignedinteger]
    """(rows, columns) codes, what the camera gives."""
    truth: Truth


@dataclass(frozen=True)
class SimulatedHolograms(SeededSet[SimulatedHologram]):
    """A set of fields with cells of several lines; ``cells`` is the number asked of each field."""

    noun: ClassVar[str] = "field"

    acquisition: OffAxis = field(default_factory=OffAxis)
    class_names: tuple[str, ...] = CLASS_NAMES
    fields: int = 100
    cells: int = 3
    seed: int = 0
    difficulty: float = 1.0

    def __post_init__(self) -> None:
        self.check_request(self.fields, self.difficulty, MAX_DIFFICULTY)
        if not 0 <= self.cells <= MOST_CELLS:
            raise InputError(f"{self.cells} cells a field; it must be 0 to {MOST_CELLS}")
        check_class_names(self.class_names)
        for name in self.class_names:
            cell_line(name)
        if self.acquisition.pixel_pitch_x_um * 2 * self.acquisition.na / self.acquisition.wavelength_um >= 1:
            raise InputError(
                f"pixels of {self.acquisition.pixel_pitch_x_um:.3g} um do not sample the field through NA "
                f"{self.acquisition.na:g}; take a larger magnification or a smaller na"
            )

    def __len__(self) -> int:
        return self.fields

    def item(self, index: int) -> SimulatedHologram:
        """Simulate one field."""
        truth = self.truth(index)
        return SimulatedHologram(self._camera(truth.phase, self.checked(index)), truth)

    def truth(self, index: int) -> Truth:
        """Return the cells of a field and the phase that they give, without a camera."""
        placed = self.placed(index)
        phase = np.zeros(self._shape)
        delays = []
        for cell, _ in placed:
            part = phase_part(cell, self._shape, (self._pitch,) * 2, self.acquisition.wavelength_um)
            phase[part.rows, part.columns] += part.phase
            delays.append(float(part.phase.sum()) * self.acquisition.wavelength_um / (2 * math.pi) * self._pitch**2)
        middle = [(count - 1) / 2 for count in self._shape]
        centers = [(middle[0] + cell.y_um / self._pitch, middle[1] + cell.x_um / self._pitch) for cell, _ in placed]
        labels = tuple(label for _, label in placed)
        return Truth(phase, labels, tuple(centers), tuple(delays))

    def empty_field(self, index: int) -> NDArray[np.unsignedinteger]:
        """Return a hologram (rows, columns) without cells, of the same instrument."""
        return self._camera(np.zeros(self._shape), self.checked(index))

    def placed(self, index: int) -> list[tuple[Cell, int]]:
        """Return cells of a field with their labels, no two of which touch; fewer than asked where they do not fit."""
        rng = self.stream(self.checked(index), _Purpose.CELLS)
        half_y, half_x = (count * self._pitch / 2 for count in self._shape)
        found: list[tuple[Cell, int]] = []
        for _ in range(self.cells):
            label = int(rng.integers(len(self.class_names)))
            cell = draw_cell(cell_line(self.class_names[label]), rng, self.difficulty)
            reach = _reach(cell) + MARGIN_UM
            for _ in range(TRIES):
                y, x = rng.uniform(-1, 1, 2) * (max(half_y - reach, 0), max(half_x - reach, 0))
                if all(math.hypot(y - other.y_um, x - other.x_um) > reach + _reach(other) for other, _ in found):
                    found.append((dataclasses.replace(cell, x_um=float(x), y_um=float(y)), label))
                    break
        return found

    def _camera(self, phase: Floats, index: int) -> NDArray[np.unsignedinteger]:
        """Return what the camera makes of a phase (rows, columns)."""
        optics = self.acquisition
        waves = _through_aperture(np.expm1(1j * phase), self._passes) + 1
        waves = waves + self._instrument_speckle + self._speckle(self.stream(index, _Purpose.SPECKLE))
        # The light that does not interfere is all there, at the darkest fringe, too.
        light = (1 + np.abs(waves) ** 2) / 2 + optics.fringe_contrast * (waves * self._reference).real
        rng = self.stream(index, _Purpose.NOISE)
        electrons = rng.poisson(np.maximum(light, 0) * optics.electrons_per_pixel)
        top = 2**optics.adc_bits - 1
        codes = np.rint(electrons * (MEAN_LEVEL * top / optics.electrons_per_pixel))
        return np.clip(codes, 0, top).astype(code_type(optics))

    def _speckle(self, rng: np.random.Generator) -> NDArray[np.complex128]:
        """Draw coherent noise (rows, columns) with half of the variance that the instrument's has."""
        white = rng.standard_normal(self._shape) + 1j * rng.standard_normal(self._shape)
        smooth = _through_aperture(white, self._blur)
        return smooth * (self.acquisition.speckle_sd / math.sqrt(2) / math.sqrt(float(np.mean(np.abs(smooth) ** 2))))

    @property
    def _shape(self) -> tuple[int, int]:
        return self.acquisition.rows, self.acquisition.columns

    @property
    def _pitch(self) -> float:
        return self.acquisition.pixel_pitch_x_um

    @cached_property
    def _distance(self) -> Floats:
        """Distance of the frequencies of numpy.fft.fftfreq from zero, cycles a um."""
        y, x = (np.fft.fftfreq(count, self._pitch) for count in self._shape)
        return np.hypot(y[:, None], x)

    @cached_property
    def _passes(self) -> Floats:
        return (self._distance <= self.acquisition.na / self.acquisition.wavelength_um).astype(np.float64)

    @cached_property
    def _blur(self) -> Floats:
        return np.exp(-2 * (np.pi * SPECKLE_UM * self._distance) ** 2) * self._passes

    @cached_property
    def _instrument_speckle(self) -> NDArray[np.complex128]:
        return self._speckle(self.stream(0, _Purpose.INSTRUMENT))

    @cached_property
    def _reference(self) -> NDArray[np.complex128]:
        """The conjugate of the reference wave, (rows, columns): carrier, curvature, a phase of its own."""
        rows, columns = self._shape
        y, x = np.arange(rows)[:, None], np.arange(columns)[None, :]
        v, u = y / rows * 2 - 1, x / columns * 2 - 1
        weights = self.stream(1, _Purpose.INSTRUMENT).standard_normal(4)
        curved = CURVATURE_RAD * (weights[0] * u * u + weights[1] * u * v + weights[2] * v * v) / 2
        carrier = 2 * np.pi * (self.acquisition.carrier_y * y + self.acquisition.carrier_x * x)
        return np.asarray(np.exp(1j * (carrier + curved + np.pi * weights[3])))


class _Purpose(IntEnum):
    """Independent random streams."""

    CELLS = 0
    SPECKLE = 1
    NOISE = 2
    INSTRUMENT = 3


def _reach(cell: Cell) -> float:
    """Return the radius, in um, of a circle that holds a cell."""
    bled = [math.hypot(bleb.x_um, bleb.y_um) + bleb.along_um for bleb in cell.blebs]
    return max([cell.body.along_um * (1 + sum(abs(amplitude) for amplitude, _ in cell.body.lobes)), *bled])


def _through_aperture(waves: NDArray, passes: Floats) -> NDArray[np.complex128]:
    return np.asarray(scipy.fft.ifft2(scipy.fft.fft2(waves) * passes))


@dataclass(frozen=True)
class _HologramFrames:
    """How fields become items of a file."""

    holograms: SimulatedHolograms
    names: tuple[str, ...]
    empty_field: bool

    @property
    def what(self) -> str:
        return "simulating holograms"

    @property
    def count(self) -> int:
        return len(self.holograms)

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, self.holograms.acquisition.rows, self.holograms.acquisition.columns

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        return code_type(self.holograms.acquisition)

    @property
    def request(self) -> dict[str, object]:
        told = asdict(self.holograms) | {
            "version": version("cytogate"),
            "class_names": self.names,
            "lines": self.holograms.class_names,
        }
        return {key: value for key, value in told.items() if key != "fields"} | {"empty_field": self.empty_field}

    def make(self, indices: range) -> NDArray[np.unsignedinteger]:
        made = self.holograms
        return np.stack([made.empty_field(i) if self.empty_field else made.item(i).frame for i in indices])[:, None]


def write_holograms(
    holograms: SimulatedHolograms,
    path: Path,
    *,
    class_names: tuple[str, ...],
    empty_field: bool = False,
    workers: int = 2,
) -> None:
    """Simulate fields into the HDF5 file ``path``, which appears whole; resumable.

    Datasets ``frames`` (fields, 1, rows, columns) and, of the cells of all fields in a row, ``cell_field``,
    ``cell_label`` (an index of ``cell_class_names``), ``cell_center`` (row, column) and ``cell_delay_um3``; divided by
    a refraction increment, the last is the true dry mass.
    """
    if path.suffix.lower() not in HDF5_SUFFIXES:
        raise InputError(f"{path}: simulated holograms are written as .h5 or .hdf5")

    def store(place: Path, items: Iterable[NDArray[np.unsignedinteger]]) -> None:
        with h5py.File(place, "w") as file:
            file.attrs.update({
                "simulated": True, "seed": holograms.seed, "optics": json.dumps(asdict(holograms.acquisition)),
                "version": version("cytogate"),
            })  # fmt: skip
            shape = recipe.count, *recipe.shape
            stored = file.create_dataset("frames", shape, recipe.dtype, chunks=(1, *recipe.shape))
            for number, item in enumerate(items):
                stored[number] = item
            if not empty_field:
                _store_truth(file, holograms, class_names)

    recipe = _HologramFrames(holograms, class_names, empty_field)
    make_file(recipe, path, store, workers)


def _store_truth(file: h5py.File, holograms: SimulatedHolograms, class_names: tuple[str, ...]) -> None:
    owners: list[int] = []
    labels: list[int] = []
    centers: list[tuple[float, float]] = []
    delays: list[float] = []
    for index in range(len(holograms)):
        truth = holograms.truth(index)
        owners += [index] * len(truth.labels)
        labels += truth.labels
        centers += truth.centers
        delays += truth.delay_um3
    file["cell_field"], file["cell_label"] = np.array(owners, np.int64), np.array(labels, np.int64)
    file["cell_center"] = np.array(centers, np.float64).reshape(-1, 2)
    file["cell_delay_um3"] = np.array(delays, np.float64)
    file["cell_class_names"] = np.array(class_names, "S")
