"""Files and folders that a verb is to write: whether they can be is asked before its work, not at its end."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.command.files import partial_file_of
from cytogate.model.command.terminal import spelled
from cytogate.model.errors import InputError


@dataclass(frozen=True)
class Output:
    """The type of an argument that names what is written: a path, which is checked when the command line is read."""

    is_file: bool = False
    or_folder: bool = False
    """Of a file: whether a name without a suffix is one of a folder."""

    def __call__(self, text: str) -> Path:
        """Return the path; what is wrong with it stands in the sentence about its argument."""
        path = Path(text)
        try:
            if self.is_file and (path.suffix or not self.or_folder):
                check_file(path)
            else:
                check_folder(path)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return path


FOLDER, FILE, FILE_OR_FOLDER = Output(), Output(is_file=True), Output(is_file=True, or_folder=True)


def check_folder(path: Path) -> None:
    """Raise an :class:`InputError` if nothing can be written into the folder ``path``, which need not be there."""
    try:
        nearest = _nearest(path)
        if not nearest.is_dir():
            raise InputError(f"{_told(nearest)}: is no folder; a folder to write into is needed")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise InputError(f"{_told(nearest)}: cannot be written into; give another folder, or the right to")
    except OSError as error:
        raise InputError(f"{_told(path)}: cannot be written: {error.strerror}") from error


def check_file(path: Path) -> None:
    """Raise an :class:`InputError` if the file ``path`` cannot be written; one that is there would be replaced."""
    try:
        if path.is_dir():
            raise InputError(f"{_told(path)}: this is a folder; a file to write is needed")
        if path.exists() and not path.is_file():
            raise InputError(f"{_told(path)}: is no file; a file to write is needed")
        if path.parent.is_dir():
            # The name under which it is written until it is whole is longer.
            _lstat(partial_file_of(path))
    except OSError as error:
        raise InputError(f"{_told(path)}: cannot be written: {error.strerror}") from error
    check_folder(path.parent)


def _nearest(path: Path) -> Path:
    """Return the path, or the first of the folders above it that is there."""
    for each in (path, *path.absolute().parents):
        if _lstat(each):
            return each
    raise AssertionError(path)


def _lstat(path: Path) -> bool:
    """Whether something is there, be it a link that leads nowhere; what else the system says is raised."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _told(path: Path) -> str:
    return spelled(str(path))
