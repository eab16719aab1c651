"""The report of ``cytogate cosim``: values compared, clocks counted, what the scenarios said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.design.design import Design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.errors import CheckFailed
from cytogate.model.estimates.area import samples
from cytogate.sim.axi.simulator import Outcome
from cytogate.sim.axi.task import GateClocks
from cytogate.sim.csim.compare import ExactStage


@dataclass(frozen=True)
class PipelineClocks:
    """What frames to trigger were counted to take at the pins; the chip's own registers said the same."""

    multipliers: int
    """Of the network's engines, by constants; one makes two products of eight bits at a time where it can."""
    counted: GateClocks
    class_us: float
    """From a frame's first pixel to its class, the longest."""
    trigger_us: float
    """From a frame's last pixel to the trigger, the longest."""
    cells_per_second: float | None

    @staticmethod
    def of(design: Design, engines: EngineNetwork, counted: GateClocks) -> PipelineClocks:
        """Return counted clocks at the clock of a design."""
        mhz = design.chip.clock_mhz
        return PipelineClocks(
            engines.multipliers,
            counted,
            counted.class_most / mhz,
            counted.trigger_most / mhz,
            None if counted.interval is None else mhz * 1e6 / counted.interval,
        )


@dataclass(frozen=True)
class CosimReport:
    """``out/cosim/LEVEL/report.json``; clocks are None where they are not those of hardware, ``reason`` says why."""

    design: str
    level: str
    source: str
    """File of the frames, or "simulated"."""
    simulator: str
    samples_per_clock: int
    frames: int
    raw_rows: int
    raw_columns: int
    stages: tuple[ExactStage, ...]
    latency_cycles: int | None
    """From a frame's last beat in to its last beat out."""
    initiation_interval_cycles: float | None
    """Between the last beats of neighboring frames that leave, frames back to back."""
    clock_mhz: float
    """Of the design; no timing was closed here."""
    latency_us: float | None
    cells_per_second: float | None
    pipeline: PipelineClocks | None
    """With a network at level rtl."""
    reason: str | None
    scenarios: tuple[Outcome, ...]
    seconds: float

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def check(self) -> None:
        """Raise :class:`CheckFailed` with the first thing that is wrong."""
        for stage in self.stages:
            if stage.differing or not stage.values:
                raise CheckFailed(f"stage {stage.name}: {stage.differing} of {stage.values} values differ")
        for outcome in self.scenarios:
            if outcome.failure is not None:
                raise CheckFailed(f"{outcome.name}: {outcome.failure}")


def print_report(report: CosimReport, files: list[Path]) -> None:
    """Print a report, and the files that were written."""
    from rich.table import Table

    console = terminal()
    table = Table(
        title=f"Level {report.level} of {report.design}: {report.frames} frames ({report.source}) of {report.raw_rows}x"
        f"{report.raw_columns}, {samples(report.samples_per_clock)}, {report.simulator}"
    )
    for column in ("stage", "values compared", "values that differ"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in report.stages:
        table.add_row(stage.name, f"{stage.values:,}", f"{stage.differing:,}")
    console.print(table)
    if report.latency_cycles is not None:
        console.print(
            f"Latency {report.latency_cycles:,} clocks: {report.latency_us:.1f} us at {report.clock_mhz:g} MHz."
        )
    if report.initiation_interval_cycles is not None:
        console.print(
            f"A frame every {report.initiation_interval_cycles:,.1f} clocks: {report.cells_per_second:,.0f} a second."
        )
    if report.pipeline is not None:
        _print_pipeline(console, report.pipeline)
    if report.reason is not None:
        console.print(f"No rate: {report.reason}.", soft_wrap=True)
    if report.scenarios:
        failed = [outcome for outcome in report.scenarios if outcome.failure is not None]
        console.print(f"Scenarios: {len(report.scenarios) - len(failed)} of {len(report.scenarios)} pass.")
        for outcome in failed:
            console.print(f"  {outcome.name}: {outcome.failure}", soft_wrap=True)
    console.print(f"{report.seconds:.0f} s; written: " + ", ".join(map(str, files)), soft_wrap=True)


def _print_pipeline(console: Console, pipeline: PipelineClocks) -> None:
    told = pipeline.counted
    console.print(
        f"Frames to trigger, the network with {pipeline.multipliers} multipliers: from the first pixel to the class "
        f"{told.class_most:,} clocks, {pipeline.class_us:.1f} us; from the last pixel to the trigger "
        f"{told.trigger_most:,} clocks, {pipeline.trigger_us:.1f} us. {told.triggers} of {told.events} cells trigger.",
        soft_wrap=True,
    )
    if told.interval is not None:
        console.print(
            f"A class every {told.interval:,.1f} clocks, {told.interval_most:,} at most: "
            f"{pipeline.cells_per_second:,.0f} cells a second. The chip's registers say the same.",
            soft_wrap=True,
        )
