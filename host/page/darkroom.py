"""Pictures of cells: what the camera saw, and the phase or path delay that the integer model retrieves from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.host.stream.cells import Flag
from cytogate.host.stream.monitor import Shown
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.contract.off_axis import CENTER, OPD
from cytogate.model.design.design import Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.retrieval.laws import alone, exact
from cytogate.model.retrieval.off_axis import integer as off_axis
from cytogate.model.retrieval.off_axis.cells import window_of

MOST_PIXELS = 128
"""Rows and columns of a picture on the page."""
PHASE_RANGE_RAD = (-0.5, 5.0)
"""The same colors for every cell: two pictures can be compared. Path delays have the range of these phases."""
DARK_SHARE, BRIGHT_SHARE = 0.005, 0.995
"""Quantiles of a bright-field picture that become black and white."""
STEP_NM = 100
"""Between marks of the scale of path delays."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A cell as it is shown; both arrays (rows, columns), their first row at the bottom, as a chart has it."""

    grays: tuple[NDArray[np.uint8], ...]
    """Black to white: each channel, of a four-angle instrument the mean of its frames, or a part of a hologram."""
    phase: NDArray[np.float32] | None
    """Radians, or of a hologram the path delay in nanometres; None where there is none."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Colors of a map."""

    low: float
    high: float
    marks: tuple[float, ...]
    unit: str


@dataclass(frozen=True, eq=False)
class Darkroom:
    """Where the frames of a design's cells become pictures."""

    design: Design
    phasor: Codes | None = None
    """Of the reference field, (M, M, 2), as the kernels of an off-axis design take it."""

    @property
    def gray_names(self) -> tuple[str, ...]:
        """What each of the grays of a picture shows."""
        if isinstance(self.design.instrument, OffAxis):
            return ("hologram",)
        return ("bright\nfield",) if self.design.retrieves_phase else self.design.camera.channels

    @property
    def map_name(self) -> str:
        """What the map of a picture shows; empty where there is none."""
        if isinstance(self.design.instrument, OffAxis):
            return "path\ndelay"
        return "phase" if self.design.retrieves_phase else ""

    @property
    def scale(self) -> Scale:
        """The colors of such maps."""
        if not isinstance(self.design.instrument, OffAxis):
            return Scale(*PHASE_RANGE_RAD, tuple(range(6)), "rad")
        low, high = (1e3 * self.design.off_axis.wavelength_um * phase / (2 * math.pi) for phase in PHASE_RANGE_RAD)
        return Scale(low, high, tuple(range(0, int(high) + 1, STEP_NM)), "nm")

    def develop(self, shown: Shown) -> Picture:
        """Return the picture of a cell; its phase or path delay is value for value what the chip computes.

        But for the law "causal", with which the chip knows the light from earlier frames: here the frame's own border
        tells. Of an instrument without phase retrieval, or from a single image, there is no phase.
        """
        design = self.design
        if shown.found is not None:
            return self._of_hologram(shown)
        (row, column), (rows, columns) = design.crop, design.window.raw
        window = shown.frames[:, row : row + rows, column : column + columns]
        if not design.retrieves_phase:
            return Picture(tuple(_grays(_reduced(frame)) for frame in window), None)
        if Flag.SINGLE_IMAGE in shown.flags:
            return Picture((_grays(_reduced(window[0])),), None)
        own = alone(design)
        found = exact(shown.frames[None], own)
        phase = _reduced(contract(own).stage("phase").values(found["phase"])[0])
        return Picture((_grays(_reduced(found["binned"][0].mean(axis=0))),), phase[::-1].astype(np.float32))

    def _of_hologram(self, shown: Shown) -> Picture:
        """Return the square about a cell that the network saw, and the same of the hologram."""
        assert shown.found is not None
        assert self.phasor is not None
        design, words = self.design, off_axis.retrieve(shown.frames[0], self.design, self.phasor)
        row, column = (CENTER.step * place for place in shown.found.center)
        side, binning = design.window.rows, design.binning
        delay = window_of(OPD.decode(words.opd), (row, column), side)
        raw = window_of(words.hologram, (row * binning, column * binning), side * binning)
        return Picture((_grays(_reduced(raw)),), _reduced(delay)[::-1].astype(np.float32))


def _reduced(image: NDArray) -> NDArray[np.float64]:
    """Average pixels of an image (rows, columns) until neither side exceeds :data:`MOST_PIXELS`."""
    step = -(-max(image.shape) // MOST_PIXELS)
    rows, columns = (side // step * step for side in image.shape)
    blocks = image[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return blocks.mean(axis=(1, 3), dtype=np.float64)


def _grays(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an image's first row at the bottom and its range as 256 grays."""
    dark, bright = np.quantile(image, (DARK_SHARE, BRIGHT_SHARE))
    return np.clip((image[::-1] - dark) / max(bright - dark, 1e-9) * 255, 0, 255).astype(np.uint8)
