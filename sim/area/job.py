"""The job of ``cytogate synth``: the area of the phase retrieval kernel by open tools, against a board's budget.

Yosys maps SystemVerilog to primitives of the 7 series. It knows no UltraRAM, so all memories are block RAM here, and it
tells no timing; the optional clock is that of another vendor's silicon and is called so.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.model.command.files import whole_file
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.terminal import terminal
from cytogate.model.design.design import Design, binned
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.estimates.area import AreaReport, area_report, area_table, samples
from cytogate.model.networks.saved import has_network, load_operations
from cytogate.sim.area.tools import Placement, place_engines, place_line_engine, synthesize


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
    placements: tuple[Placement, ...]
    """On an ECP5, where that was asked for."""
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
    if request.fmax and not (named.retrieves_phase or has_network(named)):
        raise InputError(f"design {named.name} has no line engine and no trained network: nothing to place for --fmax")
    design = binned(named) if request.binned else named
    folder = request.output / "build" / design.name
    with sole_builder(folder):
        print("Synthesizing with yosys (minutes; kept while nothing changes) ...", flush=True)
        synthesis = synthesize(design, named.chip.samples_per_clock, folder)
        placements: tuple[Placement, ...] = ()
        if request.fmax:
            print("Placing and routing on an ECP5 (minutes; kept while nothing changes) ...", flush=True)
            placements = _placements(named, design, folder)
    report = SynthReport(
        design=design.name,
        samples_per_clock=named.chip.samples_per_clock,
        area=area_report(board, f"{synthesis.tool}, xc7", synthesis.area, synthesis.modules),
        placements=placements,
        seconds=time.perf_counter() - began,
    )
    path = request.output / "report.json"
    report.write(path)
    _print(report, path)
    report.check()


def _placements(named: Design, arriving: Design, folder: Path) -> tuple[Placement, ...]:
    """Place the transform of phase retrieval; or of plain images, the first layer of the network and its sums alone."""
    if named.retrieves_phase:
        return (place_line_engine(arriving, folder),)
    engines = pipeline_engines(load_operations(named), named, named.chip.samples_per_clock)
    parts = {"first layer": engines.first_layer, "convolution engine of the first layer": engines.first_sums}
    return tuple(place_engines(part, each, folder / part.replace(" ", "-")) for part, each in parts.items())


def _print(report: SynthReport, path: Path) -> None:
    console = terminal()
    console.print(area_table(f"{report.design}, {samples(report.samples_per_clock)}", report.area))
    for each in report.placements:
        console.print(
            f"ECP5 ({each.device}, {each.tool}): the {each.part} reaches {each.fmax_mhz:.1f} MHz. Other silicon than "
            "the board's.",
            soft_wrap=True,
        )
    console.print(f"{report.seconds:.0f} s; written: {path}", soft_wrap=True)
