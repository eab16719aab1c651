"""Waiting that ends."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL_S = 2e-4
"""Pause between two looks at a register."""


class Deadline:
    """A moment by which something must have happened; may be put off when there was progress."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.put_off()

    def put_off(self) -> None:
        """Begin anew."""
        self._end = time.monotonic() + self.seconds

    @property
    def passed(self) -> bool:
        """Whether it is too late."""
        return time.monotonic() > self._end


def happens(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until ``condition`` holds, for ``seconds`` at most, and return whether it did."""
    deadline = Deadline(seconds)
    while not condition():
        if deadline.passed:
            return condition()
        time.sleep(POLL_S)
    return True
