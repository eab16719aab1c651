"""Python processes beside this one, work shared among them, and who goes first on a processor."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from cytogate.model.command.requests import leave_requests_to_parent
from cytogate.model.errors import InputError

Part = TypeVar("Part")
Result = TypeVar("Result")


def run_beside(function: str, *descriptors: int, **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that calls a function with open descriptors.

    It has this process's path, and neither its ``__main__`` nor a module of the folder that it was started in.

    Parameters
    ----------
    function
        ``package.module:name``; it takes the numbers of the descriptors.
    descriptors
        Left open in the new process.
    options
        Of :class:`subprocess.Popen`.
    """
    module, _, name = function.partition(":")
    count = len(descriptors) + 1
    code = f"import sys; sys.path[:] = sys.argv[{count}:]; from {module} import {name}"
    return subprocess.Popen(
        [sys.executable, "-c", f"{code}; {name}(*map(int, sys.argv[1:{count}]))", *map(str, descriptors), *sys.path],
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        **options,
    )


def in_processes(
    function: Callable[[Part], Result], parts: Sequence[Part], workers: int, what: str
) -> Iterator[Result]:
    """Give what ``function`` makes of each part, in the order of the parts, whatever the number of processes.

    Parameters
    ----------
    function
        Goes to the processes, with each part, as a pickle; so does its result come back.
    workers
        Processes; 1, or a single part, is done within this one.
    what
        Names the work where it fails.

    Raises
    ------
    InputError
        If a process was ended from outside.
    """
    if workers == 1 or len(parts) < 2:
        yield from map(function, parts)
        return
    # A fresh interpreter each: a fork would inherit the threads of whatever the caller has loaded.
    context = multiprocessing.get_context("spawn")
    with _one_thread_a_process():
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
        try:
            yield from pool.map(function, parts)
        except BrokenProcessPool as error:
            raise InputError(
                f"{what}: a process was ended from outside, perhaps for want of memory; "
                "what is finished is kept, run the same command again"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def workers_beside(function: Callable[[Part], None], work: Part, count: int) -> Iterator[list[BaseProcess]]:
    """Start processes that each call ``function`` with the same work; those that still run at the end are ended.

    Unlike :func:`in_processes` it goes on when one is ended from outside: what they do is shared by other means.
    """
    context = multiprocessing.get_context("spawn")
    with _one_thread_a_process():
        workers = [context.Process(target=_work_beside, args=(function, work), daemon=True) for _ in range(count)]
        for worker in workers:
            worker.start()
        try:
            yield list(workers)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()


def _work_beside(function: Callable[[Part], None], work: Part) -> None:
    _start_worker()
    try:
        function(work)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _start_worker() -> None:
    """Leave requests to end to the parent, and end when it ends, however it ends."""
    leave_requests_to_parent(ended_by_it=True)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


@contextlib.contextmanager
def _one_thread_a_process() -> Iterator[None]:
    """Keep linear algebra of processes started within from using all cores each (twice as slow on two)."""
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
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


def go_first() -> None:
    """Let the calling thread go before all others of this computer as soon as it has something to do.

    Linux allows it to the administrator, whom PYNQ needs anyway, and to whom it is granted (``RLIMIT_RTPRIO``);
    elsewhere nothing changes. It is for threads that mostly wait. What they start is as patient as everybody else.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(
            0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(os.sched_get_priority_min(os.SCHED_RR))
        )
