"""The light as a chip knew it at the beginning and at the end of a command, for the report of a stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytogate.model.contract.background import Background, own_background
from cytogate.model.contract.law import recursion_contract
from cytogate.model.design.design import KNOWN, Design
from cytogate.model.retrieval.recursion.reference import RealBackground


@dataclass(frozen=True)
class Light:
    """A background that a chip held: coefficients of 1, s, t, s^2, t^2 and s t, in radians a pixel."""

    frames: int
    """Frames that it was estimated from, counted until it is settled; of a calibration as if it was."""
    settled: bool
    surface_x: tuple[float, ...]
    """Six, of the gradient along x."""
    surface_y: tuple[float, ...]

    @staticmethod
    def of(background: Background, design: Design) -> Light:
        """Return a background in real units."""
        surface = RealBackground.of(background, recursion_contract(design)).surface
        x, y = (tuple(part.tolist()) for part in (surface.real, surface.imag))
        return Light(background.frames, background.settled, x, y)


@dataclass(frozen=True)
class LightReport:
    """A chip's background over a command; None where there is none, or it could not be read."""

    start: Light | None
    end: Light | None
    largest_change: float | None
    """Of the slope over the field from start to end, radians a pixel."""
    told: tuple[str, ...]
    """What a user must know, a sentence each."""


def light_report(start: Background | None, end: Background | None, design: Design) -> LightReport | None:
    """Return what a chip of ``design`` held at the beginning and at the end; None of a law without a background.

    That the light has moved since it was calibrated is told where a coefficient is further off than
    :data:`~cytogate.model.contract.recursion.CAUGHT_UP`: the next command would begin worse than from nothing.
    """
    if not design.chip.takes_background:
        return None
    told, own = [], own_background(design)
    if own is None and design.chip.surface == KNOWN:
        told.append(
            "the chip was told no surface of empty fields, and each frame was flattened by its own border; `cytogate "
            "calibrate` measures one"
        )
    if own is not None and end is not None and end.is_far_from(own):
        told.append("the light has moved since the calibration: run `cytogate calibrate` again")
    first, last = (None if each is None else Light.of(each, design) for each in (start, end))
    return LightReport(first, last, _change(start, end, design), tuple(told))


def _change(start: Background | None, end: Background | None, design: Design) -> float | None:
    if start is None or end is None:
        return None
    apart = RealBackground.of(Background(end.surface - start.surface), recursion_contract(design))
    return float(np.abs(apart.slopes(design.size)).max())
