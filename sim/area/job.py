"""What ``cytogate synth`` does: the area of the phase retrieval kernel by open tools, against a board's budget.

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
from cytogate.model.design.boards import RESOURCES, Area
from cytogate.model.design.design import Design, binned
from cytogate.model.errors import CheckFailed
from cytogate.sim.area.tools import ModuleArea, Synthesis, place_line_engine, synthesize

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
    width: int
    board: str
    tool: str
    family: str
    area: Area
    budget: Area
    share: dict[str, float]
    """Of the budget, by resource that the family has."""
    modules: tuple[ModuleArea, ...]
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
        over = [
            f"{getattr(self.area, field):,.1f} {RESOURCES[field]} of {getattr(self.budget, field):,.0f}"
            for field, share in self.share.items()
            if share > 1
        ]
        if over:
            raise CheckFailed(f"{self.design} at {self.width} samples a clock exceeds {self.board}: {'; '.join(over)}")


def run_synth(request: SynthRequest) -> None:
    """Run the job and raise CheckFailed if the kernel exceeds the board."""
    began = time.perf_counter()
    named, board = request.design, request.design.chip.on
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
        width=named.chip.samples_per_clock,
        board=board.name,
        tool=synthesis.tool,
        family="xc7",
        area=synthesis.area,
        budget=board.budget,
        share=_shares(synthesis, board.budget),
        modules=synthesis.modules,
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


def _shares(synthesis: Synthesis, budget: Area) -> dict[str, float]:
    return {field: getattr(synthesis.area, field) / getattr(budget, field) for field in ("lut", "ff", "dsp", "bram36")}


def _print(report: SynthReport, path: Path) -> None:
    from rich.table import Table

    console = terminal()
    table = Table(title=f"{report.design}, {report.width} samples a clock, {report.family} by {report.tool}")
    columns = [RESOURCES[field] for field in report.share]
    table.add_column("module")
    for column in ("instances", *columns):
        table.add_column(column, justify="right")
    for row in report.modules:
        table.add_row(row.name, str(row.instances), *(f"{getattr(row.area, field):g}" for field in report.share))
    table.add_section()
    table.add_row("whole", "", *(f"{getattr(report.area, field):,g}" for field in report.share))
    table.add_row(f"budget {report.board}", "", *(f"{getattr(report.budget, field):,g}" for field in report.share))
    table.add_row("share", "", *(f"{share:.1%}" for share in report.share.values()))
    console.print(table)
    if report.ecp5_fmax_mhz is not None:
        console.print(
            f"ECP5 ({report.ecp5_device}, {report.ecp5_tool}): the line engine reaches {report.ecp5_fmax_mhz:.1f} MHz. "
            "Other silicon than the board's.",
            soft_wrap=True,
        )
    console.print(f"{report.seconds:.0f} s; written: {path}", soft_wrap=True)
