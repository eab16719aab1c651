"""The gate behind a network on the chip: from a cell's class and margin to an event and, perhaps, a trigger.

Every packet that arrives ends in one event, in order. What is in doubt triggers nothing: a malformed frame, a phase
before the background has settled, a part of a cell, a class that nobody asked for, a margin below its class's least
one, a decision that comes too late for its pulse. An event that says that it triggers has one pulse, in the clock that
it tells, whatever is written meanwhile; a reset alone drops it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.recursion import Half
from cytogate.model.contract.remarks import NO_REMARK, Remark
from cytogate.model.design.design import CAUSAL, Design
from cytogate.model.errors import InputError

PACKETS = 8
"""That may be on their way from the pins to the gate; a next one waits."""
CELLS_WAITING = 4
"""Of which the logits wait for their reader; then nothing moves any more."""
LARGEST_CLASSES = 32
"""That a gate tells apart."""
MARGIN_BITS = 32
"""Of a least margin; a margin, in steps of a logit, is at most as wide."""
CLOCK_BITS = 32
"""Of a clock's number, which wraps around."""
DELAY_BITS = 24
HOLD_BITS = 24
PULSES_WAITING = 16
"""Triggers that may wait for their time; one more is given up."""
PULSE_CLOCKS = 2
"""From the clock of an event to its pulse, at the earliest."""


class EventFlag(IntFlag):
    """What came of a packet: exactly one of these."""

    SHORT_PACKET = 1
    """TLAST came before the frame's last beat; class and margin say nothing."""
    LONG_PACKET = 2
    """TLAST was missing on the frame's last beat; class and margin say nothing."""
    UNSETTLED = 4
    """The background had not settled when the frame came: phase, class and margin are worth little."""
    CLIPPED = 8
    """The cell lies over the edge at which the law begins (:func:`clipped_half`): its phase is worth little, too."""
    UNWANTED = 16
    """Cells of the class are not to trigger."""
    REJECTED = 32
    """The margin is below the least one of its class."""
    LATE = 64
    """The time of the pulse is past, or before that of one that waits."""
    CROWDED = 128
    """:data:`PULSES_WAITING` triggers wait already."""
    TRIGGERED = 256
    """The pin rises, in its time."""


MALFORMED = EventFlag.SHORT_PACKET | EventFlag.LONG_PACKET
CELL_FLAGS = tuple(flag for flag in EventFlag if not flag & MALFORMED)
"""Flags of intact frames; an event's word has the number of one of them, the first one's is 1."""
FLAG_SHIFT, REMARK_SHIFT = DELAY_BITS, 28
"""Of an event's word: bits below the number of its flag, and below its remark."""
LONGEST_CYCLES = (1 << DELAY_BITS) - 1
"""That an event tells; more are told as so many."""


@dataclass(frozen=True)
class CellEvent:
    """What came of an intact frame's cell: a word of 32 bits behind its logits, from above remark, flag and clocks."""

    flag: EventFlag
    cycles: int
    """Clocks from the frame's last pixel to its pulse, or to what would have been its pulse."""
    remark: Remark = NO_REMARK
    """On its frame."""

    @property
    def word(self) -> int:
        """The word."""
        flag = CELL_FLAGS.index(self.flag) + 1
        return self.remark.code << REMARK_SHIFT | flag << FLAG_SHIFT | min(self.cycles, LONGEST_CYCLES)

    @staticmethod
    def of(word: int) -> CellEvent | None:
        """Return the event of a word; None if it is no cell's."""
        remark, flag = Remark.of(word >> REMARK_SHIFT), (word & (1 << REMARK_SHIFT) - 1) >> FLAG_SHIFT
        if remark is None or not 1 <= flag <= len(CELL_FLAGS):
            return None
        return CellEvent(CELL_FLAGS[flag - 1], word & LONGEST_CYCLES, remark)


def clipped_half(design: Design) -> Half:
    """Return the half of frames that the law of a design cannot tell, for it begins at their other edge; BOTH: none."""
    return Half.UP if design.chip.retrieval == CAUSAL else Half.BOTH


def doubt_of(half: Half, clipped: Half, *, settled: bool) -> EventFlag:
    """Return what makes an intact frame doubtful, or no flag: its background first, then a ``clipped`` half."""
    if not settled:
        return EventFlag.UNSETTLED
    return EventFlag.CLIPPED if half == clipped != Half.BOTH else EventFlag(0)


def decided(logits: Codes) -> tuple[Codes, Codes]:
    """Return class and margin (cells,) of logits (cells, classes).

    The class is the first of the largest logits, the margin how far the next one is: 0 of a single class.
    """
    ordered = np.sort(logits, axis=1)
    return logits.argmax(axis=1), ordered[:, -1] - ordered[:, -2:][:, 0]


@dataclass(frozen=True)
class GateSettings:
    """What is to trigger, and when the pin rises; after a reset nothing triggers."""

    classes: int = 0
    """Bit c: cells of class c."""
    least_margins: tuple[int, ...] = field(default=(0,) * LARGEST_CLASSES)
    """By class, in steps of a logit, of every class that the gate tells apart."""
    delay: int = 0
    """Clocks from a frame's last pixel to its pulse; 0 is as soon as possible."""
    hold: int = 0
    """Clocks of a pulse beyond its first one; a pulse that begins meanwhile begins these anew."""

    def __post_init__(self) -> None:
        widths = {"classes": LARGEST_CLASSES, "delay": DELAY_BITS, "hold": HOLD_BITS}
        given = [(name, getattr(self, name), width) for name, width in widths.items()]
        for name, value, width in (*given, *(("a least margin", margin, MARGIN_BITS) for margin in self.least_margins)):
            if not 0 <= value < 1 << width:
                raise InputError(f"{name} of a gate is {value}; its register holds 0 to {(1 << width) - 1}")

    @property
    def registers(self) -> dict[str, int]:
        """What is written, by register, classes last: none is wanted before its margin stands."""
        margins = {f"LEAST_MARGIN_{index}": margin for index, margin in enumerate(self.least_margins)}
        return margins | {"TRIGGER_DELAY": self.delay, "TRIGGER_HOLD": self.hold, "GATE_CLASSES": self.classes}

    def judge(self, class_index: int, margin: int, of_frame: EventFlag, age: int, waiting: Sequence[int]) -> EventFlag:
        """Return the flag of an event.

        Parameters
        ----------
        class_index, margin : int
            Of the network: the class of the largest logit, and how far the next one is.
        of_frame : EventFlag
            What makes its frame doubtful: one of :data:`MALFORMED`, UNSETTLED, CLIPPED, or none.
        age : int
            Clocks from the frame's last pixel to the event.
        waiting : sequence of int
            Triggers that wait for their time, in order: clocks from this frame's last pixel to each one's pulse.
        """
        if of_frame:
            return of_frame
        if not self.classes >> class_index & 1:
            return EventFlag.UNWANTED
        if margin < self.least_margins[class_index]:
            return EventFlag.REJECTED
        pulse = self.pulse_age(age)
        if pulse < age + PULSE_CLOCKS or (waiting and pulse <= waiting[-1]):
            return EventFlag.LATE
        return EventFlag.CROWDED if len(waiting) >= PULSES_WAITING else EventFlag.TRIGGERED

    def pulse_age(self, event_age: int) -> int:
        """Return the clocks from a frame's last pixel to its pulse, given those to its event."""
        return self.delay or event_age + PULSE_CLOCKS
