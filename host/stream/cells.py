"""A cell on its way through a stream: as its source gives it, as it arrived, and as it left.

Times are ``time.monotonic_ns``, those of one process. Flags say what a reader of the events must know of a cell beside
its class.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from cytogate.host.driver.results import Result
from cytogate.host.stream.gating import Decision, Verdict
from cytogate.host.stream.neighbors import Moment
from cytogate.model.interface.answers import FoundCell

EMPTY_FIELD = "the hologram holds no cell"
CROWDED_FIELD = "the hologram is crowded: its cells are not told"
WHOLE_FILE = -1
"""Position of a row that stands for a file of which no cell could be read."""


class Flag(IntFlag):
    """What is unusual about a cell; bits of the events' column ``flags``."""

    SINGLE_IMAGE = 1
    """One image stands for all frames of the instrument: a class means nothing. Never sorted."""
    CROPPED = 2
    """The image was larger than a frame; its middle was taken."""
    SATURATED = 4
    """More than a hundredth of a frame's pixels are at the highest code. Never sorted."""
    FAULTY = 8
    """Never sent: it could not be read, is no frame of this accelerator, or is not to be trusted and the chip sorts by
    itself."""
    LOST = 16
    """Sent, and given up by the accelerator."""
    CLIPPED = 32
    """It reaches over the edge of its hologram's map, or of the window where the chip's law begins: a part of a cell.
    Never sorted."""
    SEVERAL = 64
    """More than one cell, which touch. Never sorted."""
    CROWDED = 128
    """The hologram holds more than is followed: none of its cells is told."""
    UNSETTLED = 256
    """The chip did not know the background yet: the phase is worth little. Never sorted."""
    HALF = 512
    """A cell is close to the top or the bottom edge of the window, or over it. The half that begins at the other edge
    tells the phase, if the chip's law has a choice."""
    CURLED = 1024
    """The chip found a curl in the gradients, which those of a phase have not: a wrong order of frames, or no cell."""
    NEGATIVE = 2048
    """The phase is negative: + and - exchanged, or a cell less dense than its medium."""


NOTHING_UNUSUAL = Flag(0)
UNTRUSTED = Flag.SINGLE_IMAGE | Flag.SATURATED | Flag.CLIPPED | Flag.SEVERAL | Flag.UNSETTLED
"""Flags of cells that have a class which is not to be acted on."""


@dataclass(frozen=True, eq=False)
class SourceCell:
    """A cell as its source gives it."""

    origin: str
    """File, or simulator, that it comes from."""
    position: int
    """Place of the cell there, counted from 0."""
    frames: NDArray | None
    """(channels, rows, columns), channels in the instrument's order; None if there is a fault."""
    flags: Flag = NOTHING_UNUSUAL
    fault: str | None = None
    """Why there are no frames, in words."""
    label: int | None = None
    """Index of the class that the source says it is of."""
    recorded_s: float | None = None
    """When the instrument took it, in seconds from a beginning of its own."""

    @property
    def digest(self) -> int | None:
        """CRC-32 of the frames, low bytes first: the same cell has the same in every file; None without frames."""
        if self.frames is None:
            return None
        return zlib.crc32(np.ascontiguousarray(self.frames, self.frames.dtype.newbyteorder("<")).data)

    def faulty(self, fault: str) -> SourceCell:
        """Return this cell without its frames and with the reason."""
        flags = self.flags | Flag.FAULTY
        return SourceCell(self.origin, self.position, None, flags, fault, self.label, self.recorded_s)


@dataclass(eq=False)
class Arrival:
    """Frames that have arrived: of a cell, or a hologram."""

    index: int
    """Number in the run, from 0; dropped ones have theirs too."""
    cell: SourceCell
    moment: Moment

    @property
    def arrived_ns(self) -> int:
        """When it arrived."""
        return self.moment.ns


@dataclass(frozen=True, eq=False)
class Event:
    """A cell that has left the stream: one row."""

    arrival: Arrival
    result: Result | None
    """The accelerator's answer; None if the cell was never sent."""
    verdict: Verdict
    flags: Flag
    decided_ns: int
    features: Mapping[str, float] = field(default_factory=dict)
    """Values by :attr:`Feature.name`, as far as they were computed."""
    found: FoundCell | None = None
    """The cell of a hologram, which has any number of them."""
    is_last: bool = True
    """Whether no other event comes of this arrival."""

    @property
    def logits(self) -> NDArray[np.int64] | None:
        """Codes (classes,), or None."""
        if self.found is not None:
            return self.found.logits
        return None if self.result is None else self.result.logits

    @property
    def decision(self) -> Decision:
        """Sort, or why not."""
        return self.verdict.decision

    @property
    def reason(self) -> str | None:
        """Why there are no logits, in words."""
        if self.result is None:
            return self.arrival.cell.fault
        if self.result.field is not None and self.found is None:
            return CROWDED_FIELD if self.result.field.is_crowded else EMPTY_FIELD
        return self.result.lost
