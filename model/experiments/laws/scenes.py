"""Simulated fields of one run that are hard for one law of phase retrieval or another, and their true phases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.simulation.optics import Floats, digitise, draw_shading, four_angle_intensities
from cytogate.model.simulation.simulator import SimulatedCells

CUT_ROWS = 100
"""Raw rows by which a cell is moved so that the window's edge cuts it."""
OVERLAP = 0.95
"""Distance of two touching cells, in sums of their radii."""
OUTLINE_RAD = 0.1
"""Phase beyond which a pixel is the cell's, by which its radius is taken."""
SHADING, OTHER_SHADING = 4242, 777
"""Seeds of a run's shading, and of the one that it drifts towards."""


@dataclass(frozen=True)
class Scene:
    """What is in the fields of a run, and how they are lit."""

    name: str
    told: str
    """The same in words, as a page says it."""
    rows_down: int = 0
    """Raw rows by which cells lie lower than the middle."""
    touching: bool = False
    """Whether a second cell touches each."""
    shading: float = 1.0
    """The instrument's own shading, times this."""
    drift: float = 0.0
    """Change of the light, as a share of it (standard deviation over pixels), in a thousand frames."""


WHOLE = Scene("whole", "one cell in the middle, lit as the instrument lights")
SCENES = (
    WHOLE,
    Scene("touching", "a second cell touches the first along a diagonal, both within the window", touching=True),
    Scene("cut at the top", f"cells lie {CUT_ROWS} raw rows too high, and the window cuts them", rows_down=-CUT_ROWS),
    Scene("cut at the bottom", f"cells lie {CUT_ROWS} raw rows too low", rows_down=CUT_ROWS),
    Scene("shaded", "three times the instrument's shading", shading=3.0),
    Scene("drifting", "the shading changes by 1 % of the light in a thousand frames", drift=0.01),
)


@dataclass(frozen=True)
class Field:
    """The fields of a run: cells that share an instrument and its light."""

    cells: SimulatedCells
    scene: Scene = WHOLE

    def frames(self, index: int) -> NDArray[np.unsignedinteger]:
        """Return the frames of a cell: (4, rows, columns), order +x, -x, +y, -y."""
        cell, instrument = self.cells.cell(index), self.cells.acquisition
        defocus = cell.defocus_sds * instrument.defocus_sd_um
        light = four_angle_intensities(self._phase(index), instrument, defocus)
        return self._digitised(np.roll(light, self.scene.rows_down, axis=1), index, empty=False)

    def empty_frames(self, index: int) -> NDArray[np.unsignedinteger]:
        """Return the frames of an empty field with the light of cell ``index`` and noise of its own."""
        return self._digitised(np.ones(self.cells.frame_shape), index, empty=True)

    def truth(self, index: int, design: Design) -> Floats:
        """Return the true phase of a cell in the window of a design: (N, N) radians, means over pixels."""
        (top, left), size, binning = design.crop, design.size, design.binning
        moved = np.roll(self._phase(index), self.scene.rows_down, axis=0)
        window = moved[top : top + size * binning, left : left + size * binning]
        binned: Floats = window.reshape(size, binning, size, binning).mean(axis=(1, 3))
        return binned

    def _phase(self, index: int) -> Floats:
        phase = self.cells.phase(index)
        if not self.scene.touching:
            return phase
        other = self.cells.phase((index + 1) % len(self.cells))
        # Along a diagonal, more or less, two large cells are still within the window.
        rng = np.random.default_rng([92, index])
        angle = (rng.integers(4) + 0.5) * math.pi / 2 + rng.uniform(-0.2, 0.2)
        half = OVERLAP * (_radius(phase) + _radius(other)) / 2
        away = (round(half * math.sin(angle)), round(half * math.cos(angle)))
        both: Floats = np.roll(phase, away, (0, 1)) + np.roll(other, (-away[0], -away[1]), (0, 1))
        return both

    def _digitised(self, light: Floats, index: int, empty: bool) -> NDArray[np.unsignedinteger]:
        instrument = self.cells.acquisition
        own, other = (draw_shading(instrument, np.random.default_rng(seed)) - 1 for seed in (SHADING, OTHER_SHADING))
        moved = self.scene.drift * index / 1000 / instrument.shading_sd
        shading = 1 + self.scene.shading * own + moved * other
        return digitise(light, instrument, shading=shading, rng=np.random.default_rng([91, empty, index]))


def _radius(phase: Floats) -> float:
    return math.sqrt(np.count_nonzero(phase > OUTLINE_RAD) / math.pi)
