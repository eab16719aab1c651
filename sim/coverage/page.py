"""The page of coverage: shares, planned points, modules, and what no bench reaches."""

from __future__ import annotations

from itertools import groupby

from cytogate.sim.coverage.plan import subject
from cytogate.sim.coverage.report import (
    WANTED_BITS,
    WANTED_BRANCHES,
    WANTED_POINTS,
    CoverageReport,
    ModuleRow,
    PointRow,
    Share,
)


def page(report: CoverageReport) -> str:
    """Return Markdown; without times and numbers of hits, so that a second run of the same benches writes the same."""
    return "\n".join(
        (
            "# Coverage of the RTL benches",
            "",
            "`make coverage` runs the benches of `fpga/rtl` in simulations that count what they reach, and writes this",
            "page and the record beside it. Instances, parameters and runs of a module are added up. Of a run of some",
            "benches alone, what the others reach is missing here.",
            "",
            "| what | reached | of | share | wanted |",
            "|---|---|---|---|---|",
            _share_line("planned points", report.functional, WANTED_POINTS),
            _share_line("branches and blocks", report.branches, WANTED_BRANCHES),
            _share_line("directions in which bits change", report.bits, WANTED_BITS),
            "",
            f"{report.records} simulations. Tools: {', '.join(report.tools)}.",
            "",
            "## Planned points",
            "",
            "Points stand in `sim/coverage/MODULE_cover.sv`, which binds itself to the module; a point is reached when",
            "its condition holds in a clock of a bench. Those with numbers are planned at each of these widths and",
            "binnings; *not* says at which one it was not reached.",
            "",
            *_points(report.points),
            "## Modules",
            "",
            "| module | branches | bits | remark |",
            "|---|---|---|---|",
            *(_module_line(row) for row in report.modules),
            "",
            "## Branches that no bench reaches",
            "",
            *(_holes(report) or ["None."]),
            "",
        )
    )


def _share_line(name: str, share: Share, wanted: float) -> str:
    return _line(name, f"{share.reached:,}", f"{share.of:,}", f"{share.value:.1%}", f"{wanted:.0%}")


def _points(rows: tuple[PointRow, ...]) -> list[str]:
    lines = []
    for module, of_module in groupby(rows, key=lambda row: row.module):
        lines += [f"**`{module}`**: {subject(module)[0].lower()}{subject(module)[1:]}.", ""]
        for label, given in groupby(of_module, key=lambda row: row.label):
            lines.append(_point(label, list(given)))
        lines.append("")
    return lines


def _point(label: str, rows: list[PointRow]) -> str:
    words = label.replace("_", " ")
    if not rows[0].at:
        return f"- {words}: {'reached' if rows[0].hits else '*not reached*'}"
    missed = [", ".join(f"{name} {value}" for name, value in row.at.items()) for row in rows if not row.hits]
    crossed = {name: sorted({row.at[name] for row in rows}) for name in rows[0].at}
    told = "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in crossed.items())
    return f"- {words} ({told}): {len(rows) - len(missed)} of {len(rows)}" + (
        f", *not* at {'; '.join(missed)}" if missed else ""
    )


def _module_line(row: ModuleRow) -> str:
    if not row.simulated:
        return _line(f"`{row.module}`", "", "", "not simulated in this run")
    counts = [f"{share.reached} of {share.of}" if share.of else "none" for share in (row.branches, row.bits)]
    return _line(f"`{row.module}`", *counts, row.reason or "")


def _holes(report: CoverageReport) -> list[str]:
    if not report.holes:
        return []
    return [
        "| module | line | kind | text | why |",
        "|---|---|---|---|---|",
        *(
            _line(f"`{row.module}`", str(row.line), row.kind, f"`{row.text}`", row.reason or "*not known*")
            for row in report.holes
        ),
    ]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
