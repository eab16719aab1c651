"""Write ``lock.txt``: every package that an extra brings along, at the version of ``constraints.txt``, by its hashes.

``python .ci/lock.py`` asks the package index through uv (``pip install uv``). A line is a requirement with the hashes
of all of its files and, after ``#``, the extras that need it; ``make`` installs the lines of the extras that a target
needs. ``build`` is what builds Cytogate itself, ``board`` what it needs without extras.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import tomllib

REPOSITORY = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11.2", "3.13")
"""The oldest and the newest that are locked for; what one of them needs is installed on all."""
APART = {"microscopes"}
"""Extras that do not go with the others at these versions: bioio-nd2 wants python-dateutil 2, matplotlib 4."""
PACKAGE = re.compile(r"^(\S+==[^\s;\\]+)((?:\s*(?:;[^\n\\]*)?\\\n\s+--hash=\S+)+)", re.MULTILINE)


def asked() -> dict[str, list[str]]:
    """Return what each extra asks for."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    return {
        "build": project["build-system"]["requires"],
        "board": project["project"]["dependencies"],
        **{name: extras[name] for name in sorted(extras.keys() - APART)},
    }


def compiled(requirements: list[str], python: str) -> dict[str, tuple[str, ...]]:
    """Return the packages that requirements bring along, ``name==version``, each with its hashes."""
    command = [
        "uv", "pip", "compile", "--no-config", "--quiet", "--generate-hashes", "--no-emit-index-url", "--no-header",
        "--no-annotate", "--constraints", "constraints.txt", "--python-version", python, "-",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=REPOSITORY, input="\n".join(requirements), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return {name: tuple(re.findall(r"--hash=\S+", hashes)) for name, hashes in PACKAGE.findall(done.stdout)}


def main() -> None:
    """Write the lock."""
    hashes: dict[str, tuple[str, ...]] = {}
    extras: dict[str, list[str]] = {}
    for extra, requirements in asked().items():
        for python in PYTHONS:
            for name, found in compiled(requirements, python).items():
                hashes[name] = found
                if extra not in extras.setdefault(name, []):
                    extras[name].append(extra)
    lines = [f"{name} {' '.join(hashes[name])} # {' '.join(extras[name])}" for name in sorted(hashes)]
    (REPOSITORY / "lock.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
