"""What leaves a command: files that appear whole or not at all, tables that keep their columns, progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path

from cytogate.model.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to; on success it becomes ``path``, on any exception it is removed."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be created: {error.strerror}") from error
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


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
    """Write ASCII ``text`` unless ``path`` holds it already, whose date then stays."""
    if not path.exists() or path.read_text(encoding="ascii") != text:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="ascii")
