"""The job of ``cytogate predict`` on whole archives: parts of their cells, on a Dask cluster, each to its own file.

A partition is a part of one file's cells. Workers read it, compute and write its Parquet file, which appears whole;
what comes back is a count. A run that was interrupted finds the partitions that are there and makes the others. Rows do
not depend on how many workers there are, or on which of them is lost in between.

Workers on other computers must see input and output under the same paths.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cytogate.model.command.extras import need
from cytogate.model.command.files import whole_file
from cytogate.model.command.requests import leave_requests_to_parent
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import CAUSAL, Design
from cytogate.model.design.folder import design_text
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.files.frames import open_frames
from cytogate.model.files.pictures import SUFFIXES as PICTURES
from cytogate.model.files.table import Column, write_table
from cytogate.model.files.zarr import is_zarr
from cytogate.model.networks.identity import identity
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.networks.saved import load_operations
from cytogate.model.predict.rows import Rows, classifier, readable
from cytogate.model.retrieval.frame_order import check_order

if TYPE_CHECKING:
    from distributed import Client

PARTITION_CELLS = 4096
REPORT = "_report.json"
"""In the folder of partitions; readers of Parquet sets pass over names that begin so."""
SUPERSEDED = "_superseded-"
"""Before the name of a partition of what a file held before, or of another request of it."""
KEY = "cytogate"
"""Of a partition's metadata: everything that its rows depend on."""
CONNECT_S = 20
"""Longest wait for a scheduler."""
LIVES = 3
"""Workers that a partition may cost before it is given up."""


@dataclass(frozen=True)
class ArchiveRequest:
    """What was asked of ``cytogate predict``."""

    design: Design
    input: Path
    """A file, or a folder of files."""
    dataset: str | None
    """Array of a file that holds the cells, if its name is not ``frames``."""
    cells: int | None
    """Of each file, at most."""
    output: Path
    """Folder of the partitions."""
    scheduler: str | None
    """Address of a Dask scheduler; None: a cluster on this computer."""
    workers: int
    """Processes of that cluster."""


@dataclass(frozen=True)
class Source:
    """A file as a worker has examined it."""

    path: Path
    name: str
    """Relative to the archive."""
    cells: int
    told: tuple[str, ...]
    """What must be said of it."""


@dataclass(frozen=True)
class Partition:
    """Some cells of a file."""

    source: Source
    start: int
    stop: int
    output: Path
    key: str
    """Everything that the rows depend on."""


