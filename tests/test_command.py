"""The command itself: its exit codes, and one sentence for whatever is no fault of ours."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from cytogate.model.command.dispatch import main
from cytogate.model.command.extras import INSTALLED_AS, UNLOCKED, missing, need
from cytogate.model.errors import CheckFailed, InputError
from docs.render.verbs import EXIT_CODES
from tests.test_house import REPOSITORY

ROOMS = ("model", "hls", "host", "sim")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (None, 0), (CheckFailed("2 values differ"), 1), (InputError("a.h5: is empty"), 2), (KeyboardInterrupt(), 130),
        (ValueError("of ours"), 70), (AssertionError(), 70), (KeyError("x"), 70), (OSError("of a library"), 70),
        (RecursionError(), 70), (ImportError("cannot import name 'x'", name="cytogate.model"), 70),
    ],
    ids=repr,
)  # fmt: skip
def test_each_end_has_an_exit_code_of_its_own_which_the_reference_tells(
    raised: BaseException | None,
    code: int,
    ends: Callable[[BaseException | None], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ends(raised) == code
    assert f" {code} " in EXIT_CODES
    said = capsys.readouterr().err
    lines = said.splitlines()
    if code == 70:
        assert lines[0] == "Traceback (most recent call last):"
        assert type(raised).__name__ in lines[-2]
        assert lines[-1].startswith("cytogate work: this is a fault of Cytogate, not of what it was given; please rep")
    else:
        assert len(lines) == (code != 0)


OF_FILES = sorted(
    code for code in errno.errorcode if not isinstance(OSError(code, "x", "y"), BrokenPipeError | InterruptedError)
)


@pytest.mark.parametrize("code", OF_FILES, ids=lambda code: errno.errorcode[code])
def test_whatever_a_system_says_of_a_file_is_one_sentence(
    code: int, ends: Callable[[BaseException | None], int], capsys: pytest.CaptureFixture[str]
) -> None:
    for names, told in ((("out/a",), "out/a"), ((b"out/\xfcr",), "out/\\xfcr"), (("a", None, "b"), "a to b")):
        assert ends(OSError(code, os.strerror(code), *names)) == 2
        assert capsys.readouterr().err == f"cytogate work: {told}: cannot be written or read: {os.strerror(code)}\n"


def imported_packages() -> dict[str, set[Path]]:
    """Return what the rooms import beside Python's own and Cytogate, and where."""
    found: dict[str, set[Path]] = {}
    for path in (path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in {each.partition(".")[0] for each in names} - sys.stdlib_module_names - {"cytogate"}:
                found.setdefault(name, set()).add(path)
    return found


def test_each_package_that_is_imported_has_a_sentence_where_it_is_missing() -> None:
    """But for those that every installation has; the names are those of the packages as they are installed."""
    installed = packages_distributions()
    base = {"numpy", "tomli"}
    found = imported_packages().keys() - base
    assert len(found) > 20
    for module in found:
        told = missing(f"{module}.part", "any")
        assert told is not None, f"{module} is of no extra"
        extra = told.partition("[")[2].partition("]")[0]
        assert (f"`make .venv/.with-{extra}`" in told) is (extra not in UNLOCKED)
        assert f'extra == "{extra}"' in " ".join(requires("cytogate") or ())
        package = told.removeprefix("this needs ").partition(",")[0]
        # Some come along with the one that is asked for.
        if module in installed and module not in ("dask", "pynqmetadata", "tornado"):
            assert package in [each.lower() for each in installed[module]]
    assert INSTALLED_AS.keys() <= found


def test_the_extra_is_the_verbs_own_where_that_brings_it() -> None:
    said = (
        "this needs h5py, which is not installed; install it with `make .venv/.with-{0}` or `pip install "
        "'cytogate[{0}]'`"
    )
    assert missing("h5py", "stream") == said.format("stream")
    assert missing("h5py", "train") == said.format("design")
    assert missing("cytogate", "train") is None
    assert missing("no_such_package", "train") is None
    with pytest.raises(ModuleNotFoundError) as raised:
        need("no_such_package")
    assert raised.value.name == "no_such_package"


BASE_ALONE = """
import sys
from importlib.abc import MetaPathFinder
class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in set(sys.argv[1].split(",")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from cytogate.model.command.dispatch import main
for line in sys.stdin.read().splitlines():
    print(main(line.split()), line, flush=True)
    print(f"end of {line}", file=sys.stderr, flush=True)
"""
VERBS = [
    "adopt --design mine a.keras", "bench", "bitstream", "calibrate --design holograms --input cells.h5",
    "codesign --latency-us 100 --input cells.h5", "cosim", "cosim --level dpi", "csim", "emulate", "estimate",
    "experiment dcnn", "explain", "import bsccm --input . --output set.h5", "phase --input cells.h5",
    "predict --input cells.h5", "predict --input cells.h5 --output a.csv", "predict --input cells.h5 --output parts",
    "prove", "simulate --output cells.h5", "stream --input cells.h5 --bundle a.zip --device emulated", "synth",
    "train --design mine",
]  # fmt: skip


def test_a_verb_without_its_extra_is_one_sentence(tmp_path: Path) -> None:
    """Each verb as a board's installation has it: NumPy and nothing else."""
    for kind, name in (("four-angle", "mine"), ("off-axis", "holograms")):
        assert main(["new", str(tmp_path / name), "--kind", kind]) == 0
    (tmp_path / "cells.h5").write_bytes(b"cells")
    hidden = ",".join(sorted(imported_packages().keys() - {"numpy", "tomli"}))
    done = subprocess.run(
        [sys.executable, "-c", BASE_ALONE, hidden], cwd=tmp_path, input="\n".join(VERBS), capture_output=True,
        text=True, timeout=300, check=True, env={**os.environ, "PATH": "/nowhere"},
    )  # fmt: skip
    assert done.stdout.splitlines() == [f"2 {line}" for line in VERBS], done.stdout + done.stderr
    told = done.stderr.splitlines()
    assert told[1::2] == [f"end of {line}" for line in VERBS]
    for line, said in zip(VERBS, told[::2], strict=True):
        assert said.startswith(f"cytogate {line.split()[0]}: this needs "), said
        assert "which is not installed; install it with `make .venv/.with-" in said
