"""Records of coverage as Verilator writes them, added up over instances, parameters and runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cytogate.hls.sources import FPGA
from cytogate.model.errors import InputError
from cytogate.sim.coverage.instrument import POINTS, SUFFIX

FIELD, VALUE = "\x01", "\x02"
AT = re.compile(r"__BRA__(\d+)__KET____DOT__at_([a-z]+)__DOT__")
"""In the place of a point: the value at which it was reached, and of what."""


@dataclass(frozen=True, order=True)
class Branch:
    """A branch or block of ``fpga/rtl``."""

    module: str
    line: int
    column: int
    kind: str
    """``block``, ``if``, ``else``, ``elsif``, ``case`` or ``branch``, of a conditional operator."""


@dataclass(frozen=True, order=True)
class Toggle:
    """A bit of a signal of ``fpga/rtl`` and a direction, as in ``level[2]:0->1``."""

    module: str
    line: int
    bit: str


@dataclass(frozen=True, order=True)
class Hit:
    """A point of the plan."""

    module: str
    label: str
    at: tuple[tuple[str, int], ...]
    """Samples per clock and binning at which it was reached, where the plan tells them apart."""


@dataclass
class Counted:
    """How often each was reached; zero for what was simulated and never reached."""

    branches: Counter[Branch] = field(default_factory=Counter)
    toggles: Counter[Toggle] = field(default_factory=Counter)
    hits: Counter[Hit] = field(default_factory=Counter)
    records: int = 0


def counted(folder: Path) -> Counted:
    """Add up the records in ``folder`` and the folders in it.

    Raises
    ------
    InputError
        If there is none.
    """
    paths = sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.stat().st_size)
    if not paths:
        raise InputError(f"{folder} holds no record of coverage (*{SUFFIX}); `make coverage` makes them")
    found = Counted()
    for path in paths:
        found.records += 1
        for fields, count in _entries(path):
            _add(found, fields, count)
    return found


def _entries(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            if not line.startswith("C '"):
                continue
            name, _, count = line.rstrip("\n").rpartition("' ")
            parts = name[3:].split(FIELD)[1:]
            yield dict(part.split(VALUE, 1) for part in parts), int(count)


@cache
def _place(path: str) -> tuple[Path, str]:
    """Return the folder and the module of a source: a changed one of another folder is none of ours."""
    source = Path(path).resolve()
    return source.parent, source.stem


def _add(found: Counted, fields: dict[str, str], count: int) -> None:
    folder, module = _place(fields["f"])
    kind, line = fields["t"], int(fields["l"])
    if kind == "user" and folder == POINTS.resolve():
        at = tuple((name, int(value)) for value, name in AT.findall(fields["h"]))
        found.hits[Hit(module.removesuffix("_cover"), fields["o"], at)] += count
    elif folder != (FPGA / "rtl").resolve():
        return
    elif kind == "toggle":
        found.toggles[Toggle(module, line, fields["o"])] += count
    else:
        found.branches[Branch(module, line, int(fields["n"]), fields["o"])] += count
