"""Simulated data sets as files: made by several processes, once, and picked up again after an interruption."""

from __future__ import annotations

import fcntl
import json
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cytogate.model.command import InputError
from cytogate.model.optics import code_type
from cytogate.model.outputs import whole_file
from cytogate.model.simulator import SimulatedCells

Frames = NDArray[np.unsignedinteger]

HDF5_SUFFIXES = (".h5", ".hdf5")
TIFF_SUFFIXES = (".tif", ".tiff")

CLASSIC_TIFF_BYTES = 3_900_000_000
"""Pixels beyond this need BigTIFF: 32-bit offsets end at 4 GiB, headers included."""

BATCH = 8
"""Cells a worker hands over at a time: 3 MB of default frames."""


def write_cells(cells: SimulatedCells, path: Path, *, empty_field: bool = False, workers: int = 2) -> None:
    """Simulate all of ``cells`` into the file ``path``, showing progress on stderr.

    Finished cells gather in ``.NAME.partial`` beside ``path``; a call that finds those of the same request goes on
    behind them, whatever stopped the earlier one. The file itself appears when it is whole.

    Parameters
    ----------
    path : Path
        ``.h5`` or ``.hdf5``: datasets ``frames`` (cells, 4, rows, columns; one chunk a cell), ``labels`` and
        ``class_names``; attributes ``simulated, seed, difficulty, optics`` (JSON), ``version`` and others.
        ``.tif`` or ``.tiff``: four consecutive pages a cell; the first page's description is a JSON object with
        ``labels, class_names`` and the same attributes.
    empty_field : bool
        Background frames instead: the same shading and noise, no cell, no labels.
    workers : int
        Processes; 1 simulates within this one.
    """
    if path.suffix.lower() not in HDF5_SUFFIXES + TIFF_SUFFIXES:
        raise InputError(f"{path}: simulated cells are written as .h5, .hdf5, .tif or .tiff")
    store = _write_hdf5 if path.suffix.lower() in HDF5_SUFFIXES else _write_tiff
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with (
        _finished_cells(cells, path, empty_field, console) as finished,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("simulating cells", total=len(cells), completed=finished.count)
        for frames in _simulated(cells, range(finished.count, len(cells)), empty_field, workers):
            finished.append(frames)
            progress.advance(task, len(frames))
        stored = progress.track(finished, total=len(cells), description=f"writing {path.name}")
        with whole_file(path) as beside:
            store(beside, stored, cells, not empty_field)
        finished.path.unlink(missing_ok=True)


def _simulated(cells: SimulatedCells, indices: range, empty_field: bool, workers: int) -> Iterator[Frames]:
    """Yield frames (up to BATCH, 4, rows, columns) in the order of ``indices``."""
    batches = [indices[start : start + BATCH] for start in range(0, len(indices), BATCH)]
    simulate = partial(_batch, cells, empty_field)
    if workers == 1 or len(batches) < 2:
        yield from map(simulate, batches)
        return
    # A fresh interpreter each: a fork would inherit the threads of whatever the caller has loaded.
    context = multiprocessing.get_context("spawn")
    with _one_thread_a_process():
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
        try:
            yield from pool.map(simulate, batches)
        except BrokenProcessPool as error:
            raise InputError(
                "a process that simulated cells was ended from outside, perhaps for want of memory; "
                "finished cells are kept, run the same command again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _batch(cells: SimulatedCells, empty_field: bool, indices: range) -> Frames:
    return np.stack([cells.empty_field(index) if empty_field else cells[index].frames for index in indices])


def _start_worker() -> None:
    """Leave interrupts to the parent, and end when it ends, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


@contextmanager
def _one_thread_a_process() -> Iterator[None]:
    """Keep linear algebra of processes started within from using all cores each (twice as slow on two)."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Finished:
    """The open ``.partial`` file: a line that says what was asked for, then the frames of cell 0, 1, 2 ..."""

    def __init__(self, path: Path, file: BinaryIO, cells: SimulatedCells) -> None:
        self.path = path
        self._file = file
        self._start = file.tell()
        self._shape, self._dtype = cells.frame_shape, code_type(cells.acquisition)
        self._bytes = self._dtype.itemsize * math.prod(self._shape)
        held = file.seek(0, os.SEEK_END) - self._start
        self.count = min(held // self._bytes, len(cells))
        file.truncate(self._start + self.count * self._bytes)
        file.seek(0, os.SEEK_END)

    def append(self, frames: Frames) -> None:
        self._file.write(np.ascontiguousarray(frames).data)
        self._file.flush()
        self.count += len(frames)

    def __iter__(self) -> Iterator[Frames]:
        self._file.seek(self._start)
        for _ in range(self.count):
            yield np.frombuffer(self._file.read(self._bytes), self._dtype).reshape(self._shape)


@contextmanager
def _finished_cells(cells: SimulatedCells, path: Path, empty_field: bool, console: Console) -> Iterator[_Finished]:
    """Open the file of finished cells, empty unless it holds cells of this very request."""
    place = path.with_name(f".{path.name}.partial")
    request = json.dumps(attributes(cells) | {"class_names": cells.class_names, "empty_field": empty_field})
    line = request.encode() + b"\n"
    try:
        if path.is_dir():
            raise InputError(f"{path}: this is a folder; a file to write is needed")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        with place.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"{path}: another process is writing this file; let it finish") from error
            before = file.readline(len(line))
            if before != line:
                if before:
                    console.print(f"{path.name}: unfinished cells of another request were there; starting over")
                file.seek(0)
                file.truncate()
                file.write(line)
                file.flush()
            finished = _Finished(place, file, cells)
            if finished.count:
                console.print(f"{path.name}: continuing behind {finished.count} finished cells")
            yield finished
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def attributes(cells: SimulatedCells) -> dict[str, str | int | float | bool]:
    """Return what a file says of its making; all of it but the number of cells decides what a cell looks like."""
    return {
        "simulated": True,
        "seed": cells.seed,
        "difficulty": cells.difficulty,
        "shaded": cells.shaded,
        "noisy": cells.noisy,
        "run": "one a cell" if cells.run is None else cells.run,
        "optics": json.dumps(asdict(cells.acquisition)),
        "version": version("cytogate"),
    }


def _write_hdf5(path: Path, frames: Iterable[Frames], cells: SimulatedCells, labelled: bool) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes(cells))
        if labelled:
            file["labels"] = cells.labels
            # Of fixed length: HDF5 can hang on a damaged heap of variable ones.
            file["class_names"] = np.array(cells.class_names, "S")
        shape = cells.frame_shape
        dataset = file.create_dataset("frames", (len(cells), *shape), code_type(cells.acquisition), chunks=(1, *shape))
        for number, cell in enumerate(frames):
            dataset[number] = cell


def _write_tiff(path: Path, frames: Iterable[Frames], cells: SimulatedCells, labelled: bool) -> None:
    labels = {"class_names": cells.class_names, "labels": cells.labels.tolist()} if labelled else {}
    description = json.dumps(attributes(cells) | labels)
    size = len(cells) * math.prod(cells.frame_shape) * code_type(cells.acquisition).itemsize
    with tifffile.TiffWriter(path, bigtiff=size > CLASSIC_TIFF_BYTES) as file:
        for number, cell in enumerate(frames):
            for angle, page in enumerate(cell):
                first = number == angle == 0
                file.write(
                    page,
                    photometric="minisblack",
                    description=description if first else None,
                    metadata=None,
                    software="cytogate",
                )
