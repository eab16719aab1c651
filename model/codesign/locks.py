"""Locks on files of a folder that processes share, perhaps on several computers: they end with who holds them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.storages.journal import JournalFileOpenLock

from cytogate.model.errors import InputError


class FileLock:
    """A lock that is held by one process at a time, and that the system takes from one that has ended.

    On a network's file system it holds between computers where that has locks, as NFS has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without ``wait`` return False where another one has it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror or error}") from error
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(held)
            return False
        except BaseException:
            os.close(held)
            raise
        self._held = held
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a while."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


class JournalLock(JournalFileOpenLock):
    """Who may write to Optuna's journal; a line that a killed process has left half written is cut off."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._lock = FileLock(journal.with_suffix(".lock"))

    def acquire(self) -> bool:
        """Wait until the journal can be written."""
        self._lock.acquire()
        with self._journal.open("rb+") as file:
            written = file.read()
            whole = written.rfind(b"\n") + 1
            if whole < len(written):
                file.truncate(whole)
        return True

    def release(self) -> None:
        """Let others write."""
        self._lock.release()
