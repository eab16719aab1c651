"""Priority on a processor, and work that several processes share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from cytogate.model.command.processes import go_first, in_processes
from cytogate.model.errors import InputError

ASK = """
import json, os, subprocess, sys, threading
from cytogate.model.command.processes import go_first
policies = []
def urgent():
    go_first()
    policies.append(os.sched_getscheduler(0))
    asked = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
    policies.append(int(subprocess.run(asked, capture_output=True, text=True, check=True).stdout))
thread = threading.Thread(target=urgent)
thread.start()
thread.join()
print(json.dumps([*policies, os.sched_getscheduler(0)]))
"""
MAY = """
import os
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
except PermissionError:
    print(0)
else:
    print(1)
"""


def said(program: str) -> object:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def test_a_thread_goes_first_alone_where_that_is_allowed() -> None:
    """Neither what it starts nor the thread that started it; where it is not allowed, nothing changes."""
    urgent, started, starter = said(ASK)
    assert urgent == (os.SCHED_RR | os.SCHED_RESET_ON_FORK if said(MAY) else os.SCHED_OTHER)
    assert started == starter == os.SCHED_OTHER


def test_to_be_refused_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    go_first()
    monkeypatch.delattr(os, "sched_setscheduler")
    go_first()


def squared(part: int) -> tuple[int, int]:
    """Also who did it."""
    return part * part, os.getpid()


@pytest.mark.parametrize(("workers", "parts", "others"), [(1, 5, False), (2, 1, False), (2, 5, True)])
def test_parts_come_in_order_from_any_number_of_processes(workers: int, parts: int, others: bool) -> None:
    found = list(in_processes(squared, range(3, 3 + parts), workers, "squares"))
    assert [square for square, _ in found] == [part * part for part in range(3, 3 + parts)]
    assert (os.getpid() not in {process for _, process in found}) == others


def dies(part: int) -> int:
    """As if the system had wanted its memory, at the second part."""
    if part == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def test_a_process_that_was_ended_is_one_sentence() -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    with pytest.raises(InputError, match=r"^squares: a process was ended from outside.*run the same command again$"):
        list(in_processes(dies, range(4), 2, "squares"))
    assert os.environ.get("OMP_NUM_THREADS") == before
