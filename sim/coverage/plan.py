"""Planned points of the benches: what ``*_cover.sv`` beside this file name, by module, at widths and binnings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cytogate.sim.coverage.instrument import POINTS
from cytogate.sim.coverage.records import Hit

LABEL = re.compile(r"^( +)(\w+) : cover (?:property )?\(", re.MULTILINE)
CROSSED: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "frame_input": {"samples": (1, 2, 4, 8), "binning": (1, 2)},
    "frame_output": {"samples": (1, 2, 4, 8)},
    "binning": {"samples": (1, 2, 4, 8), "binning": (1, 2)},
}
"""Samples per clock and binning at which each point of a module is planned that stands within ``at_samples``."""


@dataclass(frozen=True)
class Point:
    """Something that a bench has to reach."""

    module: str
    label: str
    crossed: Mapping[str, tuple[int, ...]]

    @property
    def hits(self) -> list[Hit]:
        """The hits that it asks for, one for each width and binning."""
        values = itertools.product(*self.crossed.values())
        return [Hit(self.module, self.label, tuple(zip(self.crossed, each, strict=True))) for each in values]


def plan() -> list[Point]:
    """Return all points, in the order of the files and of the lines in them."""
    return [point for path in sorted(POINTS.glob("*_cover.sv")) for point in _points(path.stem.removesuffix("_cover"))]


def subject(module: str) -> str:
    """Return what the points of a module are about: the comment at the beginning of their file."""
    first = (POINTS / f"{module}_cover.sv").read_text(encoding="ascii").splitlines()[0]
    return first.removeprefix("// ").removesuffix(".")


def _points(module: str) -> Iterator[Point]:
    text = (POINTS / f"{module}_cover.sv").read_text(encoding="ascii")
    within = text.find("at_samples")
    ends = text.find("\n  end\n", within)
    for found in LABEL.finditer(text):
        crossed = CROSSED.get(module, {}) if 0 <= within < found.start() < ends else {}
        yield Point(module, found[2], crossed)
