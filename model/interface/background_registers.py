"""Registers of the background: what a host writes to load one into a kernel, and what it reads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cytogate.model.contract.background import Background
from cytogate.model.contract.law import POLYNOMIALS
from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.contract.surface_fit import SurfaceFit
from cytogate.model.design.design import TWO_SIDED, Design
from cytogate.model.interface.registers import BackgroundControl, BackgroundRegister


def register_writes(background: Background, law: str) -> tuple[tuple[int, int], ...]:
    """Return what loads a background into a kernel: byte offsets and values of 32 bits, in their order.

    A kernel of the law "two-sided" flattens frames by their own borders again when its control is written zero.
    """
    first, control = BackgroundRegister.SURFACE.offset, BackgroundRegister.CONTROL.offset
    codes = background.surface.T.ravel().tolist()
    surface = ((first + 4 * place, code & 0xFFFF_FFFF) for place, code in enumerate(codes))
    if law == TWO_SIDED:
        return (*surface, (control, int(BackgroundControl.KNOWN)))
    frames = (BackgroundRegister.FRAMES.offset, background.frames)
    return (*surface, frames, (control, int(BackgroundControl.FREEZE) if background.frozen else 0))


def register_offsets(law: str) -> tuple[int, ...]:
    """Return the byte offsets of the registers that :func:`register_writes` writes."""
    return tuple(offset for offset, _ in register_writes(Background.unknown(), law))


def registers_say(values: Mapping[int, int], design: Design) -> Background | None:
    """Return the background that a kernel's registers hold, 32 bits by byte offset, one of :func:`register_offsets`.

    None stands for a known surface that the kernel was not told, and for values that no kernel of the design holds.
    """
    first, control = BackgroundRegister.SURFACE.offset, values[BackgroundRegister.CONTROL.offset]
    codes = [values[first + 4 * place] for place in range(2 * POLYNOMIALS)]
    surface = np.array(codes, np.uint32).view(np.int32).astype(np.int64).reshape(2, POLYNOMIALS).T
    top = 1 << (SurfaceFit.of(design.size).coefficient_bits - 1)
    if surface.min() < -top or surface.max() >= top:
        return None
    if design.chip.retrieval == TWO_SIDED:
        return Background(surface) if control == BackgroundControl.KNOWN else None
    frames = values[BackgroundRegister.FRAMES.offset]
    if frames > SETTLING_FRAMES or control & ~BackgroundControl.FREEZE:
        return None
    return Background(surface, frames, frozen=bool(control))
