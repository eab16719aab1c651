"""Registers of the background of emulated boards whose kernel has no port.

Where the pipeline is verilated they are its own. Everywhere else they stand here, and the kernel is told what they hold
before each frame. ``HALF`` reads zero.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.background import Background
from cytogate.model.contract.gate import clipped_half, doubt_of
from cytogate.model.contract.recursion import SETTLING_FRAMES
from cytogate.model.contract.surface_fit import SurfaceFit
from cytogate.model.design.design import CAUSAL, Design
from cytogate.model.interface.background_registers import register_offsets, register_writes, registers_say
from cytogate.model.interface.registers import BackgroundControl, BackgroundRegister
from cytogate.model.retrieval import laws
from cytogate.sim.board.gate import Gate, Remarked
from cytogate.sim.board.kernels import Kernel

CONTROL, FRAMES = BackgroundRegister.CONTROL.offset, BackgroundRegister.FRAMES.offset


class Told(Protocol):
    """A kernel that flattens frames by what it is told, as C-simulation does."""

    def know(self, background: Background) -> None:
        """Flatten frames by a background from now on."""

    def forget(self) -> None:
        """Begin a run: nothing is known."""

    @property
    def known(self) -> Background:
        """What a causal kernel knows after the frames so far."""


class ClocklessBackground:
    """The registers of a design's background, and what frames make of them.

    Without a kernel that is told they hold what is written to them; of the law "causal" frames are counted.
    """

    def __init__(self, design: Design, told: Told | None = None) -> None:
        self._design, self._told = design, told
        self._follows = design.chip.retrieval == CAUSAL
        self._offsets = register_offsets(design.chip.retrieval)
        # Coefficients are as wide as the chip's, with a sign.
        self._top = 1 << (SurfaceFit.of(design.size).coefficient_bits - 1)
        self._lock = threading.Lock()
        self._changes = 0
        self._values = dict.fromkeys(self._offsets, 0)
        self._used: Background | None = None
        """By the latest frame."""

    def before(self, kernel: Kernel) -> Kernel:
        """Return a kernel that computes by what the registers hold, and lets its frames change them."""

        def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
            with self._lock:
                changes, now = self._changes, self._background()
            self._used = now
            if self._told is not None:
                # Of a known surface that is none None: frames by their own borders.
                self._told.know(now) if now is not None else self._told.forget()
            answer = kernel(frames)
            with self._lock:
                # What was written or reset meanwhile holds.
                if self._follows and changes == self._changes and now is not None and not now.frozen:
                    self._hold(self._after(now))
            return answer

        return run

    def read(self, offset: int) -> int:
        """Return a register; 0 at other addresses."""
        with self._lock:
            return self._values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register, as many of its bits as there are."""
        if offset not in self._offsets:
            return
        if offset == CONTROL:
            value &= BackgroundControl.FREEZE if self._follows else BackgroundControl.KNOWN
        elif offset == FRAMES:
            value = min(value, SETTLING_FRAMES)
        else:
            value = ((value + self._top) % (2 * self._top) - self._top) & 0xFFFF_FFFF
        with self._lock:
            self._changes += 1
            self._values[offset] = value

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._changes += 1
            self._values = dict.fromkeys(self._offsets, 0)

    def _background(self) -> Background | None:
        """Return what is known before the next frame; None: a known surface that was not told."""
        return registers_say(self._values, self._design)

    def remarked(self, frames: NDArray[np.unsignedinteger]) -> Remarked:
        """Return what is remarked on the latest frame, (channels, rows, columns)."""
        design = self._design if self._used is not None else replace(self._design, background=None)
        (remark,) = laws.remarks(frames[None], design, self._used)
        settled = self._used is None or self._used.settled
        return doubt_of(remark.half, clipped_half(self._design), settled=settled), remark

    def _after(self, now: Background) -> Background:
        if self._told is not None:
            return self._told.known
        return replace(now, frames=min(now.frames + 1, SETTLING_FRAMES))

    def _hold(self, background: Background) -> None:
        self._values |= dict(register_writes(background, self._design.chip.retrieval))


class Beside:
    """Registers of several parts on one port, each of which reads zero at the others' addresses."""

    def __init__(self, parts: tuple[Gate, ...]) -> None:
        self._parts = parts

    def read(self, offset: int) -> int:
        """Return a register; 0 at other addresses."""
        return sum(part.read(offset) for part in self._parts)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        for part in self._parts:
            part.write(offset, value)

    def reset(self) -> None:
        """Forget what was written and counted."""
        for part in self._parts:
            part.reset()
