"""The folder of a run: who may write to it, which run it is of, and where that run stands.

``run.json`` says what was asked for when the run began. The same request goes on with the run; another one is refused,
since its events would stand among those of the first as if they belonged together. Where the record is damaged, the
parts of the events say what it said.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cytogate.host.sinks.events import parts, recorded_run
from cytogate.model.command.files import remove_partials, whole_file
from cytogate.model.command.locks import OWNER, FileLock
from cytogate.model.errors import InputError

RECORD = "run.json"
EVENTS = "events"
IMAGES = "images"
FCS = "events.fcs"
REPORT = "report.json"
GATES = "gates.jsonl"
"""Which gates cells were judged by; what was asked for is in the record."""
PAGE = "page.html"
"""What the live page showed at the end."""
FORMAT = 2


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, held by this process."""

    path: Path
    run: str
    """Identity of the run, made when it began."""
    resumed: bool
    request: Mapping[str, object]
    """What was asked for."""
    told: str | None = None
    """What had to be mended, in a sentence."""

    @property
    def events(self) -> Path:
        """Folder of the parts."""
        return self.path / EVENTS


@contextmanager
def run_folder(path: Path, request: Mapping[str, object]) -> Iterator[RunFolder]:
    """Begin a run in ``path`` or go on with the one that is there.

    Parameters
    ----------
    request
        What makes events comparable: source, bundle, gates; values that JSON has.

    Raises
    ------
    InputError
        If the folder holds a run of another request, or another process writes to it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    lock = FileLock(path / OWNER)
    if not lock.acquire(wait=False):
        raise InputError(f"{path}: another stream writes to this folder; let it finish")
    try:
        for folder in (path, *path.glob(f"{IMAGES}/*/"), path / EVENTS):
            remove_partials(folder)
        yield _joined(path, json.loads(json.dumps(dict(request))))
    finally:
        lock.release()


def _joined(path: Path, request: dict[str, object]) -> RunFolder:
    record = path / RECORD
    if not record.exists():
        if parts(path / EVENTS):
            raise InputError(f"{path}: holds events but no {RECORD}; give each run a folder of its own")
        return _begun(path, uuid.uuid4().hex, request)
    told = None
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
        if before["format"] != FORMAT:
            raise InputError(f"{record}: this is the record of a run of another release; choose another folder")
        run, asked = str(before["run"]), dict(before["request"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        found = recorded_run(path / EVENTS)
        if found is None:
            told = f"{record}: damaged, and there are no events; the run begins anew"
            return replace(_begun(path, uuid.uuid4().hex, request), told=told)
        run, asked = found
        told = f"{record}: damaged; written again as the events have it"
    for key in sorted(request.keys() | asked.keys()):
        if request.get(key) != asked.get(key):
            raise InputError(
                f"{path}: holds a run whose {key} was {asked.get(key)!r}, not {request.get(key)!r}; "
                "choose another folder"
            )
    if told is not None:
        _begun(path, run, request)
    return RunFolder(path, run, resumed=True, request=request, told=told)


def _begun(path: Path, run: str, request: dict[str, object]) -> RunFolder:
    with whole_file(path / RECORD) as partial:
        described = {"format": FORMAT, "run": run, "request": request}
        partial.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return RunFolder(path, run, resumed=False, request=request)
