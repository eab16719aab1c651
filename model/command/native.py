"""C++ of ours that runs within this process: built for this very processor at first use, kept in the user's cache.

What it computes does not depend on the processor, only how fast. A cache that several computers share holds a build
for each kind of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from cytogate.model.command.cpp import build
from cytogate.model.errors import InputError

FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
"""Without the flags of error codes and traps, which nothing here looks at, loops with roundings become vectors."""


def library(
    source: Path, definitions: tuple[str, ...] = (), processor: str = "native", headers: Path | None = None
) -> ctypes.CDLL:
    """Compile a source for a processor as ``-march`` names it, unless that was done, and load it.

    ``headers`` is the folder of those that it includes.

    Raises
    ------
    InputError
        If there is no compiler, or no folder to keep the library in.
    """
    flags = (*FLAGS, f"-march={processor}", *_wide_vectors())
    # "native" is another processor on another computer.
    output = _cache_folder() / f"{source.parent.name}_{source.stem}_{_own_processor()}.so"
    includes = [] if headers is None else [headers]
    built = build(output, [source], flags=flags, includes=includes, definitions=definitions, shared=True)
    return ctypes.CDLL(str(built))


@cache
def library_if_possible(
    source: Path, definitions: tuple[str, ...] = (), headers: Path | None = None
) -> ctypes.CDLL | None:
    """Return the library, or None after a line on standard error that says why there is none."""
    try:
        return library(source, definitions, headers=headers)
    except (InputError, OSError) as error:
        _tell(str(error))
        return None


def over_cells(work: Callable[[int, int], None], cells: int, threads: int) -> None:
    """Call ``work(start, stop)`` for parts of ``cells``, in several threads at a time."""
    threads = max(1, min(threads, cells))
    if threads == 1:
        work(0, cells)
        return
    edges = [cells * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def own_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


@cache
def _tell(reason: str) -> None:
    print(f"Computing with NumPy, which gives the same and takes some 30 times as long: {reason}", file=sys.stderr)


@cache
def _own_processor() -> str:
    """Return digits that differ between computers with other instructions."""
    told: list[str] = []
    with contextlib.suppress(OSError):
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    able = sorted({line for line in told if line.lower().startswith(("flags", "features", "model name", "cpu part"))})
    return hashlib.sha256("\n".join([platform.machine(), *able]).encode()).hexdigest()[:8]


def _wide_vectors() -> tuple[str, ...]:
    """Return the flag that has x86 use its widest registers."""
    return ("-mprefer-vector-width=512",) if platform.machine() == "x86_64" else ()


def _cache_folder() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cytogate"
    except RuntimeError as error:
        raise InputError("there is no home folder to keep libraries in; set XDG_CACHE_HOME") from error
