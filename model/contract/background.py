"""The background: a surface that is known before a frame comes, and how it follows the frames of a run.

It is what the law "causal" remembers from frame to frame, and all that it remembers; the law "two-sided" may be given
one of empty fields. The rule is stated in :mod:`cytogate.model.contract.recursion`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from cytogate.model.contract.fixed_point import GRADIENT, SURFACE_COEFFICIENT_FRACTION, Codes, shift_right
from cytogate.model.contract.law import POLYNOMIALS
from cytogate.model.contract.recursion import CAUGHT_UP, GAINS, LIMITS, SETTLING_FRAMES, STEP_FRAMES
from cytogate.model.design.design import Design, KnownBackground, Window

COEFFICIENT_STEP = GRADIENT.step * 2.0**-SURFACE_COEFFICIENT_FRACTION
"""What a step of a coefficient's code is in a gradient's unit; a power of two, so that codes become floats exactly."""


@dataclass(frozen=True, eq=False)
class Background:
    """A background as the chip holds it; it never changes, a frame gives another one."""

    surface: Codes
    """(6, 2): coefficients of 1, s, t, s^2, t^2, s t, each of the x and of the y gradient, 8 bits below its step."""
    frames: int = SETTLING_FRAMES
    """Frames that it was estimated from, counted as far as :data:`SETTLING_FRAMES`."""
    frozen: bool = False
    """Whether frames leave it as it is."""

    @staticmethod
    def unknown() -> Background:
        """Return the background of a run's first frame: nothing is known of it."""
        return Background(np.zeros((POLYNOMIALS, 2), np.int64), frames=0)

    @staticmethod
    def of(known: KnownBackground) -> Background:
        """Return a measured background as the chip holds it, settled; what lies between two codes is rounded."""
        pairs = np.array([known.surface_x, known.surface_y]).T
        return Background(np.rint(pairs / COEFFICIENT_STEP).astype(np.int64))

    def measured(self, version: int, window: Window) -> KnownBackground:
        """Return the section of a design that :meth:`of` makes the same surface of, code by code."""
        x, y = (tuple(axis) for axis in (self.surface.T * COEFFICIENT_STEP).tolist())
        return KnownBackground(version, window.rows, window.columns, window.binning, x, y)

    @property
    def settled(self) -> bool:
        """Whether enough frames were seen for a phase to be worth something."""
        return self.frames >= SETTLING_FRAMES

    def is_far_from(self, other: Background) -> bool:
        """Whether a coefficient differs by more than a settled background catches up with while another one settles."""
        return bool(np.abs(self.surface - other.surface).max() > CAUGHT_UP << SURFACE_COEFFICIENT_FRACTION)

    def freeze(self) -> Background:
        """Return the same one, which no frame changes."""
        return replace(self, frozen=True)

    def after(self, fit: Codes) -> Background:
        """Return the background after a frame of which ``fit`` (6, 2) is the surface of its own border."""
        if self.frozen:
            return self
        step = min(self.frames // STEP_FRAMES, len(LIMITS) - 1)
        limit = LIMITS[step] << SURFACE_COEFFICIENT_FRACTION
        move = shift_right(np.clip(fit - self.surface, -limit, limit), GAINS[step])
        return replace(self, surface=self.surface + move, frames=min(self.frames + 1, SETTLING_FRAMES))

    def over(self, fits: Codes) -> Course:
        """Follow frames of which ``fits`` (cells, 6, 2) are the surfaces of their borders, in their order."""
        now, used, settled = self, [], []
        for fit in fits:
            used.append(now.surface)
            settled.append(now.settled)
            now = now.after(fit)
        return Course(np.array(used, np.int64).reshape(-1, POLYNOMIALS, 2), np.array(settled, bool), now)


def own_background(design: Design) -> Background | None:
    """Return the background with which a design's runs begin: that of its calibration; None where it has none."""
    return None if design.background is None else Background.of(design.background)


class Course(NamedTuple):
    """Backgrounds of some frames in a row."""

    surfaces: Codes
    """(cells, 6, 2): what is known before each frame, and is subtracted from it."""
    settled: np.ndarray
    """(cells,): whether it was settled."""
    last: Background
    """What is known after the last one."""