@dataclass
class Tally:
    """What is known of the rows so far."""

    rows: int = 0
    faulty: int = 0
    kept: int = 0
    """Rows of partitions that were there."""
    classes: Counter[str] = field(default_factory=Counter)
    right: int = 0
    labelled: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Why a file, or a part of it, was not classified, by its name."""


@dataclass(frozen=True)
class Work:
    """What workers need beside a partition."""

    design: Design
    network: IntegerNetwork
    dataset: str | None


def run_archive(request: ArchiveRequest) -> None:
    """Classify the cells of an archive and write the set of tables.

    Raises
    ------
    InputError
        If there is nothing to classify, or the scheduler does not answer.
    ModuleNotFoundError
        If Dask or pyarrow is not installed.
    CheckFailed
        If some file was not classified, after all others were.
    """
    console, design = terminal(), request.design
    if design.chip.retrieval == CAUSAL:
        raise InputError(
            f"design {design.name}: parts of an archive are classified each by itself, and [chip] retrieval is "
            f'"{CAUSAL}", which needs all frames of a run in their order; let --output name a file'
        )
    for package in ("distributed", "pyarrow"):
        need(package)
    network = load_operations(design)
    files = archive_files(request.input, request.output)
    request.output.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    root = request.input if len(files) > 1 or request.input not in files else request.input.parent
    with _client(request) as client, progress_bars() as bars:
        work = client.scatter(Work(design, network, request.dataset), broadcast=True)
        sources = _examined(client, work, files, root, tally)
        for told in (sentence for source in sources for sentence in source.told):
            console.print(told, soft_wrap=True)
        counts = {source.name: min(source.cells, request.cells or source.cells) for source in sources}
        task = bars.add_task("cells", total=sum(counts.values()))
        partitions = [
            partition for source in sources
            for partition in _partitions(source, counts[source.name], request, identity(network))
        ]  # fmt: skip
        superseded = _set_aside_superseded(request.output, {str(path.relative_to(root)) for path in files}, partitions)
        if superseded:
            console.print(
                f"{superseded:,} partitions of earlier content or requests of these files are set aside, as "
                f"{SUPERSEDED}NAME, which readers of the folder pass over.",
                soft_wrap=True,
            )
        for cells in _classified(client, work, partitions, tally):
            bars.advance(task, cells)
    others = _others(request.output, partitions)
    _write_report(request, tally, partitions)
    if others:
        console.print(
            f"{request.output}: holds {len(others):,} partitions of files that are not in the archive, {others[0]} "
            "among them, and readers of the folder take them with the others; remove them, or give another --output",
            soft_wrap=True,
        )
    names = ", ".join(f"{name} {tally.classes[name]:,}" for name in design.network.class_names)
    kept = f"; {tally.kept:,} of them were there" if tally.kept else ""
    console.print(
        f"{tally.rows:,} cells of {len(sources)} {'file' if len(sources) == 1 else 'files'}: {names}; {tally.faulty:,} "
        f"faulty{kept}. Written: {request.output}",
        soft_wrap=True,
    )
    if tally.labelled:
        console.print(f"Accuracy: {tally.right / tally.labelled:.2%} of {tally.labelled:,} labelled cells.")
    if tally.failed:
        for name, reason in tally.failed.items():
            console.print(f"{name}: not classified: {reason}", soft_wrap=True)
        raise CheckFailed(f"{len(tally.failed)} of {len(files)} files were not classified, or not wholly")


def archive_files(given: Path, output: Path | None = None) -> list[Path]:
    """Return the files of an archive, sorted: what was given where it is one; else what a folder holds.

    Hidden files, links to folders and the folder ``output`` are left out, within a Zarr nothing is looked for, and a
    folder of nothing but pictures is one set.

    Raises
    ------
    InputError
        If there is none.
    """
    if not given.is_dir() or is_zarr(given):
        return [given]
    found: list[Path] = []

    def visit(folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or (output is not None and path.resolve() == output.resolve()):
                continue
            if not path.is_dir() or (is_zarr(path) and not path.is_symlink()):
                found.append(path)
            elif not path.is_symlink():
                # A link may lead round in a circle, or out of the archive.
                visit(path)

    visit(given)
    if found and all(path.suffix.lower() in PICTURES for path in found):
        return [given]
    if not found:
        raise InputError(f"{given}: holds no file; an archive is a file, a Zarr, or a folder of these")
    return found


@contextmanager
def _client(request: ArchiveRequest) -> Iterator[Client]:
    """Give a client of the scheduler that was asked for, or of a cluster of this computer's."""
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set({"distributed.scheduler.allowed-failures": LIVES}):
        if request.scheduler is None:
            with (
                dask.config.set({"distributed.worker.preload": [__name__]}),
                # Nor does the log of scheduler and nannies, in this process, tell an interrupted end as an error.
                LocalCluster(
                    n_workers=request.workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(request.scheduler, timeout=CONNECT_S)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{request.scheduler}: no Dask scheduler answers; `dask scheduler` prints the address of one"
            ) from error
        with client:
            yield client


def dask_setup(worker: Any) -> None:
    """Leave errors and requests to end to the process that started the worker: called by Dask, which preloads this.

    What a worker fails at comes back with its partition. Its log would tell the end of an interrupted run as an error,
    with a traceback.
    """
    leave_requests_to_parent(ended_by_it=True)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


def _examined(client: Client, work: Any, files: list[Path], root: Path, tally: Tally) -> list[Source]:
    """Return the files that can be classified, in their order."""
    from distributed import as_completed

    futures = {client.submit(examine, path.absolute(), str(path.relative_to(root)), work): path for path in files}
    found: dict[Path, Source] = {}
    for future in as_completed(futures):
        path = futures[future]
        error = future.exception()
        if error is None:
            found[path] = future.result()
        else:
            tally.failed[str(path.relative_to(root))] = str(error)
    return [found[path] for path in files if path in found]


def _begin(name: str) -> str:
    """Return what the names of a file's partitions begin with."""
    short = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return "".join(letter if letter.isalnum() else "-" for letter in Path(name).stem)[:40] + f"-{short}-"


def _partitions(source: Source, count: int, request: ArchiveRequest, network: str) -> Iterator[Partition]:
    state = _state(source.path)
    for start in range(0, count, PARTITION_CELLS):
        stop = min(start + PARTITION_CELLS, count)
        depends = [design_text(request.design), network, request.dataset, source.name, state, start, stop]
        key = hashlib.sha256(json.dumps([version("cytogate"), *depends]).encode()).hexdigest()
        yield Partition(source, start, stop, request.output / f"{_begin(source.name)}{start:09d}.parquet", key)


def _set_aside_superseded(output: Path, names: set[str], partitions: list[Partition]) -> int:
    """Rename partitions of the named files that are not these, ahead of these, and return how many there were.

    A file has changed or is read in part, the design is another one, or the archive holds another file of that name.
    """
    begins = tuple(map(_begin, names))
    right = {each.output.name for each in partitions if kept_rows(each) is not None}
    old = [
        path
        for path in output.glob("*.parquet")
        if path.name.startswith(begins) and path.name not in right and _ours(path)
    ]
    for path in old:
        path.rename(_free(path.with_name(SUPERSEDED + path.name)))
    return len(old)


def _free(path: Path) -> Path:
    """Return a name that no file has: what was set aside before stays."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())


def _others(output: Path, partitions: list[Partition]) -> list[str]:
    """Return the names of partitions in the folder that are none of these."""
    own = {each.output.name for each in partitions}
    found = (path for path in output.glob("*.parquet") if not path.name.startswith(SUPERSEDED))
    return sorted(path.name for path in found if path.name not in own and _ours(path))


def _state(path: Path) -> str:
    """Return what changes when a file, or any within a Zarr or a folder of pictures, is written anew."""
    digest = hashlib.sha256()
    entries = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    for entry in entries:
        status = entry.stat()
        digest.update(os.fsencode(entry.relative_to(path.parent)))
        digest.update(f"\0{status.st_size} {status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _classified(client: Client, work: Any, partitions: list[Partition], tally: Tally) -> Iterator[int]:
    """Yield the cells of each partition that is done; count its rows."""
    from distributed import as_completed

    futures = {}
    for partition in partitions:
        found = kept_rows(partition)
        if found is None:
            futures[client.submit(classify_partition, partition, work, pure=False)] = partition
        else:
            tally.kept += found.rows
            _add(tally, found)
            yield partition.stop - partition.start
    for future in as_completed(futures):
        partition, error = futures[future], future.exception()
        if error is None:
            _add(tally, future.result())
        else:
            tally.failed[partition.source.name] = _sentence(error)
        yield partition.stop - partition.start


def _sentence(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return f"{LIVES + 1} workers were lost over one of its partitions; less memory may be free than it needs"
    return str(error) or type(error).__name__


def _add(tally: Tally, part: Tally) -> None:
    tally.rows += part.rows
    tally.faulty += part.faulty
    tally.classes.update(part.classes)
    tally.right += part.right
    tally.labelled += part.labelled


def examine(path: Path, name: str, work: Work) -> Source:
    """Open a file and return how many cells it has; on a worker."""
    design, told = work.design, []
    with open_frames(path, design.camera, not design.retrieves_phase, work.dataset) as frames:
        frames.check_size(design)
        if design.retrieves_phase:
            found = check_order(frames, design)
            if found.wrong:
                raise InputError(found.sentence)
            if found.doubtful:
                told.append(f"{name}: {found.sentence}")
        _, sentence = frames.matched_labels(design.network.class_names)
        if sentence is not None:
            told.append(sentence)
        return Source(path, name, frames.cells, tuple(told))


def classify_partition(partition: Partition, work: Work) -> Tally:
    """Classify some cells of a file and write their table; on a worker."""
    design, source, names = work.design, partition.source, work.design.network.class_names
    rows, classify = Rows(design, threads=1), classifier(work.network, threads=1)
    with open_frames(source.path, design.camera, not design.retrieves_phase, work.dataset) as frames:
        labels, _ = frames.matched_labels(names)
        for start, cells, faults in readable(frames, partition.start, partition.stop):
            rows.add(start, cells, faults, classify)
    own = slice(partition.start, partition.stop)
    known: list[str | None] = [None] * len(rows.classes)
    if labels is not None:
        known = [names[label] for label in labels[own]]
    first, *rest = rows.columns()
    columns = [
        Column("file", [source.name] * len(rows.classes), long_name="File of the cell, in its archive"),
        first,
        Column("label", known, long_name="Class as the file has it"),
        *rest,
    ]
    found = _counted(rows.classes, known)
    told = {"key": partition.key, "rows": found.rows, "faulty": found.faulty, "classes": dict(found.classes),
            "right": found.right, "labelled": found.labelled}  # fmt: skip
    write_table(partition.output, columns, {KEY: json.dumps(told)})
    return found


def _counted(classes: list[str | None], known: list[str | None]) -> Tally:
    pairs = [(found, label) for found, label in zip(classes, known, strict=True) if found and label]
    return Tally(
        rows=len(classes),
        faulty=classes.count(None),
        classes=Counter(each for each in classes if each is not None),
        right=sum(found == label for found, label in pairs),
        labelled=len(pairs),
    )


def kept_rows(partition: Partition) -> Tally | None:
    """Return what the file of a partition says of its rows, where one of just these is there."""
    told = _told(partition.output)
    if told is None or told.pop("key", None) != partition.key:
        return None
    try:
        return Tally(**(told | {"classes": Counter(told["classes"])}))
    except (KeyError, TypeError, ValueError):
        return None


def _ours(path: Path) -> bool:
    """Return whether a file is a partition."""
    return _told(path) is not None


def _told(path: Path) -> dict[str, Any] | None:
    """Return what a partition says of itself; None of any other file, and of none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = json.loads((pq.read_schema(path).metadata or {})[KEY.encode()])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    return found if isinstance(found, dict) else None


def _write_report(request: ArchiveRequest, tally: Tally, partitions: list[Partition]) -> None:
    report = {
        "design": request.design.name,
        "input": str(request.input),
        "rows": tally.rows,
        "faulty": tally.faulty,
        "classes": {name: tally.classes[name] for name in request.design.network.class_names},
        "accuracy": tally.right / tally.labelled if tally.labelled else None,
        "labelled": tally.labelled,
        "partitions": [partition.output.name for partition in partitions],
        "failed": tally.failed,
    }
    with whole_file(request.output / REPORT) as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
