"""Locks on files of a folder that processes share, perhaps on several computers: they end with who holds them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cytogate.model.command.terminal import terminal
from cytogate.model.errors import InputError

OWNER = ".lock"
"""File of a folder in which one command at a time builds."""
PATIENCE_S = 3600.0
"""How long another command may build there, in seconds: longer than any compiler is given."""
LOOK_S = 0.2


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


@contextmanager
def sole_builder(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Have ``folder`` for a while to this process alone, after waiting for another one that builds there.

    Raises
    ------
    InputError
        If the other one is still there after ``patience_s`` seconds.
    """
    lock = FileLock(folder / OWNER)
    if not lock.acquire(wait=False):
        terminal().print(f"{folder}: another command builds there; waiting for it ...", soft_wrap=True)
        limit = time.monotonic() + patience_s
        while not lock.acquire(wait=False):
            if time.monotonic() > limit:
                raise InputError(
                    f"{folder}: another command has been building there for {patience_s / 60:.0f} minutes; let it "
                    f"finish, or end it"
                )
            time.sleep(LOOK_S)
    try:
        yield
    finally:
        lock.release()
