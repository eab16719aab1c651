"""The gates by which a run's cells were judged, in a file that is only appended to: no kill loses what was moved.

A line of JSON has the ``index`` of a cell and the ``gates`` by which it and all behind it were judged, until a later
line; a run that goes on begins again at the file's gates, behind the last cell that was written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from cytogate.host.stream.cells import Event
from cytogate.host.stream.gating import Gates, LiveGates
from cytogate.model.errors import InputError


class GateLog:
    """A sink that writes which gates are in force; it stands before the one that writes what they decided."""

    def __init__(self, path: Path, gates: LiveGates) -> None:
        self._path, self._gates = path, gates
        self._written = 0

    def write(self, event: Event) -> None:
        """Append the gates of an event and of those before it, where they are not written yet."""
        fresh = self._gates.record_behind(self._written)
        if not fresh:
            return
        lines = "".join(f"{json.dumps({'index': index, 'gates': described(gates)})}\n" for index, gates in fresh)
        try:
            _append(self._path, lines.encode("utf-8"))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror or error}") from error
        self._written += len(fresh)

    def flush(self) -> None:
        """Every line is on the disk as soon as it is written."""


def described(gates: Gates) -> dict[str, object]:
    """Return gates as JSON has them."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(gates)))
    return plain


def last_gates(path: Path) -> Mapping[str, object] | None:
    """Return the gates of the last whole line of a log; None if there is none."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    for line in reversed(lines):
        try:
            gates = json.loads(line)["gates"]
        except (ValueError, KeyError, TypeError, RecursionError):
            # What a power cut has left of a line.
            continue
        if isinstance(gates, dict):
            return gates
    return None


def _append(path: Path, lines: bytes) -> None:
    """Have lines on the disk, behind what is there; half a line that a power cut has left stays one of its own."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) == b"\n" else b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
