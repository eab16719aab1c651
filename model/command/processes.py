"""Python processes beside this one."""

from __future__ import annotations

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
