"""Pauses of a side of a stream: endless sequences, one truth value a clock, True for a pause."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

Pauses = Callable[[int], Iterator[bool]]
"""From a seed to pauses."""

BURST = 64
"""Longest run of clocks without a change in :func:`bursts`: longer than any line FIFO's slack at N = 64."""
WORST = 10
"""Clocks a beat in :func:`one_in_ten`."""


def none(seed: int) -> Iterator[bool]:
    """Never pause."""
    return itertools.repeat(False)


def at_random(seed: int) -> Iterator[bool]:
    """Pause every other clock on average."""
    draw = random.Random(seed).random
    return (draw() < 0.5 for _ in itertools.count())


def bursts(seed: int) -> Iterator[bool]:
    """Go and pause in turn, each for 1 to :data:`BURST` clocks."""
    draw = random.Random(seed)
    for pause in itertools.cycle((False, True)):
        yield from itertools.repeat(pause, draw.randint(1, BURST))


def one_in_ten(seed: int) -> Iterator[bool]:
    """One beat, nine clocks of pause: the worst case that is promised to work."""
    return itertools.cycle([True] * (WORST - 1) + [False])


ALL: tuple[Pauses, ...] = (none, at_random, bursts, one_in_ten)
