"""The tutorials as tests read them: their commands, as blocks of shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

TUTORIALS = REPOSITORY / "docs" / "tutorials"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)


def sh_blocks(name: str) -> list[str]:
    """Return the shell blocks of the tutorial ``name``, in order."""
    return BLOCK.findall((TUTORIALS / f"{name}.md").read_text(encoding="utf-8"))


def cytogate_lines(name: str) -> list[list[str]]:
    """Return the words of each ``cytogate`` command of a tutorial: the verb and its arguments."""
    text = HERE_DOCUMENT.sub("", "\n".join(sh_blocks(name))).replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("cytogate ")]


def follow(name: str, folder: Path) -> str:
    """Run a tutorial's blocks as one script in an empty folder, with this environment's commands; return its output."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    script = "\n".join(sh_blocks(name))
    done = subprocess.run(
        ["bash", "-eu"], input=script, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
