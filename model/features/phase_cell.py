"""A cell cut out of a network input: where it is, how far its rim lies in each direction, and what lies within.

The cell is where the phase exceeds a threshold, the largest such region of the window, its holes filled. What depends
on directions takes as many of them as a quarter turn and a mirror leave the same set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN
from cytogate.model.design.instruments import ANGLES

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

THRESHOLD_RAD = 0.35
"""About a third of the phase at the rim of a small cell, and ten times the noise of the background."""
LEAST_PIXELS = 9
"""A smaller region has no form, and no texture: it is no cell."""
MARGIN = 16
"""Pixels kept around a cell: three standard deviations of the widest blur."""
DIRECTIONS = 64
"""In which the rim is looked for, from the center; a multiple of four."""
STEP = 0.5
"""Pixels between two samples of the phase on the way to the rim."""
CORE = 0.8
"""Share of the way to the rim within which a cell is textured; beyond it is steep."""


@dataclass(frozen=True, eq=False)
class PhaseCell:
    """One cell, with the margin that blurs reach into. Lengths are pixels of the window, whatever those measure."""

    phase: Floats
    """(rows, columns) radians; so are ``arms`` and ``inside``."""
    arms: Floats
    """(4, rows, columns) codes of the arms +x, -x, +y, -y less their level without a cell."""
    inside: Masks
    """Where the cell is: at least :data:`LEAST_PIXELS` pixels."""

    @staticmethod
    def of(codes: NDArray[np.integer]) -> PhaseCell | None:
        """Find the cell of a network input (N, N, 5); None where there is none."""
        phase = codes[..., ANGLES] / PHASE_CODES_PER_RADIAN - PHASE_CODE_OFFSET_RAD
        regions, count = ndimage.label(phase > THRESHOLD_RAD)
        if not count:
            return None
        sizes = np.bincount(regions.ravel())[1:]
        largest = int(sizes.argmax())
        if sizes[largest] < LEAST_PIXELS:
            return None
        rows, columns = ndimage.find_objects(regions, largest + 1)[largest]
        box = tuple(slice(max(0, each.start - MARGIN), each.stop + MARGIN) for each in (rows, columns))
        arms = np.moveaxis(codes[..., :ANGLES], -1, 0).astype(np.float64)
        empty = np.median(arms[:, regions == 0], axis=1) if sizes.sum() < regions.size else np.zeros(ANGLES)
        inside = ndimage.binary_fill_holes(regions[box] == largest + 1)
        return PhaseCell(phase[box], arms[:, box[0], box[1]] - empty[:, None, None], inside)

    @cached_property
    def within(self) -> Floats:
        """Phase of the cell's pixels, (pixels,)."""
        return self.phase[self.inside]

    @cached_property
    def radius(self) -> float:
        """Of a disk of the same area."""
        return math.sqrt(np.count_nonzero(self.inside) / math.pi)

    @cached_property
    def center(self) -> tuple[float, float]:
        """Row and column of the outline's center."""
        rows, columns = np.nonzero(self.inside)
        return float(rows.mean()), float(columns.mean())

    @cached_property
    def places(self) -> tuple[Floats, Floats]:
        """How far pixels lie from the center, down and to the right: two of (rows, columns)."""
        rows, columns = self.phase.shape
        y, x = np.arange(rows) - self.center[0], np.arange(columns) - self.center[1]
        return np.broadcast_to(y[:, None], self.phase.shape), np.broadcast_to(x, self.phase.shape)

    @cached_property
    def rim(self) -> Floats:
        """Distance of the rim from the center, (DIRECTIONS,), where the phase falls below the threshold for good."""
        angles = 2 * math.pi * np.arange(DIRECTIONS) / DIRECTIONS
        y, x = self.places
        reach = float(np.hypot(y[self.inside], x[self.inside]).max()) + 2
        steps = np.arange(math.ceil(reach / STEP)) * STEP
        # A neighbour beyond a gap of background is not this cell's rim.
        own = np.where(ndimage.binary_dilation(self.inside), self.phase, 0.0)
        down, right = self.center[0] + np.outer(np.sin(angles), steps), self.center[1] + np.outer(np.cos(angles), steps)
        seen = ndimage.map_coordinates(own, [down, right], order=1, mode="constant")
        above = seen > THRESHOLD_RAD
        last = np.where(above.any(axis=1), len(steps) - 1 - above[:, ::-1].argmax(axis=1), 0)
        each = np.arange(DIRECTIONS)
        high, low = seen[each, last], seen[each, np.minimum(last + 1, len(steps) - 1)]
        part = np.clip((high - THRESHOLD_RAD) / np.maximum(high - low, 1e-9), 0, 1)
        return np.maximum((last + part) * STEP, STEP)

    @cached_property
    def depth(self) -> Floats:
        """Share of the way from the center to the rim at which pixels lie, (rows, columns)."""
        y, x = self.places
        turn = np.arctan2(y, x) % (2 * math.pi) * (DIRECTIONS / (2 * math.pi))
        rim = np.interp(turn, np.arange(DIRECTIONS + 1), np.append(self.rim, self.rim[0]))
        return np.hypot(y, x) / rim

    @cached_property
    def core(self) -> Masks:
        """Pixels of the cell without its rim, (rows, columns); the whole of a cell that is all rim."""
        core = self.inside & (self.depth < CORE)
        return core if np.count_nonzero(core) >= LEAST_PIXELS else self.inside


def moments(values: Floats) -> tuple[float, float, float]:
    """Return standard deviation, skewness and excess kurtosis of values (n,); zeros of values that are all the same."""
    if not len(values):
        return 0.0, 0.0, 0.0
    apart = values - values.mean()
    spread = math.sqrt(float((apart**2).mean()))
    if spread < 1e-9:
        return 0.0, 0.0, 0.0
    apart /= spread
    squares = apart**2
    return spread, float((squares * apart).mean()), float((squares**2).mean()) - 3


def off_center(weights: Floats, cell: PhaseCell, where: Masks) -> float:
    """Return how far the center of weights (rows, columns), not negative, lies from the outline's, in radii."""
    y, x = cell.places
    chosen = weights[where]
    total = float(chosen.sum())
    if total <= 0:
        return 0.0
    return math.hypot(float((chosen * y[where]).sum()), float((chosen * x[where]).sum())) / total / cell.radius
