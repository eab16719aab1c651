"""The job of ``cytogate csim`` on a design without an instrument: its network on the codes that lie beside it.

The network may have any number of inputs; every logit of the C-simulation is compared.
"""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.design.design import Design
from cytogate.model.design.folder import network_folder
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.keras_check import compare_with_keras
from cytogate.model.networks.reading.reader import read_network
from cytogate.model.networks.saved import INPUT_CODES, load_codes, load_network
from cytogate.sim.csim.compare import ExactStage
from cytogate.sim.csim.kernels import BUILD_FOLDER, LOGITS
from cytogate.sim.csim.network import compare_logits


@dataclass(frozen=True)
class NetworkReport:
    """``report.json`` of a network on its own codes."""

    design: str
    source: str
    """File of the codes."""
    network: str
    inputs: int
    cells: int
    stages: tuple[ExactStage, ...]
    macs: int
    """Multiplications of kernel weights for one cell."""
    weights: int
    """Parameters that hardware stores."""
    seconds: float

    def check(self) -> None:
        """Raise CheckFailed unless something was compared and all of it is equal."""
        for stage in self.stages:
            if not stage.values or stage.differing:
                raise CheckFailed(
                    f"design {self.design}: {stage.differing} of {stage.values} {stage.name} differ in C-simulation "
                    f"on {self.cells} cells"
                )


def run_network_inputs(design: Design, output: Path) -> NetworkReport:
    """Compare the network of ``design`` with its C-simulation, write the report, raise CheckFailed on a difference."""
    began, console = time.perf_counter(), terminal()
    model = load_network(design)
    codes = load_codes(model, design)
    reading = read_network(model)
    network = reading.network
    with console.status("converting with hls4ml, compiling with g++, simulating ..."):
        compare_with_keras(model, reading, codes)
        found = compare_logits(network, codes, design, BUILD_FOLDER / design.name)
    report = NetworkReport(
        design=design.name,
        source=str(network_folder(design) / INPUT_CODES),
        network=model.name,
        inputs=len(codes),
        cells=len(codes[0]),
        stages=(ExactStage(LOGITS, found.values, found.differing),),
        macs=network.macs,
        weights=network.weights,
        seconds=time.perf_counter() - began,
    )
    path = output / "report.json"
    with whole_file(path) as partial:
        partial.write_text(json.dumps(dataclasses.asdict(report), indent=2) + "\n", encoding="utf-8")
    console.print(_table(report))
    console.print(
        f"Network {report.network}: {report.inputs} {'input' if report.inputs == 1 else 'inputs'}, {report.macs:,} "
        f"multiplications and {report.weights:,} parameters a cell. {report.seconds:.0f} s; written: {path}",
        soft_wrap=True,
    )
    report.check()
    return report


def _table(report: NetworkReport) -> Table:
    table = Table(title=f"C-simulation of {report.design}: {report.cells} cells")
    table.add_column("stage")
    table.add_column("values compared", justify="right")
    table.add_column("values that differ", justify="right")
    for stage in report.stages:
        table.add_row(stage.name, f"{stage.values:,}", f"{stage.differing:,}")
    return table
