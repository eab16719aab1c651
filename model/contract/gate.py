"""The gate behind a network on the chip: from a cell's class and margin to an event and, perhaps, a trigger.

Every packet that arrives ends in one event, in order. What is in doubt triggers nothing: a malformed frame, a class
that nobody asked for, a margin below its class's least one, a decision that comes too late for its pulse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from cytogate.model.contract.fixed_point import Codes

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
    UNWANTED = 4
    """Cells of the class are not to trigger."""
    REJECTED = 8
    """The margin is below the least one of its class."""
    LATE = 16
    """The time of the pulse is past."""
    CROWDED = 32
    """:data:`PULSES_WAITING` triggers wait already."""
    TRIGGERED = 64
    """The pin rises, in its time."""


MALFORMED = EventFlag.SHORT_PACKET | EventFlag.LONG_PACKET


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
    """By class, in steps of a logit."""
    delay: int = 0
    """Clocks from a frame's last pixel to its pulse; 0 is as soon as possible."""
    hold: int = 0
    """Clocks of a pulse beyond its first one; a pulse that begins meanwhile begins these anew."""

    def judge(self, class_index: int, margin: int, malformed: EventFlag, age: int, waiting: int) -> EventFlag:
        """Return the flag of an event.

        Parameters
        ----------
        class_index, margin : int
            Of the network: the class of the largest logit, and how far the next one is.
        malformed : EventFlag
            One of :data:`MALFORMED`, or none of them.
        age : int
            Clocks from the frame's last pixel to the event.
        waiting : int
            Triggers that wait for their time.
        """
        if malformed:
            return malformed
        if not self.classes >> class_index & 1:
            return EventFlag.UNWANTED
        if margin < self.least_margins[class_index]:
            return EventFlag.REJECTED
        if self.delay and age + PULSE_CLOCKS > self.delay:
            return EventFlag.LATE
        return EventFlag.CROWDED if waiting >= PULSES_WAITING else EventFlag.TRIGGERED

    def pulse_age(self, event_age: int) -> int:
        """Return the clocks from a frame's last pixel to its pulse, given those to its event."""
        return self.delay or event_age + PULSE_CLOCKS
