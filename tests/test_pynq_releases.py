"""The driver under other releases of pynq than the one that is installed: each as it is, on the emulated board."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

RELEASES = {"3.1.2": "", "4.0.0": "not pynq-z2"}
"""Tests of the accelerator by release: for a Zynq-7000 there is no image of 4.0."""
MOST_S = 900.0


@pytest.mark.full
@pytest.mark.parametrize("release", RELEASES)
def test_the_accelerator_works_with_a_release(release: str, tmp_path: Path) -> None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(tmp_path), f"pynq=={release}"], check=True, timeout=MOST_S)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}

    def said(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], cwd=REPOSITORY, env=environment, capture_output=True, text=True,
            timeout=MOST_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    found = said("-c", "import pynq; print(pynq.__version__, pynq.__file__)").split()
    assert release.startswith(found[0])
    assert Path(found[1]).is_relative_to(tmp_path)
    tests = said("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_accelerator.py", "-k", RELEASES[release])
    passed = re.search(r"(\d+) passed", tests)
    assert passed is not None
    assert int(passed[1]) > 50, tests
