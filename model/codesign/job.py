"""Run ``cytogate codesign``: search for a network that a board has room and time for.

Who names the same folder of work, on this computer or on another one, joins the same search.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.progress import Progress

from cytogate.model.codesign.cells import search_cells
from cytogate.model.codesign.cost import Cost, cost_of
from cytogate.model.codesign.results import Results, chosen_design, design_folder, write_results
from cytogate.model.codesign.search import Limits, Search
from cytogate.model.codesign.space import Space
from cytogate.model.codesign.trial import Training
from cytogate.model.command.locks import FileLock
from cytogate.model.command.processes import workers_beside
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.design.design import Design
from cytogate.model.design.folder import design_text
from cytogate.model.design.topologies import Topology
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.networks.keras_backend import keras
from cytogate.model.training.fitting import OnProgress

LOOK_S = 0.5
"""From one look at what others have done to the next."""


@dataclass(frozen=True)
class CodesignRequest:
    """What was asked of ``cytogate codesign``."""

    design: Design
    """With the board that it is to fit."""
    latency_us: float
    """From the last pixel of a frame in to its logits, at most."""
    input: Path
    """Labelled cells."""
    dataset: str | None
    """Array of ``input`` that holds the cells, if its name is not ``frames``."""
    cells: int | None
    """So many at most."""
    fields: tuple[str, ...] | None
    """Of the topology, that are searched; None: all."""
    trials: int
    """Networks that are trained."""
    epochs: int | None
    """Of a trial and of a teacher; None: as the recipe has it, a part of it for a trial."""
    seed: int
    workers: int
    """Processes of this computer that run trials; 1: this one does."""
    work: Path
    """Folder of the search."""
    output: Path

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latency_us) and self.latency_us > 0):
            raise InputError(f"--latency-us is {self.latency_us:g}; a time above 0 is needed")


@dataclass(frozen=True)
class Work:
    """What a worker needs."""

    training: Training
    space: Space
    limits: Limits
    trials: int

    def search(self) -> Search:
        """Return the search, as this process sees it."""
        return Search(
            self.training.folder / "search", self.space, self.limits, self.judge, self.trials, self.training.seed
        )

    def judge(self, topology: Topology) -> Cost:
        """Return what a topology costs; networks of the past do not stay in memory.

        Raises
        ------
        InputError
            If there is no network of it.
        """
        design = self.training.of(topology)
        keras.utils.clear_session()
        return cost_of(design, design.chip.on)


def run_codesign(request: CodesignRequest) -> None:
    """Search, and write what was found.

    Raises
    ------
    InputError
        If cells do not suit the design, or all workers were ended from outside.
    CheckFailed
        If nothing was found that fits.
    """
    began = time.perf_counter()
    try:
        space = Space.of(request.design.network.topology, request.fields)
    except InputError as error:
        raise InputError(f"design {request.design.name}: {error}") from error
    design_folder(request.output, request.design)
    root = request.work / request.design.name
    cells = search_cells(request.input, request.dataset, request.design, request.cells, request.seed, root)
    limits = Limits(request.design.chip.board, request.latency_us)
    identity = [
        version("cytogate"), design_text(cells.design), cells.own.key, request.cells, request.seed, request.epochs,
        request.latency_us, space.fields,
    ]  # fmt: skip
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
    work = Work(Training(cells, root / f"search-{key}", request.seed, request.epochs), space, limits, request.trials)
    # Whoever comes second finds inputs and teachers made.
    with FileLock(work.training.folder / "teachers.lock").held(), progress_bars() as bars:
        cells.written()
        with _epochs(bars) as show:
            taught = work.training.taught(show)
    search = work.search()
    try:
        if request.workers == 1:
            run_worker(work)
        else:
            _watch(work, search, request.workers)
    except KeyboardInterrupt:
        search.put_back()
        raise
    if not search.is_over:
        raise InputError(
            f"all {request.workers} workers were ended from outside, perhaps for want of memory; what is finished is "
            "kept, run the same command again"
        )
    results = Results(work.training, limits, taught, tuple(search.ended()))
    # Another computer that joined the search ends it in the same moment.
    with FileLock(request.output / ".results.lock").held():
        folder = write_results(results, request.output)
    _print(results, folder, request, time.perf_counter() - began)


def run_worker(work: Work) -> None:
    """Run trials until the search is over; several processes may at the same time."""
    search = work.search()
    with progress_bars() as bars:
        task = bars.add_task("trials", total=work.trials)
        while not search.is_over:
            bars.update(task, completed=search.done)
            taken = search.take()
            if taken is None:
                time.sleep(LOOK_S)
                continue
            try:
                with _epochs(bars) as show:
                    trained = work.training.student(taken.topology, show)
                right = work.training.right(trained, taken.topology)
                search.finish(taken, right / len(work.training.cells.split.validation))
            except (InputError, CheckFailed) as error:
                if isinstance(error.__cause__, OSError):
                    # The disk's fault and not the network's, which is tried again.
                    raise
                search.give_up(taken, str(error))
            finally:
                taken.lock.release()
        bars.update(task, completed=search.done)


def _run_quietly(work: Work) -> None:
    """Run trials beside others, whose parent shows how far they are."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        run_worker(work)


def _watch(work: Work, search: Search, workers: int) -> None:
    with workers_beside(_run_quietly, work, workers) as running, progress_bars() as bars:
        task = bars.add_task("trials", total=work.trials)
        while any(worker.is_alive() for worker in running):
            bars.update(task, completed=search.done)
            time.sleep(LOOK_S)
        bars.update(task, completed=search.done)


@contextmanager
def _epochs(bars: Progress) -> Iterator[OnProgress]:
    """Show one bar for each epoch that runs."""
    task = bars.add_task("training", total=None)

    def show(what: str, done: int, total: int) -> None:
        bars.update(task, description=what, completed=done, total=total)

    try:
        yield show
    finally:
        bars.remove_task(task)


def _print(results: Results, folder: Path, request: CodesignRequest, seconds: float) -> None:
    console, chosen, interval = terminal(), results.chosen, results.interval
    assert chosen.cost is not None
    trained, count = len(results.trained), results.validation_cells
    kind = "simulated" if results.training.cells.own.simulated else "real"
    console.print(
        f"{trained} networks trained, {len(results.trials) - trained} designs beyond the limits or not to be built, "
        f"{seconds:.0f} s",
        soft_wrap=True,
    )
    console.print(
        f"Chosen: {chosen_design(results, folder).network.topology}: {chosen.accuracy:.1%} of {count:,} {kind} "
        f"validation cells ({interval.low:.1%} to {interval.high:.1%}; teachers {results.taught.right / count:.1%}), "
        f"estimated {chosen.cost.latency_cycles:,} clocks ({chosen.cost.latency_us:,.1f} us) and "
        f"{chosen.cost.share:.0%} of the {chosen.cost.scarcest} of {results.limits.board}.",
        soft_wrap=True,
    )
    command = ["cytogate", "train", "--design", str(folder), "--input", str(request.input)]
    for name in ("dataset", "cells", "seed"):
        if getattr(request, name) is not None:
            command += [f"--{name}", str(getattr(request, name))]
    console.print(f"Written: {request.output}. Train it in full: {shlex.join(command)}", soft_wrap=True)
