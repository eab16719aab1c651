"""One owner a device: two that load bitstreams and reset DMAs on the same chip would end each other's work."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cytogate.model.errors import InputError

LOCKS = Path("/run/lock")
"""Where locks are, for all users, so far as it can be written to; else the folder of temporary files."""
TRIES = 100
"""Owners that may let go of a device just when we find their lock: more of them are a fault."""

_held: set[BinaryIO] = set()


@contextmanager
def owned(device: str) -> Iterator[None]:
    """Own a device by its name until the end of the ``with``; the kernel takes it from a process that dies.

    Raises
    ------
    InputError
        If another accelerator owns it, in this process or another one; it names the process.
    """
    folder = LOCKS if os.access(LOCKS, os.W_OK) else Path(tempfile.gettempdir())
    path = folder / f"cytogate-{device}.lock"
    try:
        lock = _locked(path, device)
    except OSError as error:
        raise InputError(f"{path}: device {device} cannot be locked: {error.strerror or error}") from error
    _held.add(lock)
    try:
        yield
    finally:
        _held.discard(lock)
        # In a forked child it is closed already: the device is its parent's.
        if not lock.closed:
            with suppress(OSError):
                path.unlink()
            lock.close()


def must_be_in(process: int) -> None:
    """Refuse to go on in another process than ``process``, the owner: in one that was forked from it.

    Raises
    ------
    InputError
        If it is another one.
    """
    if process != os.getpid():
        raise InputError(
            f"the accelerator was opened by process {process}, from which this one was forked; "
            "when that one has closed it, open another one here"
        )


def _locked(path: Path, device: str) -> BinaryIO:
    """Return the open lock, with our process id in it."""
    for _ in range(TRIES):
        lock = os.fdopen(_opened(path), "r+b", buffering=0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = lock.read(20).decode("ascii", "replace").strip()
            lock.close()
            whose = "this process" if owner == str(os.getpid()) else f"process {owner or 'of another user'}"
            raise InputError(
                f"device {device} is in use by another accelerator of {whose}; close that one first"
            ) from error
        # Its last owner may have removed the file after we had opened it.
        if _is_at(lock, path):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n".encode("ascii"))
            return lock
        lock.close()
    raise InputError(f"device {device} changes hands all the time; {path} says by whom")


def _opened(path: Path) -> int:
    # Of a file of another user in a folder for all, Linux refuses to open with O_CREAT what exists.
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CREAT, 0o666)
        with suppress(PermissionError):
            # For all users, whatever the mask says.
            os.fchmod(descriptor, 0o666)
        return descriptor


def _is_at(lock: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _leave_to_parent() -> None:
    """In a forked child: let the device be free when its owner dies, though the child lives on."""
    while _held:
        _held.pop().close()


os.register_at_fork(after_in_child=_leave_to_parent)
