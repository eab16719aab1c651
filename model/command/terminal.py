"""The terminal: tables that keep their columns, progress bars."""

from __future__ import annotations

import codecs
import io
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

LOG_COLUMNS = 120
"""Width of tables where there is no terminal to ask."""
LOG_EVERY_S = 30.0
"""From one line to the next that tells a log how far something is."""


def terminal() -> Console:
    """Return standard output for tables and sentences, as wide as the terminal, or as a log may be."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else LOG_COLUMNS, markup=False)


def spelled(text: str) -> str:
    """Return ``text`` as every file and terminal takes it: bytes of file names that are no UTF-8 are spelled out."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        # Halves of letters that come from no file name.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def take_any_name() -> None:
    """Have standard output and error take every file name, as :func:`spelled` spells it, and every letter."""
    codecs.register_error("spelled", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelled")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for letters that a stream's encoding has not, and where what follows begins."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return spelled(wrong).encode("ascii", "backslashreplace").decode("ascii"), error.end


def progress_bars() -> Progress:
    """Return bars on standard error that say what is done, how much of it, and how long it will take.

    Where there is no terminal, a line now and then says so: nothing moves in a log.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    class Lines(Progress):
        """Bars, and lines in a log."""

        told = time.monotonic()

        def update(self, task_id: TaskID, **changes: Any) -> None:
            super().update(task_id, **changes)
            self._tell(task_id)

        def advance(self, task_id: TaskID, advance: float = 1) -> None:
            super().advance(task_id, advance)
            self._tell(task_id)

        def _tell(self, task_id: TaskID) -> None:
            if self.console.is_terminal or time.monotonic() - self.told < LOG_EVERY_S:
                return
            self.told, task = time.monotonic(), self._tasks[task_id]
            total = "" if task.total is None else f" of {task.total:,.0f}"
            self.console.print(
                f"{task.description}: {task.completed:,.0f}{total}", soft_wrap=True, markup=False, highlight=False
            )

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Lines(*columns, console=Console(stderr=True))
