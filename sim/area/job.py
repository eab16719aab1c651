"""The job of ``cytogate synth``: the area of the phase retrieval kernel by open tools, against a board's budget.

Yosys maps SystemVerilog to primitives of the 7 series. It knows no UltraRAM, so all memories are block RAM here, and it
tells no timing; the optional clock is that of another vendor's silicon and is called so.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.design.design import Design, binned
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.estimates.area import AreaReport, area_report, area_table, samples
from cytogate.sim.area.tools import place_line_engine, synthesize

NOT_ASKED = "not asked for; --fmax places and routes the line engine on an ECP5"


@dataclass(frozen=True)
class SynthRequest:
    """What was asked of ``cytogate synth``."""

    design: Design
    """With the chip that was asked for."""
    binned: bool
    """Frames arrive at the network's size."""
    fmax: bool
    output: Path


@dataclass(frozen=True)
class SynthReport:
    """``out/synth/report.json``."""

    design: str
    samples_per_clock: int
    area: AreaReport
    """Of the kernel before the network."""
    ecp5_fmax_mhz: float | None
    ecp5_reason: str | None
    """Why there is no such clock."""
    ecp5_tool: str | None
    ecp5_device: str | None
    seconds: float

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def check(self) -> None:
        """Raise :class:`CheckFailed` with everything that exceeds the board."""
        if self.area.lacking:
            raise CheckFailed(
                f"{self.design} at {samples(self.samples_per_clock)} {self.area.needs}; choose fewer samples per clock "
                f"or another board"
            )


def run_synth(request: SynthRequest) -> None:
    """Run the job and raise CheckFailed if the kernel exceeds the board."""
    began = time.perf_counter()
    named, board = request.design, request.design.chip.on
    if request.fmax and not named.retrieves_phase:
        raise InputError(f"design {named.name} retrieves no phase: it has no line engine to place for --fmax")
    design = binned(named) if request.binned else named
    folder = request.output / "build" / design.name
    print("Synthesizing with yosys (minutes; kept while nothing changes) ...", flush=True)
    synthesis = synthesize(design, named.chip.samples_per_clock, folder)
    placement = None
    if request.fmax:
        print("Placing and routing the line engine on an ECP5 (minutes; kept while nothing changes) ...", flush=True)
        placement = place_line_engine(design, folder)
    report = SynthReport(
        design=design.name,
        samples_per_clock=named.chip.samples_per_clock,
        area=area_report(board, f"{synthesis.tool}, xc7", synthesis.area, synthesis.modules),
        ecp5_fmax_mhz=None if placement is None else placement.fmax_mhz,
        ecp5_reason=NOT_ASKED if placement is None else None,
        ecp5_tool=None if placement is None else placement.tool,
        ecp5_device=None if placement is None else placement.device,
        seconds=time.perf_counter() - began,
    )
    path = request.output / "report.json"
    report.write(path)
    _print(report, path)
    report.check()


def _print(report: SynthReport, path: Path) -> None:
    console = terminal()
    console.print(area_table(f"{report.design}, {samples(report.samples_per_clock)}", report.area))
    if report.ecp5_fmax_mhz is not None:
        console.print(
            f"ECP5 ({report.ecp5_device}, {report.ecp5_tool}): the line engine reaches {report.ecp5_fmax_mhz:.1f} MHz. "
            "Other silicon than the board's.",
            soft_wrap=True,
        )
    console.print(f"{report.seconds:.0f} s; written: {path}", soft_wrap=True)
