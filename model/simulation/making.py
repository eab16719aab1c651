"""Files of many items that take long to make: by several processes, once, and picked up after an interruption."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from cytogate.model.command.files import whole_file
from cytogate.model.command.locks import FileLock
from cytogate.model.command.processes import in_processes
from cytogate.model.command.terminal import progress_bars
from cytogate.model.errors import InputError

BATCH = 8
"""Items a worker hands over at a time: 3 MB of default frames."""

Items = NDArray[np.unsignedinteger]
Store = Callable[[Path, Iterable[Items]], None]
"""Writes items, one at a time, to a path."""


class Recipe(Protocol):
    """How an item of a number is made, whatever was made before; goes to other processes as a pickle of our own."""

    @property
    def what(self) -> str:
        """What is made, for the progress bar."""

    @property
    def count(self) -> int:
        """Number of items."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an item."""

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Type of an item."""

    @property
    def request(self) -> dict[str, object]:
        """Everything that decides what an item looks like, as JSON can say it; not how many there are."""

    def make(self, indices: range) -> Items:
        """Return the items of ``indices``, stacked."""


def make_file(recipe: Recipe, path: Path, store: Store, workers: int = 2) -> None:
    """Make all items of ``recipe`` and store them in the file ``path``, showing progress on stderr.

    Finished items gather in ``.NAME.partial`` beside ``path``; a call that finds those of the same request goes on
    behind them, whatever stopped the earlier one. The file itself appears when it is whole.
    """
    progress = progress_bars()
    with _finished_items(recipe, path, progress.console) as finished, progress:
        task = progress.add_task(recipe.what, total=recipe.count, completed=finished.count)
        for items in _made(recipe, range(finished.count, recipe.count), workers):
            finished.append(items)
            progress.advance(task, len(items))
        stored = progress.track(finished, total=recipe.count, description=f"writing {path.name}")
        with whole_file(path) as beside:
            store(beside, stored)
        finished.path.unlink(missing_ok=True)


def _made(recipe: Recipe, indices: range, workers: int) -> Iterator[Items]:
    """Yield items (up to BATCH, ...) in the order of ``indices``."""
    batches = [indices[start : start + BATCH] for start in range(0, len(indices), BATCH)]
    return in_processes(recipe.make, batches, workers, recipe.what)


class _Finished:
    """The open ``.partial`` file: a line that says what was asked for, then items 0, 1, 2 ..."""

    def __init__(self, path: Path, file: BinaryIO, recipe: Recipe) -> None:
        self.path = path
        self._file = file
        self._start = file.tell()
        self._shape, self._dtype = recipe.shape, recipe.dtype
        self._bytes = self._dtype.itemsize * math.prod(self._shape)
        held = file.seek(0, os.SEEK_END) - self._start
        self.count = min(held // self._bytes, recipe.count)
        file.truncate(self._start + self.count * self._bytes)
        file.seek(0, os.SEEK_END)

    def append(self, items: Items) -> None:
        self._file.write(np.ascontiguousarray(items).data)
        self._file.flush()
        self.count += len(items)

    def __iter__(self) -> Iterator[Items]:
        self._file.seek(self._start)
        for _ in range(self.count):
            yield np.frombuffer(self._file.read(self._bytes), self._dtype).reshape(self._shape)


@contextmanager
def _finished_items(recipe: Recipe, path: Path, console: Console) -> Iterator[_Finished]:
    """Open the file of finished items, empty unless it holds items of this very request."""
    place = path.with_name(f".{path.name}.partial")
    line, lock = json.dumps(recipe.request).encode() + b"\n", FileLock(place)
    try:
        if path.is_dir():
            raise InputError(f"{path}: this is a folder; a file to write is needed")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        if not lock.acquire(wait=False):
            raise InputError(f"{path}: another process is writing this file; let it finish")
        with place.open("r+b") as file:
            before = file.readline(len(line))
            if before != line:
                if before:
                    console.print(f"{path.name}: unfinished cells of another request were there; starting over")
                file.seek(0)
                file.truncate()
                file.write(line)
                file.flush()
            finished = _Finished(place, file, recipe)
            if finished.count:
                console.print(f"{path.name}: continuing after {finished.count} finished cells")
            yield finished
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        lock.release()
