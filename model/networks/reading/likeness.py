"""Measure how near a network's values are to Keras's."""

from __future__ import annotations

import enum


class Likeness(enum.Enum):
    """How near the words of an operation are to what Keras computes."""

    EQUAL = enum.auto()
    CLOSE = enum.auto()
    """Rounding makes them equal."""
    ROUNDED = enum.auto()
    """Keras has rounded where the operations did not, or elsewhere."""
