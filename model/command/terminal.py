"""The terminal: tables that keep their columns, progress bars."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

LOG_COLUMNS = 120
"""Width of tables where there is no terminal to ask."""


def terminal() -> Console:
    """Return standard output for tables and sentences, as wide as the terminal, or as a log may be."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else LOG_COLUMNS, markup=False)


def spelled(text: str) -> str:
    """Return ``text`` as every file and terminal takes it: bytes of file names that are no UTF-8 are spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def progress_bars() -> Progress:
    """Return bars on standard error that say what is done, how much of it, and how long it will take."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True))
