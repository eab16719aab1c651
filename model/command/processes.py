"""Python processes beside this one, and who goes first on a processor."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import Any


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


def go_first() -> None:
    """Let the calling thread go before all others of this computer as soon as it has something to do.

    Linux allows it to the administrator, whom PYNQ needs anyway, and to whom it is granted (``RLIMIT_RTPRIO``);
    elsewhere nothing changes. It is for threads that mostly wait. What they start is as patient as everybody else.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(
            0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(os.sched_get_priority_min(os.SCHED_RR))
        )
