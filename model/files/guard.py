"""Files that users name are parsed in a process of its own, which may hold READER_BYTES and compute for READER_S.

Libraries that parse HDF5, Zarr and TIFF trust what they read: damaged metadata make them spin where no signal ends it,
a small chunk inflates without end, a codec crashes. Then that process ends, not the caller's: what was asked for is
damaged, and the next question goes to a new process, in which the file is opened again.

A question is a line of JSON, and so is its answer; values of arrays lie in memory that both processes share.
:mod:`~cytogate.model.files.serving` is the other end.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import math
import mmap
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.processes import run_beside
from cytogate.model.errors import InputError
from cytogate.model.files.container import MAX_PART_BYTES, DamagedPartError, reading

READER_BYTES = 1 << 30
"""The most memory that the process may hold, with all that it has declared, inflated and decoded."""
READER_S = 8
"""Seconds of computing on a question; as many again for each SIZE_PER_S bytes of the file."""
SIZE_PER_S = 1 << 23
SILENT_S = 120.0
"""Seconds after which a process that does not answer is ended, whatever it waits for: a share that is gone."""
MAX_ENDED = 3
"""Processes that a file may end before no part of it is read any more."""
PIECE_BYTES = 1 << 24
"""The most that is asked for at once, where more than one item is."""

TOO_MUCH_MEMORY = f"it takes more than {READER_BYTES >> 20} MiB to read; it is damaged, or its chunks are too large"


def open_guarded(path: Path) -> GuardedFile:
    """Open a file or a Zarr in the process that parses."""
    with reading(path):
        return GuardedFile(path)


class GuardedFile:
    """A :class:`~cytogate.model.files.container.Container` that another process has open."""

    def __init__(self, path: Path) -> None:
        self.path, self._folder = path, Path.cwd()
        self._number = next(_numbers)
        self._reader: _Reader | None = None
        self._ended, self._closed = 0, False
        self._opened: dict[str, Any] = {}
        self._arrays: dict[str | None, GuardedArray | None] = {}
        self._reopen()
        self.names = tuple(self._opened["names"])
        self.unnamed = self._described(None, self._opened["unnamed"])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What the file says beside its arrays, each as a NumPy array."""
        return _Attributes(self, tuple(self._opened["attributes"]))

    def array(self, name: str) -> GuardedArray | None:
        """Return an array as the file declares it."""
        if name not in self._arrays:
            self._arrays[name] = self._described(name, self.ask("array", name=name)["found"])
        return self._arrays[name]

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of all that lies in a group."""
        return tuple(self.ask("members", group=group)["found"])

    def listing(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield paths and shapes of arrays that could be meant."""
        return iter([(name, tuple(shape)) for name, shape in self.ask("listing")["found"]])

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Return the answer to a question on this file, with the array that belongs to it as ``values``."""
        with _lock:
            if self._closed:
                raise DamagedPartError("the file was closed")
            if self._reader is not _running():
                self._reopen()
            return self._asked(what, **details)

    def close(self) -> None:
        """Close the file, if the process that had it open still runs."""
        with _lock:
            if self._reader is not None and self._reader is _reader:
                with contextlib.suppress(InputError, DamagedPartError):
                    self._asked("close")
            self._reader, self._closed = None, True

    def _reopen(self) -> None:
        with _lock:
            if self._ended == MAX_ENDED:
                raise DamagedPartError(f"the file is damaged; it has ended {MAX_ENDED} processes that read it")
            self._reader = _running()
            opened = self._asked("open", path=os.fsdecode(self.path))
            if self._opened and opened != self._opened:
                raise DamagedPartError("the file was changed while it was read")
            self._opened = opened

    def _asked(self, what: str, **details: Any) -> dict[str, Any]:
        assert self._reader is not None
        try:
            folder = os.fsdecode(self._folder)
            return self._reader.ask({"what": what, "file": self._number, "folder": folder, **details})
        except _EndedError as ended:
            self._reader, self._ended = None, self._ended + 1
            raise DamagedPartError(str(ended)) from ended

    def _described(self, name: str | None, found: dict[str, Any] | None) -> GuardedArray | None:
        if found is None:
            return None
        return GuardedArray(
            self, name, tuple(found["shape"]), np.dtype(found["dtype"]), found["axes"], found["column_major"]
        )


@dataclass(frozen=True, eq=False)
class GuardedArray:
    """A :class:`~cytogate.model.files.container.StoredArray` of such a file."""

    file: GuardedFile
    name: str | None
    shape: tuple[int, ...]
    dtype: np.dtype
    axes: str | None
    column_major: bool

    def read(self, start: int, stop: int, axis: int = 0) -> NDArray:
        """Return a part, which is asked for in pieces."""
        item = math.prod(self.shape[:axis] + self.shape[axis + 1 :]) * self.dtype.itemsize
        step = max(1, PIECE_BYTES // item) if item else stop - start
        if stop - start <= step:
            return self._piece(start, stop, axis)
        part = np.empty((*self.shape[:axis], stop - start, *self.shape[axis + 1 :]), self.dtype)
        for first in range(start, stop, step):
            last = min(first + step, stop)
            part[(slice(None),) * axis + (slice(first - start, last - start),)] = self._piece(first, last, axis)
        return part

    def _piece(self, start: int, stop: int, axis: int) -> NDArray:
        values: NDArray = self.file.ask("read", name=self.name, span=[start, stop, axis])["values"]
        if values.shape != (*self.shape[:axis], stop - start, *self.shape[axis + 1 :]):
            raise DamagedPartError("the file was changed while it was read")
        return values


@dataclass(frozen=True)
class _Attributes(Mapping[str, Any]):
    file: GuardedFile
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> NDArray:
        if name not in self.names:
            raise KeyError(name)
        values: NDArray = self.file.ask("attribute", name=name)["values"]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class _EndedError(Exception):
    """The process ended, or had to be ended; the message says why."""


class _Reader:
    """The process that parses."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(SILENT_S)
        shared = os.memfd_create("cytogate", os.MFD_CLOEXEC)
        os.ftruncate(shared, MAX_PART_BYTES)
        with theirs:
            self._process = run_beside(
                "cytogate.model.files.serving:serve",
                theirs.fileno(),
                shared,
                stderr=subprocess.DEVNULL,
                # One arena for all threads: what one has freed is there for the others.
                env={**os.environ, "MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        self._stream = self._channel.makefile("rwb")
        with os.fdopen(shared, "rb") as file:
            self._values = mmap.mmap(file.fileno(), MAX_PART_BYTES, prot=mmap.PROT_READ)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; raises what the reader raised."""
        answer: dict[str, Any] = {}
        try:
            self._stream.write(json.dumps(question).encode() + b"\n")
            self._stream.flush()
            answer = json.loads(self._stream.readline())
            if "dtype" in answer:
                shape, dtype = answer["shape"], np.dtype(answer["dtype"])
                answer["values"] = np.ndarray(shape, dtype, self._values).copy()
        except TimeoutError as error:
            self.end()
            raise _EndedError(f"the file cannot be read: no answer for {SILENT_S:.0f} s") from error
        except (OSError, ValueError) as error:
            why = self._why()
            self.end()
            raise _EndedError(why) from error
        except BaseException:
            # The rest of an answer would be taken for the next one.
            self.end()
            raise
        if answer.get("full"):
            self.end()
        if "no_memory" in answer:
            raise _EndedError(TOO_MUCH_MEMORY)
        if "refused" in answer:
            raise InputError(answer["refused"])
        if "missing" in answer:
            raise ImportError(answer["sentence"], name=answer["missing"])
        if "damaged" in answer:
            raise DamagedPartError(answer["damaged"])
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError, ValueError):
            self._stream.close()
        self._channel.close()

    def _why(self) -> str:
        """Return why a process that went away did so."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        if self._process.returncode == -signal.SIGXCPU:
            return f"the file is damaged: it takes more than {READER_S} s of computing to read a part of it"
        return f"the file is damaged: it ended the process that reads it (status {self._process.returncode})"


_numbers = itertools.count()
_reader: _Reader | None = None
_lock = threading.RLock()


def _running() -> _Reader:
    global _reader
    if _reader is None or not _reader.runs:
        _reader = _Reader()
    return _reader


def _forget() -> None:
    """Leave the process to the one that was forked from: a fork begins one of its own."""
    global _reader, _lock
    _reader, _lock = None, threading.RLock()


@atexit.register
def _stop() -> None:
    if _reader is not None:
        _reader.end()


os.register_at_fork(after_in_child=_forget)
