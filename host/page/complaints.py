"""Log each complaint of Bokeh and Tornado once: whoever sends nonsense to the page must not fill a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("bokeh", "tornado")
MOST_CHARACTERS = 200


@contextmanager
def each_complaint_once() -> Iterator[None]:
    """Say on standard error, while the block runs, what fails in the two: once for each place in their code."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [_Once(logging.ERROR)], False
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


class _Once(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._said = set[tuple[str, int]]()

    def emit(self, record: logging.LogRecord) -> None:
        place = record.pathname, record.lineno
        if place in self._said:
            return
        self._said.add(place)
        error = record.exc_info[1] if record.exc_info else None
        words = (record.getMessage() if error is None else f"{type(error).__name__}: {error}").split()
        print(f"live page: {' '.join(words)[:MOST_CHARACTERS]}", file=sys.stderr)
