"""Report the area of a design on a board, estimated, by yosys or by Vivado, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cytogate.model.design.boards import RESOURCES, Area, Board

if TYPE_CHECKING:
    from rich.table import Table

FIELDS = {name: field for field, name in RESOURCES.items()}


@dataclass(frozen=True)
class ModuleArea:
    """One part of a design."""

    name: str
    instances: int
    """How many there are of it."""
    area: Area
    """Of a single instance."""


@dataclass(frozen=True)
class AreaReport:
    """Resources that a design uses, beside those that a board has; dictionaries are keyed by the resource's name."""

    board: str
    source: str
    """``estimated``, or the tool that counted and for which devices."""
    modules: tuple[ModuleArea, ...]
    used: Area
    """The whole, which may be more than its modules."""
    budget: Area
    """All that the board has."""
    percent: dict[str, float]
    """Of the budget, used, for each resource that the board has."""
    lacking: dict[str, float]
    """How many more than the board has are needed; empty where the design fits."""

    @property
    def needs(self) -> str:
        """What exceeds the board, in words: ``needs 69,041 LUT and 447 DSP; pynq-z2 has 53,200 and 220``."""
        needed = [f"{count(getattr(self.used, FIELDS[name]))} {name}" for name in self.lacking]
        present = [count(getattr(self.budget, FIELDS[name])) for name in self.lacking]
        return f"needs {listed(needed)}; {self.board} has {listed(present)}"

    @property
    def uses(self) -> str:
        """What is used, in words: ``34 % of its LUT, 25 % of its FF and 48 % of its DSP``; nothing unused is told."""
        return listed([f"{percent:.0f} % of its {name}" for name, percent in self.percent.items() if percent > 0])


def area_report(board: Board, source: str, used: Area, modules: Iterable[ModuleArea] = ()) -> AreaReport:
    """Compare what is used with what ``board`` has, resource by resource."""
    pairs = {name: (getattr(used, field), getattr(board.budget, field)) for field, name in RESOURCES.items()}
    return AreaReport(
        board=board.name,
        source=source,
        modules=tuple(modules),
        used=used,
        budget=board.budget,
        percent={name: 100 * mine / all_of_it for name, (mine, all_of_it) in pairs.items() if all_of_it > 0},
        lacking={name: mine - all_of_it for name, (mine, all_of_it) in pairs.items() if mine > all_of_it},
    )


def area_table(title: str, report: AreaReport) -> Table:
    """Return the report as a table: a row a module, then the whole, the board and the percentages."""
    from rich.table import Table

    table = Table(title=f"{title} ({report.source})")
    named = {**report.percent, **report.lacking}
    table.add_column("module")
    table.add_column("instances", justify="right")
    for name in named:
        table.add_column(name, justify="right")

    def row(name: str, instances: str, values: Mapping[str, str]) -> None:
        table.add_row(name, instances, *(values.get(each, "-") for each in named))

    def counts(area: Area) -> dict[str, str]:
        return {name: count(getattr(area, FIELDS[name])) for name in named}

    for module in report.modules:
        row(module.name, str(module.instances), counts(module.area))
    table.add_section()
    row("whole", "", counts(report.used))
    row(report.board, "", counts(report.budget))
    row("used", "", {name: f"{percent:.1f} %" for name, percent in report.percent.items()})
    return table


def count(value: float) -> str:
    """Return a number of resources; block RAMs may come by halves."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def samples(number: int) -> str:
    """Return ``1 sample per clock`` or ``4 samples per clock``."""
    return f"{number} sample{'' if number == 1 else 's'} per clock"


def listed(words: list[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
