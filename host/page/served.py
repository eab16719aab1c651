"""The live page beside a stream, in a process of its own: nothing is drawn in the one that decides.

The stream tells that process four times a second how it stands; :mod:`~cytogate.host.page.apart` is the other end.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from cytogate.host.page.about import About
from cytogate.host.page.darkroom import Darkroom
from cytogate.host.stream.gating import Gates, LiveGates
from cytogate.host.stream.monitor import Monitor, View
from cytogate.model.command.extras import need
from cytogate.model.command.processes import run_beside
from cytogate.model.errors import InputError

NEWS_S = 0.25
START_S = 60.0
END_S = 20.0
"""Time in which the page shows the end and is saved."""


@dataclass(frozen=True)
class Setting:
    """What the process is told at first."""

    about: About
    darkroom: Darkroom
    deadline_ns: int | None
    gates: Gates
    port: int
    saved: Path
    """Where what is shown at the end is written to."""


@dataclass(frozen=True)
class News:
    """How the stream stands."""

    view: View
    gates: Gates
    moved: int
    """Moves of gates by viewers that are heeded in ``gates``."""
    last: bool


@dataclass(frozen=True)
class Answer:
    """The page's address, or why it has none."""

    url: str = ""
    refused: str = ""


Moved = Mapping[str, float | None]
"""Thresholds of classes that a viewer has moved; None: no longer sorted."""


@contextmanager
def live_page(
    monitor: Monitor, gates: LiveGates, about: About, darkroom: Darkroom, port: int, saved: Path
) -> Iterator[str]:
    """Serve the page on ``port`` of this machine while the block runs; give its address.

    What it shows at the end is written to ``saved``.

    Raises
    ------
    InputError
        If the port is taken.
    ModuleNotFoundError
        If what draws the page is not installed.
    """
    need("bokeh")
    ours, theirs = Pipe()
    process = run_beside("cytogate.host.page.apart:serve_apart", theirs.fileno())
    theirs.close()
    over = threading.Event()
    try:
        ours.send(Setting(about, darkroom, monitor.deadline_ns, gates.gates, port, saved.absolute()))
        url = _address(ours)
        telling = threading.Thread(target=_tell, args=(ours, monitor, gates, over), name="page", daemon=True)
        telling.start()
        with _told_why_it_ends(monitor):
            yield url
    finally:
        over.set()
        _wait(process)
        ours.close()


def _address(channel: Connection) -> str:
    answer = Answer(refused=f"the live page did not start within {START_S:.0f} s")
    with contextlib.suppress(EOFError):
        if channel.poll(START_S):
            answer = channel.recv()
    if answer.refused:
        raise InputError(answer.refused)
    return answer.url


@contextmanager
def _told_why_it_ends(monitor: Monitor) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        monitor.ended("interrupted")
        raise
    except Exception as error:
        monitor.ended(str(error))
        raise
    monitor.ended("the source has ended")


def _tell(channel: Connection, monitor: Monitor, gates: LiveGates, over: threading.Event) -> None:
    """Tell the page how the stream stands, and put in force what viewers move, until the stream is over."""
    moved, last = 0, False
    try:
        while not last:
            last = over.is_set()
            channel.send(News(monitor.view(), gates.gates, moved, last))
            if not last and channel.poll(NEWS_S):
                moved += 1
                # What the page took for a threshold, and is none beside gates that were changed meanwhile.
                with contextlib.suppress(InputError):
                    gates.move(channel.recv())
    except (OSError, EOFError):
        print("the live page has failed; the stream goes on without it", file=sys.stderr)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
