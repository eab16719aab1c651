"""Compiling C++ with g++, once per content: an unchanged source is never compiled twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from cytogate.model.command.files import whole_file
from cytogate.model.errors import InputError

TIMEOUT_SECONDS = 900
DIGITS = 16
"""Of a content's hash that go into a name."""
KEPT = 4
"""Builds of one name that stay: those of designs that somebody goes to and fro between."""


def compiler() -> str:
    """Return the path of the C++ compiler: ``$CXX``, else g++."""
    wanted = os.environ.get("CXX", "g++")
    found = shutil.which(wanted)
    if found is None:
        raise InputError(f"the C++ compiler {wanted} was not found; on Debian `apt install g++` brings g++")
    return found


def build(
    output: Path,
    sources: Sequence[Path],
    *,
    flags: Sequence[str],
    includes: Sequence[Path] = (),
    system: Sequence[Path] = (),
    definitions: Sequence[str] = (),
    shared: bool,
) -> Path:
    """Compile ``sources`` unless a build of the same content is there; return the program or library.

    What the result depends on is hashed, the compiler's version and every file below ``includes`` and ``system`` (those
    without warnings) included, and the hash is part of the name that ``output`` becomes: the loader would take two
    libraries of one name for the same, whatever they hold.

    Raises
    ------
    InputError
        If there is no compiler, it finds an error, or the result cannot be written.
    """
    command = [compiler(), *flags, *(f"-D{definition}" for definition in definitions)]
    command += [*(f"-I{folder}" for folder in includes), *(f"-isystem{folder}" for folder in system)]
    digest = _digest([*command, _version(command[0])], [*sources, *_headers([*includes, *system])])
    built = output.with_name(f"{output.stem}-{digest[:DIGITS]}{output.suffix}")
    if built.exists():
        built.touch()
        return built
    with whole_file(built) as partial:
        objects = [partial.with_suffix(f".{index}.o") for index in range(len(sources))]
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                jobs = [
                    [*command, "-c", str(source), "-o", str(made)]
                    for source, made in zip(sources, objects, strict=True)
                ]
                list(pool.map(_run, jobs))
            _run([command[0], *(["-shared"] if shared else []), *map(str, objects), "-o", str(partial)])
        finally:
            for made in objects:
                made.unlink(missing_ok=True)
    _forget_oldest(output)
    return built


def _forget_oldest(output: Path) -> None:
    """Keep the latest builds of ``output`` alone."""
    builds = output.parent.glob(f"{output.stem}-{'[0-9a-f]' * DIGITS}{output.suffix}")
    for path in sorted(builds, key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        path.unlink(missing_ok=True)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"g++ did not finish within {TIMEOUT_SECONDS} s: {' '.join(command)}") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise InputError(f"g++ failed: {'; '.join(errors[:3])} (command: {' '.join(command)})")


@cache
def _version(program: str) -> str:
    """Return what a compiler says of itself."""
    command = [program, "--version"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False).stdout
    except subprocess.TimeoutExpired as error:
        raise InputError(f"g++ did not finish within {TIMEOUT_SECONDS} s: {' '.join(command)}") from error


def _headers(folders: Iterable[Path]) -> list[Path]:
    suffixes = {".h", ".hpp"}
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes)


def _digest(command: Sequence[str], files: Iterable[Path]) -> str:
    digest = hashlib.sha256("\0".join(command).encode())
    for path in files:
        digest.update(f"\0{path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
