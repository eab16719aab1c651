"""Simulations that count what they reach: Verilator's flags, points of the plan, and a new file for each record.

``CYTOGATE_COVERAGE`` names the folder of the records and switches it on, in this process and in those below it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "CYTOGATE_COVERAGE"
POINTS = Path(__file__).parent
"""Folder of the points, ``MODULE_cover.sv``, which bind themselves to their module."""
SHARED = "cut_off.sv"
"""Module of the points themselves."""
SUFFIX = ".dat"
VERILATOR_FLAGS = ("--coverage-line", "--coverage-toggle", "--coverage-user")
COMPILER_FLAG = "-O0"
"""Counters of every bit make so much C++ that compiling it takes longer than running it."""


def coverage_folder() -> Path | None:
    """Return the folder of the records, or None where nothing is counted."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def point_files(sources: Iterable[Path]) -> list[Path]:
    """Return the points of those modules that are among ``sources``, and what they share."""
    files = {POINTS / f"{path.stem}_cover.sv" for path in sources if path.suffix == ".sv"}
    found = sorted(path for path in files if path.exists())
    return [POINTS / SHARED, *found] if found else []


def new_record(folder: Path) -> Path:
    """Return the path of a record that nobody else writes."""
    handle, path = tempfile.mkstemp(SUFFIX, dir=folder)
    os.close(handle)
    return Path(path)
