"""Requests to end a command, by a key, a service manager or a terminal that closes: the signals, and what they do."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that ask for an end."""
SAME_REQUEST_S = 1.0
"""Signals that follow each other so fast are one request: a key that is pressed twice, a service manager's pair."""


class Requests:
    """Requests to end: each is a :class:`KeyboardInterrupt` of the main thread, unless they are held back."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._last_s = -math.inf
        self._held_back = False
        self.process_ends = False
        """Whether nothing follows that a request could end."""

    def come(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if os.getpid() != self._owner:
            # A process that was forked of this one.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        before_s, self._last_s = self._last_s, time.monotonic()
        if not self._held_back and self._last_s - before_s > SAME_REQUEST_S:
            raise KeyboardInterrupt

    def hold_back(self) -> None:
        """Let no request disturb the ending from now on; it has come already, or comes too late to matter."""
        self._held_back = True

    def end_process(self) -> None:
        """Hold them back as long as the process lives: none may end it in another way while it ends."""
        self._held_back = self.process_ends = True


_in_force: Requests | None = None


@contextmanager
def requests_to_end() -> Iterator[Requests]:
    """Have requests to end come as an interrupt does; within another such block they are that one's.

    Otherwise the process would be gone at once, and what it has started would run on. Where signals cannot be taken, or
    were set to something else, as by nohup, that stays.
    """
    global _in_force
    if _in_force is not None or threading.current_thread() is not threading.main_thread():
        yield _in_force or Requests()
        return
    requests, before = Requests(), dict[signal.Signals, Any]()
    _in_force = requests
    try:
        for number in ENDING:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, requests.come)
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if requests.process_ends else handler)
        _in_force = None


def leave_requests_to_parent(*, ended_by_it: bool = False) -> None:
    """Ignore requests to end, which may come to all processes of a group: the process that started this one tells it.

    ``ended_by_it`` says that it does so by SIGTERM, as pools of processes do.
    """
    for number in ENDING:
        if not (ended_by_it and number == signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
