"""What ``cytogate twin`` does: a trained twin converted, compiled, and every word of its logits compared with Keras."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.model.command.files import whole_file
from cytogate.model.command.terminal import terminal
from cytogate.model.design.folder import load_design
from cytogate.model.errors import CheckFailed
from cytogate.model.networks.exact import count_macs, count_weights
from cytogate.model.networks.keras_backend import keras
from cytogate.model.networks.saved import load_twin
from cytogate.model.networks.words import input_formats
from cytogate.sim.csim.network import NetworkSimulation


@dataclass(frozen=True)
class TwinReport:
    """``report.json``: logits of QKeras and of the C-simulation, both as codes."""

    network: str
    source: str
    """Folder of the trained twin."""
    cells: int
    words: int
    mismatches: int
    macs: int
    """Multiplications of kernel weights for one cell."""
    weights: int
    """Constants that hardware stores."""
    seconds: float

    def check(self) -> None:
        """Raise CheckFailed unless something was compared and all of it is equal."""
        if not self.words or self.mismatches:
            raise CheckFailed(
                f"network {self.network}: {self.mismatches} of {self.words} words differ between QKeras and "
                f"C-simulation on {self.cells} cells"
            )


def run_twin(source: Path, design: str, output: Path) -> TwinReport:
    """Convert the twin in ``source`` for the board of ``design``, compare on its own cells, write the report."""
    began = time.perf_counter()
    twin, console = load_twin(source), terminal()
    with console.status("converting with hls4ml and compiling with g++ ..."):
        project = convert(twin.model, load_design(design), output / "build" / "project")
        simulation = NetworkSimulation.of(project, output / "build")
    with console.status(f"C-simulation of {len(twin.codes[0])} cells ..."):
        found = simulation.logits(*twin.codes)
    expected = project.logits.encode(keras_logits(twin.model, twin.codes))
    report = TwinReport(
        network=twin.model.name,
        source=str(source),
        cells=len(found),
        words=expected.size,
        mismatches=int(np.count_nonzero(found != expected)),
        macs=count_macs(twin.model),
        weights=count_weights(twin.model),
        seconds=time.perf_counter() - began,
    )
    with whole_file(output / "report.json") as partial:
        partial.write_text(json.dumps(dataclasses.asdict(report), indent=1) + "\n", encoding="utf-8")
    console.print(
        f"{report.network} ({report.macs:,} products, {report.weights:,} constants): {report.mismatches} of "
        f"{report.words} words differ on {report.cells} cells; written: {output / 'report.json'}",
        soft_wrap=True,
    )
    report.check()
    return report


def keras_logits(model: keras.Model, codes: tuple[NDArray[np.integer], ...]) -> NDArray[np.float64]:
    """Return logits (cells, classes) of a quantized network for codes (cells, ...) of each of its inputs."""
    values = [words.decode(each).astype(np.float32) for words, each in zip(input_formats(model), codes, strict=True)]
    return np.asarray(model(values if len(values) > 1 else values[0], training=False), np.float64)
