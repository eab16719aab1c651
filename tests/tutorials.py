"""The tutorials as tests read them: their commands, as blocks of shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from cytogate.model.command.dispatch import main
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
    """Run a tutorial's blocks as one script in an empty folder, by this environment's commands; return what it told."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    script = "\n".join(sh_blocks(name))
    done = subprocess.run(
        ["bash", "-eu"], input=script, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


QUICK = {"new", "simulate", "estimate", "calibrate", "phase"}
"""Verbs that compile no kernel and train nothing."""
FEW = "4"
"""Cells, or holograms, of a short form."""


def steps(name: str) -> list[list[str] | str]:
    """Return what a tutorial does, in order: words of ``cytogate`` commands, and other shell text."""
    found: list[list[str] | str] = []
    for block in sh_blocks(name):
        lines = re.split(r"^(cytogate (?:.*\\\n)*.*\n)", block, flags=re.MULTILINE)
        for text in lines:
            if text.startswith("cytogate "):
                found.append(shlex.split(text.replace("\\\n", " "))[1:])
            elif text.strip():
                found.append(text)
    return found


def follow_shortly(name: str, folder: Path) -> list[str]:
    """Follow a tutorial in an empty folder, which is the current one, with few cells; return the verbs that were run.

    What compiles, trains or wants real data is passed over: programs of Python, and verbs that are not :data:`QUICK`.
    """
    verbs = []
    for step in steps(name):
        if isinstance(step, str):
            if "python " not in step:
                subprocess.run(["bash", "-eu"], input=step, cwd=folder, text=True, check=True)
        elif step[0] in QUICK and not _misses_input(step, folder):
            words = [FEW if before == "--cells" else word for before, word in zip(["", *step], step, strict=False)]
            assert main(words) == 0, words
            verbs.append(step[0])
    return verbs


def _misses_input(words: list[str], folder: Path) -> bool:
    """Say whether a command reads what only a step that was passed over would have made."""
    return "--input" in words and not (folder / words[words.index("--input") + 1]).exists()
