"""Locks on files of a folder that processes share, perhaps on several computers: they end with who holds them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cytogate.model.command.terminal import terminal
from cytogate.model.errors import InputError

OWNER = ".lock"
"""File of a folder in which one command at a time builds."""
PATIENCE_S = 3600.0
"""How long another command may build there, in seconds: longer than any compiler is given."""
LOOK_S = 0.05
TRIES = 100
"""To open a lock that others remove, at most."""


class FileLock:
    """A lock that is held by one process at a time, and that the system takes from one that has ended.

    On a network's file system it holds between computers where that has locks, as NFS has.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without ``wait`` return False where another one has it."""
        for tries_left in reversed(range(TRIES)):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                held = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                # Whoever built nothing there may just have removed the folder.
                if isinstance(error, FileNotFoundError) and tries_left:
                    continue
                raise InputError(f"{self._path}: cannot be written: {error.strerror or error}") from error
            try:
                fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                os.close(held)
                return False
            except OSError as error:
                os.close(held)
                raise InputError(
                    f"{self._path}: cannot be locked: {error.strerror or error}; a file system that has locks is needed"
                ) from error
            except BaseException:
                os.close(held)
                raise
            # Who held it may have removed the file before it gave it back.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(held), self._path.stat()):
                    self._held = held
                    return True
            os.close(held)
        raise InputError(f"{self._path}: is removed again and again; nothing can be built there")

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

    Where nothing was built, no folder is left that was not there.

    Raises
    ------
    InputError
        If the other one is still there after ``patience_s`` seconds.
    """
    lock, new = FileLock(folder / OWNER), [each for each in (folder, *folder.parents) if not each.exists()]
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
        # One in which something has come to lie stays.
        with suppress(OSError):
            if new and [each.name for each in folder.iterdir()] == [OWNER]:
                (folder / OWNER).unlink()
                for each in new:
                    each.rmdir()
        lock.release()
