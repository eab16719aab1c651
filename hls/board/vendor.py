"""Vitis and Vivado: where they are, which release they are, and how one of their steps is run to its end.

Nothing here runs without a deadline; a tool that is late is ended with all that it has started, and so it is when the
command is interrupted.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.errors import InputError

VIVADO, VITIS, VITIS_RUN = "vivado", "vitis", "vitis-run"
"""Of the last two, only the first tells its release (UG1399, vitis, v++, and vitis-run Commands)."""
SETTINGS = "settings64.sh"
"""Script of an installation, in the folders that these variables name, that puts its tools on PATH."""
VARIABLES = ("XILINX_VITIS", "XILINX_VIVADO")
WITHOUT = "without them `cytogate csim`, `cosim`, `synth` and `estimate` work, and so does the emulated board"
ASKING_DEADLINE_S = 300.0
"""For a settings script, and for a tool's version."""
ENDING_S = 10.0
"""That a tool gets to end by itself when it is told to."""
LAST_LINES = 3


@dataclass(frozen=True)
class Tools:
    """The vendor's tools and the environment that they want."""

    vivado: Path
    vitis_run: Path
    environment: Mapping[str, str]
    vivado_release: str
    """As in ``2024.2``."""
    vitis_release: str


def find_tools(settings: Path | None = None) -> Tools:
    """Return the vendor's tools: by the script ``settings``, else on PATH, else by ``XILINX_VITIS``, ``XILINX_VIVADO``.

    Raises
    ------
    InputError
        If one is missing; it says which, and what can be done without.
    """
    environment = dict(os.environ)
    scripts = [Path(os.environ[name]) / SETTINGS for name in VARIABLES if os.environ.get(name)]
    if settings is not None:
        environment = _after(settings, environment)
    elif _missing(environment):
        for script in filter(Path.exists, scripts):
            environment = _after(script, environment)
    missing = _missing(environment)
    if missing:
        where = f"by {settings}" if settings is not None else "on PATH, nor by XILINX_VITIS or XILINX_VIVADO"
        raise InputError(
            f"{', '.join(missing)} {'was' if len(missing) == 1 else 'were'} not found {where}; install Vitis 2024.1 "
            f"or newer, or name its {SETTINGS} by --settings; {WITHOUT}"
        )
    vivado, vitis, vitis_run = (Path(_found(name, environment)) for name in (VIVADO, VITIS, VITIS_RUN))
    return Tools(
        vivado,
        vitis_run,
        environment,
        _release([str(vivado), "-version"], environment),
        _release([str(vitis), "--version"], environment),
    )


def run_step(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], deadline_s: float, leaves: Sequence[str]
) -> None:
    """Run a tool in ``folder``, its output in ``folder/log``, until it ends, and check what it leaves.

    Parameters
    ----------
    leaves
        Files below ``folder`` that a step which went well has written.

    Raises
    ------
    InputError
        If the tool fails, does not end in time, or leaves less; it quotes the log.
    """
    log = folder / "log"
    name = Path(command[0]).name
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{name} did not end within {deadline_s / 3600:.3g} h and was stopped; see {log}"
            ) from error
        finally:
            _end(process)
    missing = [path for path in leaves if not (folder / path).exists()]
    if status:
        raise InputError(f"{name} failed (exit {status}): {_told(log)} (all of it: {log})")
    if missing:
        raise InputError(f"{name} ended well but left no {missing[0]}: {_told(log)} (all of it: {log})")


def _missing(environment: Mapping[str, str]) -> list[str]:
    return [name for name in (VIVADO, VITIS, VITIS_RUN) if not _found(name, environment)]


def _found(name: str, environment: Mapping[str, str]) -> str:
    return shutil.which(name, path=environment.get("PATH", "")) or ""


def _after(script: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a settings script leaves."""
    if not script.is_file():
        raise InputError(f"{script}: there is no such settings script")
    command = ["bash", "-c", 'source "$0" >&2 && exec env -0', str(script.resolve())]
    told = _ask(command, environment)
    return dict(entry.split("=", 1) for entry in told.split("\0") if "=" in entry)


def _release(command: list[str], environment: Mapping[str, str]) -> str:
    told = _ask(command, environment)
    release = re.search(r"\bv?(\d{4}\.\d+(?:\.\d+)?)", told)
    if release is None:
        raise InputError(f"{' '.join(command)} names no release: {' '.join(told.split())[:100]}")
    return release[1]


def _ask(command: list[str], environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=ASKING_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{' '.join(command)} cannot be run: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InputError(f"{' '.join(command)} failed: {said[-1] if said else 'it said nothing'}")
    return done.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a tool and all that it has started; they share its process group, and are gone on return."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, ending)
        except ProcessLookupError:
            return
        try:
            process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            continue
    # What was killed goes when it has its turn on a processor.
    give_up = time.monotonic() + ENDING_S
    while time.monotonic() < give_up:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def _told(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return "; ".join((errors or lines)[-LAST_LINES:]) or "it said nothing"
