"""The report of a stream: JSON for machines, a table for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cytogate.host.driver.gate import GateCounts
from cytogate.host.light import LightReport
from cytogate.host.stream.gating import Gates
from cytogate.host.stream.ledger import RELATIVE_ERROR, Span, Summary
from cytogate.host.stream.pipeline import Reason
from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal

CELLS, HOLOGRAMS = "cells", "holograms"
"""What arrives."""
MOST_PRINTED = 5
"""Kinds of reasons that a person is shown."""


@dataclass(frozen=True)
class StreamReport:
    """``OUTPUT/report.json``: of the latest command, but for ``rows``, which are of the whole run."""

    run: str
    source: str
    simulated: bool
    """Whether the cells are known to be simulated."""
    device: str
    emulated: bool
    """Whether the bundle is for an emulated board: latencies are then those of an emulation."""
    design: str
    weights_hash: str
    ended: str
    """How it ended, in words."""
    rows: int
    """Events in the folder, those of earlier commands of the run included."""
    unwritten: int
    """Events that came through and could not be written; the same command streams their cells again."""
    arrivals: str
    """What arrives and is counted as arrived, dropped, faulty, lost and finished: ``cells`` or ``holograms``."""
    arrived: int
    dropped: int
    faulty: int
    lost: int
    finished: int
    events: int
    """Of the finished: one a cell, and one of each hologram of which no cell is told."""
    cells: int
    """Of these events, those of a cell."""
    classes: dict[str, int]
    decisions: dict[str, int]
    reasons: tuple[Reason, ...]
    """Why cells without a class have none, by kind, the most frequent first."""
    labelled: int
    accuracy: float | None
    """Share of labelled cells whose class is the label; None without labels."""
    told: tuple[str, ...]
    """What a user must know of the labels."""
    seconds: float
    cells_per_second: float
    """:attr:`cells` over :attr:`seconds`."""
    queue_cells: int
    deepest_queue: int
    latency: dict[str, Summary]
    """By span; see :class:`cytogate.host.stream.ledger.Span`."""
    latency_error: float
    """Largest share by which a quantile exceeds the true value."""
    deadline_misses: int
    gate: GateCounts | None
    """What the chip's gate has counted since its latest reset, in clocks of ``clock_mhz``; None without one."""
    clock_mhz: float
    light: LightReport | None
    """What the chip knew of the light; None of a law of phase retrieval without a background."""
    gates: tuple[tuple[int, Gates], ...]
    """Gates by which cells were judged, with the index of the first of these."""

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def reported_rows(path: Path) -> int | None:
    """Return the rows of the report that lies there; None if there is none that can be read."""
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["rows"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def print_report(report: StreamReport, files: Sequence[Path]) -> None:
    """Print the report for a person."""
    from rich.table import Table
    from rich.text import Text

    console = terminal()
    # As text: a table takes what stands in brackets for markup.
    came = f"{report.cells:,} cells"
    if report.arrivals != CELLS:
        came += f" in {report.finished:,} {report.arrivals}"
    table = Table(title=Text(f"{came} of {report.source}; {report.ended}"))
    for column in ("latency", "cells", "p50", "p99", "p99.9", "max"):
        table.add_column(column, justify="left" if column == "latency" else "right")
    for span in Span:
        summary = report.latency.get(span)
        if summary is not None:
            times = (summary.p50_us, summary.p99_us, summary.p999_us, summary.max_us)
            table.add_row(span, f"{summary.cells:,}", *map(_time, times))
    console.print(table)
    said = "; latencies are those of the emulation" if report.emulated else ""
    console.print(
        f"{report.cells_per_second:,.1f} cells/s; of {report.arrived:,} {report.arrivals} {report.dropped:,} dropped, "
        f"{report.faulty:,} faulty, {report.lost:,} lost; {report.deadline_misses:,} cells late{said}. "
        f"Quantiles are at most {RELATIVE_ERROR:.1%} too high.",
        soft_wrap=True,
    )
    for what, counts in (("Classes", report.classes), ("Decisions", report.decisions)):
        if counts:
            console.print(
                f"{what}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()), soft_wrap=True
            )
    if report.gate is not None:
        console.print(_trigger(report.gate, report.clock_mhz), soft_wrap=True)
        if report.gate.order.told is not None:
            console.print(f"Frames: {report.gate.order.told}.", soft_wrap=True)
    if report.light is not None:
        console.print(_light(report.light), soft_wrap=True)
    if report.accuracy is not None:
        kind = "simulated " if report.simulated else ""
        console.print(f"Accuracy: {report.accuracy:.2%} of {report.labelled:,} labelled {kind}cells.", soft_wrap=True)
    for sentence in report.told:
        console.print(f"Labels: {sentence}", soft_wrap=True)
    for reason in report.reasons[:MOST_PRINTED]:
        console.print(
            f"Without a class: {reason.cells:,} {report.arrivals}, as number {reason.first_index:,}: {reason.example}",
            soft_wrap=True,
        )
    if len(report.reasons) > MOST_PRINTED:
        further = sum(reason.cells for reason in report.reasons[MOST_PRINTED:])
        console.print(f"Without a class: {further:,} further {report.arrivals}, see the report", soft_wrap=True)
    if report.unwritten:
        console.print(
            f"Not written: {report.unwritten:,} events that came through; the same command streams them again",
            soft_wrap=True,
        )
    console.print(f"{report.rows:,} events in all; written: " + ", ".join(map(str, files)), soft_wrap=True)


def _trigger(gate: GateCounts, clock_mhz: float) -> str:
    counted = {
        "last pixel to pulse": gate.trigger_cycles_most,
        "first pixel to class": gate.class_cycles_most,
        "class to class": gate.class_interval_most,
    }
    longest = ", ".join(f"{what} {_time(clocks / clock_mhz)}" for what, clocks in counted.items())
    return f"Trigger: {gate.triggers:,} pulses of {gate.events:,} events; at most, by the chip's clock: {longest}."


def _light(light: LightReport) -> str:
    """Say in a line what the chip knew at the end."""
    if light.end is None:
        told = "the chip held no surface"
    elif light.end.settled:
        told = "the chip's surface is settled"
    else:
        told = f"the chip's surface is of {light.end.frames} frames and not settled"
    if light.largest_change is not None:
        told += f"; over the field it changed by {1e3 * light.largest_change:.3f} mrad/pixel at most"
    return f"Light: {'; '.join((told, *light.told))}."


def _time(us: float) -> str:
    return f"{us:,.1f} us" if us < 1e3 else f"{us / 1e3:,.2f} ms" if us < 1e6 else f"{us / 1e6:,.2f} s"
