"""Read reports of Vitis HLS and Vivado: latency of a kernel, area of the routed design, slack of its timing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cytogate.model.design.boards import Area
from cytogate.model.errors import InputError
from cytogate.model.estimates.area import ModuleArea

PL_CLOCKS = ("clk_pl_0", "clk_fpga_0")
"""Clock 0 of the programmable logic, on a Zynq UltraScale+ and on a Zynq-7000."""


@dataclass(frozen=True)
class Utilization:
    """Area of the routed design."""

    area: Area
    modules: tuple[ModuleArea, ...]
    """Cells of the block design, each with all below it, in the order of the report."""


@dataclass(frozen=True)
class Slacks:
    """Worst slacks of the routed design, in nanoseconds; below zero a constraint is missed."""

    setup_ns: float
    hold_ns: float
    pulse_width_ns: float
    clock_mhz: float
    """Of the programmable logic, as it was timed."""

    @property
    def missed(self) -> tuple[str, ...]:
        """The constraints that are missed, in words."""
        slacks = {"setup": self.setup_ns, "hold": self.hold_ns, "pulse width": self.pulse_width_ns}
        return tuple(f"{name} by {-slack:.3f} ns" for name, slack in slacks.items() if slack < 0)


@dataclass(frozen=True)
class KernelReport:
    """What C-synthesis predicts of a kernel; None where it depends on the data."""

    name: str
    target_period_ns: float
    estimated_period_ns: float
    latency_cycles: int | None
    """At worst."""
    interval_cycles: int | None
    """Between frames, at worst."""


def read_kernel(path: Path) -> KernelReport:
    """Return what Vitis HLS reports in ``csynth.xml``."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: this is no report of Vitis HLS: {error}") from error

    def text(place: str) -> str:
        found = root.findtext(place)
        if found is None:
            raise InputError(f"{path}: the report of Vitis HLS lacks {place}")
        return found.strip()

    def cycles(place: str) -> int | None:
        found = text(f"PerformanceEstimates/SummaryOfOverallLatency/{place}")
        return int(found) if found.isdecimal() else None

    return KernelReport(
        name=text("UserAssignments/TopModelName"),
        target_period_ns=_number(text("UserAssignments/TargetClockPeriod"), path),
        estimated_period_ns=_number(text("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"), path),
        latency_cycles=cycles("Worst-caseLatency"),
        interval_cycles=cycles("Interval-max"),
    )


def read_timing(path: Path) -> Slacks:
    """Return the worst slacks of ``report_timing_summary``, and the clock that they hold at."""
    lines = _lines(path)
    for head, _, values in zip(lines, lines[1:], lines[2:], strict=False):
        names, found = re.split(r"\s{2,}", head.strip()), values.split()
        if names[:1] == ["WNS(ns)"] and {"WHS(ns)", "WPWS(ns)"} <= set(names) and len(found) == len(names):
            row = dict(zip(names, found, strict=True))
            setup_ns, hold_ns, pulse_width_ns = (
                _number(row[name], path) for name in ("WNS(ns)", "WHS(ns)", "WPWS(ns)")
            )
            return Slacks(setup_ns, hold_ns, pulse_width_ns, _clock(lines, path))
    raise InputError(f"{path}: holds no Design Timing Summary of Vivado")


def _clock(lines: list[str], path: Path) -> float:
    """Return the frequency of the processing system's clock 0 in the Clock Summary."""
    for head, *rest in (lines[number:] for number, line in enumerate(lines) if line.split()[:1] == ["Clock"]):
        if "Frequency(MHz)" not in head:
            continue
        for line in rest:
            found = line.split()
            if found and found[0] in PL_CLOCKS:
                return _number(found[-1], path)
    raise InputError(f"{path}: holds no Clock Summary of Vivado with one of {', '.join(PL_CLOCKS)}")


def read_utilization(path: Path) -> Utilization:
    """Return the area in ``report_utilization -hierarchical``: of the whole, and of the block design's cells."""
    rows = list(_table(path))
    if not rows:
        raise InputError(f"{path}: holds no table of utilization by hierarchy of Vivado")
    modules = tuple(
        ModuleArea(row["Instance"].strip(), 1, _area(row, path))
        for row in rows
        if _depth(row) == 2 and not row["Instance"].strip().startswith("(")
    )
    return Utilization(_area(rows[0], path), modules)


def _table(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of the hierarchical table by its heads, with the instances' indentation."""
    heads: list[str] = []
    for line in _lines(path):
        if not line.startswith("|"):
            continue
        cells = line.strip().strip("|").split("|")
        if [cell.strip() for cell in cells][:2] == ["Instance", "Module"]:
            heads = [cell.strip() for cell in cells]
        elif len(cells) == len(heads):
            yield {name: cell if name == "Instance" else cell.strip() for name, cell in zip(heads, cells, strict=True)}


def _depth(row: dict[str, str]) -> int:
    """Return how deep an instance lies below the top: a space separates cells, two more are a level."""
    name = row["Instance"]
    return (len(name) - len(name.lstrip()) - 1) // 2


def _area(row: dict[str, str], path: Path) -> Area:
    def count(*names: str) -> float:
        for name in names:
            if name in row:
                return _number(row[name], path)
        raise InputError(f"{path}: the table has no column {names[0]}")

    return Area(
        lut=count("Total LUTs"),
        ff=count("FFs"),
        dsp=count("DSP Blocks", "DSP48 Blocks"),
        bram36=count("RAMB36") + count("RAMB18") / 2,
        uram=count("URAM") if "URAM" in row else 0.0,
    )


def _number(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{path}: {text} stands where a number is due") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
