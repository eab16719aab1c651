"""Write files that appear whole or not at all, and remove what killed commands have left."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from enum import Enum
from itertools import count
from pathlib import Path

from cytogate.model.errors import InputError

HOST = re.sub(r"\W", "_", socket.gethostname())
PARTIAL = re.compile(r"\..+\.(?P<host>\w+)-(?P<process>\d+)-\d+\.partial(\..+)?")
"""Names of unfinished files and folders, with the computer and the process that write them: a disk may be shared."""
NUMBERS = count()
"""Of this process's unfinished files: two threads may write one file, and the later one's stays."""
TEMPORARY_BEGIN, TEMPORARY_END = ".cytogate-", ".temporary"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; on success it becomes ``path`` and is on the disk, on any exception it is removed.

    Raises
    ------
    InputError
        Where it cannot be written: in one sentence, for every verb.
    """
    remove_partials(path.parent)
    partial = partial_file_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be created: {error.strerror}") from error
    try:
        yield partial
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        # A folder that is read-only says so even of a file that is not there.
        with suppress(OSError):
            partial.unlink()


@contextmanager
def whole_folder(path: Path, *, replacing: bool = False) -> Iterator[Path]:
    """Give a folder to fill; on success it becomes ``path``, on any exception it is removed.

    ``replacing`` says that one that lies there may go.

    Raises
    ------
    InputError
        Where one lies there that may not go, or it cannot be written.
    """
    if path.exists() and not replacing:
        raise InputError(f"{path}: is there already; remove it, or give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_of(path)
        partial.mkdir()
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    before = partial_of(path)
    try:
        yield partial
        if replacing:
            with suppress(FileNotFoundError):
                path.rename(before)
        partial.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        # Back to its place, unless another one is there.
        with suppress(OSError):
            before.rename(path)
        shutil.rmtree(before, ignore_errors=True)


def partial_of(path: Path) -> Path:
    """Return where to write what becomes ``path``, after removing what killed processes have left beside it."""
    remove_partials(path.parent)
    return _beside(path)


def partial_file_of(path: Path) -> Path:
    """Return where a file is written until it is whole: libraries look at the suffix."""
    return _beside(path).with_suffix(f".partial{path.suffix}")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{HOST}-{os.getpid()}-{next(NUMBERS)}.partial")


def remove_partials(folder: Path) -> None:
    """Remove unfinished files and folders in ``folder`` whose process ran on this computer and is gone."""
    with suppress(OSError):
        for each in os.scandir(folder):
            found = PARTIAL.fullmatch(each.name)
            if found is None or found["host"] != HOST or _is_running(int(found["process"])):
                continue
            if each.is_dir(follow_symlinks=False):
                shutil.rmtree(each.path, ignore_errors=True)
            else:
                Path(each.path).unlink()


@contextmanager
def temporary_folder(within: Path | None = None) -> Iterator[Path]:
    """Give a folder that is removed at the end, after removing those of killed processes of this user.

    Its owner holds a lock on it, which ends with the process however that ends.
    """
    root = Path(tempfile.gettempdir()) if within is None else within
    _remove_ownerless(root)
    try:
        path, held = _locked_folder(root)
    except OSError as error:
        raise InputError(f"{root}: cannot be written: {error.strerror or error}") from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def _locked_folder(root: Path) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY_BEGIN, suffix=TEMPORARY_END, dir=root))
        # Until it is locked, another process may take it for one that was left.
        with suppress(FileNotFoundError):
            held = os.open(path, os.O_RDONLY)
            fcntl.flock(held, fcntl.LOCK_EX)
            if path.is_dir():
                return path, held
            os.close(held)


def _remove_ownerless(root: Path) -> None:
    for path in root.glob(f"{TEMPORARY_BEGIN}*{TEMPORARY_END}"):
        # Whatever goes wrong: another user's, or removed by another process in this moment.
        with suppress(OSError):
            status = path.lstat()
            if status.st_uid != os.getuid() or not path.is_dir() or path.is_symlink():
                continue
            folder = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(folder)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync(path: Path) -> None:
    """Have a file, or a folder's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: object) -> object:
    """Return what JSON knows of a value that it does not know; for ``json.dumps(..., default=plain)``."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not go into a report")


def refresh(path: Path, text: str) -> None:
    """Write ``text`` unless ``path`` holds it already, whose date then stays."""
    content = text.encode("utf-8")
    if not path.exists() or path.read_bytes() != content:
        with whole_file(path) as partial:
            partial.write_bytes(content)
