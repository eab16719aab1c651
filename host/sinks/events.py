"""Events as a folder of part files, a row a cell: Parquet, which any reader opens as one table, or CSV.

CSV is written where pyarrow is not installed. A part appears whole, at every flush, and is on the disk then. A stream
that is killed leaves what was flushed; one that goes on later writes further parts behind it. A part says which run it
is of, how many of its rows stand in parts before it, and what flags, logits and decisions mean.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cytogate.host.sinks.rows import NONE, EventColumns, EventFormat, Part, Row
from cytogate.host.sources.source import NOTHING_READ, Progress
from cytogate.host.stream.cells import Event
from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError

ROWS_A_PART = 1 << 13
"""A part is written at so many rows even if no flush is due."""
DAMAGED = "_damaged-"
"""Before the name of a part that cannot be read; readers of Parquet folders pass over it."""
PARQUET, CSV = ".parquet", ".csv"
KINDS = {PARQUET: "cytogate.host.sinks.parquet_parts", CSV: "cytogate.host.sinks.csv_parts"}
"""Modules with ``write`` and ``read``, by suffix."""


class EventFolder:
    """A sink that writes parts into a folder."""

    def __init__(self, folder: Path, rows: EventFormat, rows_before: int = 0) -> None:
        """Write events into ``folder``, behind ``rows_before`` rows of the same run."""
        self._folder, self._rows, self._rows_before = folder, rows, rows_before
        self._suffix = _suffix(folder)
        self._waiting: list[Row] = []
        self._whole = 0
        # Arrivals are stamped by a clock that never steps; its distance to the time of day is taken once.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    @property
    def told(self) -> str | None:
        """What a user must know of the files, in a sentence."""
        if self._suffix == PARQUET:
            return None
        why = "pyarrow is not installed" if find_spec("pyarrow") is None else "as the run began"
        return f"{self._folder}: events are written as CSV: {why}"

    def write(self, event: Event) -> None:
        """Take an event."""
        self._waiting.append(self._row(event))
        if event.is_last:
            self._whole = len(self._waiting)
        if self._whole >= ROWS_A_PART:
            self.flush()

    def flush(self) -> None:
        """Write what was taken since the last flush as one part, up to the last arrival of which all events came.

        A run that was stopped goes on behind that: a hologram with some of its cells would never get the others.
        """
        if not self._whole:
            return
        rows = self._waiting[: self._whole]
        with whole_file(self._folder / f"part-{rows[0]['index']:012d}{self._suffix}") as partial:
            _kind(self._suffix).write(partial, rows, self._rows, self._rows_before)
        # If that failed, nothing of it is forgotten.
        self._rows_before += len(rows)
        self._waiting, self._whole = self._waiting[len(rows) :], 0

    def _row(self, event: Event) -> Row:
        arrival, result, names = event.arrival, event.result, self._rows.class_names
        chosen, label = event.verdict.class_index, arrival.cell.label
        return {
            "index": arrival.index,
            "origin": spelled(arrival.cell.origin),
            "position": arrival.cell.position,
            "time": arrival.arrived_ns + self._epoch_ns,
            "logits": None if event.logits is None else event.logits.tolist(),
            "class": None if chosen is None else names[chosen],
            "score": event.verdict.score,
            "decision": event.decision.value,
            "latency_ns": None if chosen is None else event.decided_ns - arrival.arrived_ns,
            "queue_ns": None if result is None else result.sent_ns - arrival.arrived_ns,
            "transfer_ns": None if result is None else result.received_ns - result.sent_ns,
            "flags": int(event.flags),
            "label": None if label is None else names[label],
            "reason": None if event.reason is None else spelled(event.reason),
            "frames_crc32": arrival.cell.digest,
            **{each.name: _known(event.features.get(each.name)) for each in self._rows.features},
        }


@dataclass(frozen=True)
class Written:
    """What a folder of events holds already."""

    rows: int
    classified: int
    """Rows with a class."""
    rows_before: int
    """Rows of the run up to here, those of lost parts among them."""
    next_index: int
    """Behind the last one."""
    progress: Mapping[str, Progress]
    """By origin."""
    told: tuple[str, ...]
    """What was lost of the run since it was written, in sentences."""


NOTHING_WRITTEN = Written(0, 0, 0, 0, {}, ())


def read_written(folder: Path, run: str) -> Written:
    """Read all parts of a run and say where it stands.

    A part that cannot be read to its last column is set aside, as ``_damaged-NAME``; cells behind the last whole part
    are streamed once more.

    Raises
    ------
    InputError
        If a part is of another run, or cannot be read for now.
    """
    written = NOTHING_WRITTEN
    for path in parts(folder):
        part = _read(path)
        if isinstance(part, str):
            path.replace(path.with_name(DAMAGED + path.name))
            told = f"{path}: damaged, and set aside as {DAMAGED}{path.name}: {part}"
            written = replace(written, told=(*written.told, told))
            continue
        if part.run != run:
            raise InputError(f"{path}: this part is of another run; give a folder of its own to each run")
        if part.rows_before > written.rows_before:
            told = f"{folder}: {part.rows_before - written.rows_before} events of this run are lost before {path.name}"
            written = replace(written, told=(*written.told, told))
        written = _with_part(written, part)
    return written


def _with_part(written: Written, part: Part) -> Written:
    progress, events = dict(written.progress), part.events
    rows = len(events.index)
    for origin, position, digest in zip(events.origin, events.position.tolist(), events.digest, strict=True):
        progress[origin] = progress.get(origin, NOTHING_READ).after(position, digest)
    return Written(
        rows=written.rows + rows,
        classified=written.classified + int((events.classes != NONE).sum()),
        rows_before=part.rows_before + rows,
        next_index=max(written.next_index, int(events.index.max(initial=-1)) + 1),
        progress=progress,
        told=written.told,
    )


def recorded_run(folder: Path) -> tuple[str, dict[str, object]] | None:
    """Return the run and the request of the first part of a folder that can be read; None if there is none."""
    for path in parts(folder):
        part = _read(path)
        # Of a damaged one is told when all are read; the next part says the same.
        if not isinstance(part, str):
            return part.run, dict(part.request)
    return None


def parts(folder: Path) -> list[Path]:
    """Return the parts of a folder, the earliest first."""
    return sorted(path for path in folder.glob("part-*") if path.suffix in KINDS)


def read_events(paths: Iterable[Path]) -> Iterator[EventColumns]:
    """Yield the events of :func:`parts`, a part at a time."""
    for path in paths:
        yield _kind(path.suffix).read(path).events


def _suffix(folder: Path) -> str:
    """Return the kind of a folder's parts: what is there already, else Parquet, where it can be written."""
    for path in parts(folder):
        return path.suffix
    return CSV if find_spec("pyarrow") is None else PARQUET


def _kind(suffix: str) -> Any:
    """Return the module that writes and reads parts of a kind."""
    try:
        return import_module(KINDS[suffix])
    except ImportError as error:
        raise InputError(f"events as {suffix} need pyarrow, which is not installed; give another folder") from error


def _known(value: float | None) -> float | None:
    """Return a value, None for what is not a number: readers of Parquet tell the two apart."""
    return None if value is None or math.isnan(value) else float(value)


def _read(path: Path) -> Part | str:
    """Return a part, or what is damaged in it.

    Raises
    ------
    InputError
        If the system does not give it: nothing is wrong with a part for which there is no room or no right.
    """
    kind = _kind(path.suffix)
    try:
        part: Part = kind.read(path)
    except OSError as error:
        # Parsers raise the same kind of error, without a number.
        if error.errno is not None:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        return _first_line(error)
    except MemoryError:
        raise
    # Of damaged bytes a parser says nearly anything.
    except Exception as error:
        return _first_line(error)
    return part


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
