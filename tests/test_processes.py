"""Who goes first on a processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cytogate.model.command.processes import go_first

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
