"""Report of ``cytogate coverage``, and the shares that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cytogate.model.errors import CheckFailed

WANTED_POINTS, WANTED_BRANCHES, WANTED_BITS = 0.95, 0.9, 0.9
"""Least shares: of planned points, of branches, and of directions in which bits change."""


@dataclass(frozen=True)
class Share:
    """How many of how many were reached."""

    reached: int
    of: int

    @property
    def value(self) -> float:
        """Share, 1 where there is nothing to reach."""
        return self.reached / self.of if self.of else 1.0


@dataclass(frozen=True)
class ModuleRow:
    """A module of ``fpga/rtl``, all its instances and parameters together."""

    module: str
    simulated: bool
    branches: Share
    bits: Share
    """Directions in which bits of its signals change."""
    reason: str | None
    """Why not more of its bits change, where it is known."""


@dataclass(frozen=True)
class PointRow:
    """A point of the plan."""

    module: str
    label: str
    at: Mapping[str, int]
    """Samples per clock and binning, where it is planned for each of them."""
    hits: int


@dataclass(frozen=True)
class HoleRow:
    """A branch that no bench reached."""

    module: str
    line: int
    kind: str
    text: str
    reason: str | None


@dataclass(frozen=True)
class CoverageReport:
    """``out/coverage/report.json``."""

    tools: tuple[str, ...]
    records: int
    """Simulations that were counted."""
    modules: tuple[ModuleRow, ...]
    points: tuple[PointRow, ...]
    holes: tuple[HoleRow, ...]

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> CoverageReport:
        """Return the report that ``dataclasses.asdict`` gave ``written``."""
        modules = (
            ModuleRow(**{**row, "branches": Share(**row["branches"]), "bits": Share(**row["bits"])})
            for row in written["modules"]
        )
        points = tuple(PointRow(**row) for row in written["points"])
        holes = tuple(HoleRow(**row) for row in written["holes"])
        return cls(tuple(written["tools"]), written["records"], tuple(modules), points, holes)

    @property
    def functional(self) -> Share:
        """Planned points."""
        return Share(sum(row.hits > 0 for row in self.points), len(self.points))

    @property
    def branches(self) -> Share:
        """Branches of all modules."""
        return _sum(row.branches for row in self.modules)

    @property
    def bits(self) -> Share:
        """Directions in which bits change, of all modules."""
        return _sum(row.bits for row in self.modules)

    def check(self) -> None:
        """Raise :class:`CheckFailed` with what is below its share, not simulated, or not reached without a reason."""
        wrong = [
            f"{name}: {share.reached} of {share.of} are reached, {least:.0%} are wanted"
            for name, share, least in (
                ("planned points", self.functional, WANTED_POINTS),
                ("branches", self.branches, WANTED_BRANCHES),
                ("bits", self.bits, WANTED_BITS),
            )
            if share.value < least
        ]
        unknown = [row.module for row in self.modules if not row.simulated]
        if unknown:
            wrong.append(f"not simulated: {', '.join(unknown)}")
        wrong += [f"{row.module}.sv:{row.line} ({row.kind}) is not reached" for row in self.holes if not row.reason]
        if wrong:
            raise CheckFailed("; ".join(wrong))


def _sum(shares: Iterable[Share]) -> Share:
    rows = list(shares)
    return Share(sum(row.reached for row in rows), sum(row.of for row in rows))
