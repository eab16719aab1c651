"""Speed on a CPU, side by side in one run: ratios, for a person who chooses what to wait for.

Nothing here is hardware speed; that is counted in cycles. One thread each, the same frames for all, medians.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytogate.model.command.files import whole_file
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.terminal import progress_bars, terminal
from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.law import OFFSET_ROWS_LOG2
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.networks.native import NativeNetwork
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.retrieval import integer, reference
from cytogate.model.retrieval.native import NativeRetrieval
from cytogate.sim.csim.kernels import BUILD_FOLDER, CSimulation
from cytogate.sim.csim.network import NetworkSimulation

if TYPE_CHECKING:
    from cytogate.model.networks.keras_backend import keras

REPEATS = 5


@dataclass(frozen=True)
class Timing:
    """Median time of one way to do a task."""

    task: str
    way: str
    milliseconds_per_cell: float
    ratio: float
    """Time in units of the task's peer, which comes first."""


def planned_fftw(design: Design) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the peer: gradient (N, N) complex64 to phase, planned single-precision FFTW, one thread."""
    import pyfftw

    size = design.size
    lines = pyfftw.empty_aligned((size, size), "complex64")
    forward = pyfftw.FFTW(lines, lines, axes=(0, 1), flags=("FFTW_MEASURE",), threads=1)
    backward = pyfftw.FFTW(lines, lines, axes=(0, 1), direction="FFTW_BACKWARD", flags=("FFTW_MEASURE",), threads=1)
    inverse = (reference.inverse_derivative(size) * size).astype(np.complex64)

    def retrieve(gradient: NDArray[np.float32]) -> NDArray[np.float32]:
        lines[:] = gradient
        forward()
        np.multiply(lines, inverse, out=lines)
        backward()
        phase: NDArray[np.float32] = lines.imag - lines.imag[: 1 << OFFSET_ROWS_LOG2].mean()
        return phase

    return retrieve


def bench(
    design: Design,
    frames: NDArray[np.unsignedinteger],
    model: keras.Model,
    retrieval: CSimulation,
    simulation: NetworkSimulation,
    network: IntegerNetwork,
) -> list[Timing]:
    """Time retrieval and classification of ``frames`` (cells, 4, rows, columns)."""
    # TensorFlow reads its numbers of threads when it is loaded.
    from cytogate.model.networks.exact import logits_of_values

    fftw = planned_fftw(design)
    native, classify = NativeRetrieval.of(design), NativeNetwork.of(network).classify
    cells = len(frames)
    exact = integer.retrieve(frames, design)
    real = reference.retrieve(frames, design)
    flat = (real["gradient"] - reference.border_surface(real["gradient"])).astype(np.complex64)
    error = np.abs(np.stack([fftw(gradient) for gradient in flat]) - real["phase"]).max()
    assert error < 1e-3, "the peer must compute the same phase"
    values = exact.network_input * np.float32(PIXEL.step)

    def logits(inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return logits_of_values(model, iter([inputs]))

    return [
        *ratios(
            "gradients to phase",
            {
                "pyFFTW complex64, planned": milliseconds(lambda: [fftw(gradient) for gradient in flat], cells),
                "float64 reference (NumPy), with surface": milliseconds(
                    lambda: reference.integrate(real["gradient"], real["binned"]), cells
                ),
            },
        ),
        *ratios(
            "raw frames to network input",
            {
                "float64 reference (NumPy)": milliseconds(lambda: reference.retrieve(frames, design), cells),
                "integer model (NumPy)": milliseconds(lambda: integer.retrieve(frames, design), cells),
                "integer model (C++)": milliseconds(lambda: native.codes(frames, ("network_input",)), cells),
                "C-simulation": milliseconds(lambda: [retrieval.run(raw) for raw in frames], cells),
            },
        ),
        *ratios(
            "network input to class",
            {
                "Keras, layer by layer": milliseconds(lambda: logits(values), cells),
                "Keras, compiled": milliseconds(lambda: model.predict_on_batch(values), cells),
                "integer network (NumPy)": milliseconds(lambda: network.classify(exact.network_input), cells),
                "integer network (C++)": milliseconds(lambda: classify(exact.network_input), cells),
                "hls4ml C-simulation": milliseconds(lambda: simulation.logits(exact.network_input), cells),
            },
        ),
        *ratios(
            "raw frames to class",
            {
                "float64 reference (NumPy), Keras": milliseconds(
                    lambda: logits(reference.retrieve(frames, design)["network_input"].astype(np.float32)), cells
                ),
                "integer chain (C++)": milliseconds(
                    lambda: classify(native.codes(frames, ("network_input",))["network_input"]), cells
                ),
            },
        ),
    ]


def run_bench(design: Design, cells: int, output: Path) -> None:
    """Time a design on simulated cells, print a table and write ``output/report.json``."""
    if not design.retrieves_phase:
        raise InputError(f"design {design.name} retrieves no phase: the peers of this bench retrieve one")
    design.need_fft("bench")
    # Before the libraries that read it are loaded: one thread each, or the ratios compare numbers of cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = "1"
    from cytogate.hls.network.convert import convert
    from cytogate.model.networks.reading.reader import read_network
    from cytogate.model.networks.saved import load_network
    from cytogate.model.simulation.simulator import simulated_cells
    from cytogate.sim.viewers import PAIRS, VIEWERS, hostile_requests, median_ratio, watched_and_quiet

    console = terminal()
    with console.status("simulating cells, compiling, timing ..."):
        frames = np.stack([cell.frames for cell in simulated_cells(design, cells, seed=0)])
        model = load_network(design)
        folder = BUILD_FOLDER / design.name
        network = read_network(model).network
        with sole_builder(folder):
            project = convert(network, design, folder / "network")
            kernels = CSimulation.of_kernel(design, folder), NetworkSimulation.of(project, folder)
        timings = bench(design, frames, model, *kernels, network)
    with progress_bars() as bars:
        pairs = list(bars.track(watched_and_quiet(design, frames), PAIRS, description="streaming before viewers"))
    report = {
        "design": design.name,
        "cells": cells,
        "threads": 1,
        "timings": [asdict(timing) for timing in timings],
        "viewers": {"pairs": [asdict(pair) for pair in pairs], "median_ratio": median_ratio(pairs)},
    }
    with whole_file(output / "report.json") as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print_timings(f"Time per cell on this computer, one thread, {cells} simulated cells, {design.name}", timings)
    console.print(
        f"From arrival to decision, 99th percentile: {median_ratio(pairs):.2f} times as long before {VIEWERS} viewers "
        f"and {len(hostile_requests('', ''))} hostile requests, again and again (median of {PAIRS} pairs of runs: "
        + ", ".join(f"{pair.quiet_ms:.1f} and {pair.watched_ms:.1f}" for pair in pairs)
        + " ms).",
        soft_wrap=True,
    )
    console.print(f"written: {output / 'report.json'}", soft_wrap=True)


def print_timings(title: str, timings: Sequence[Timing]) -> None:
    """Print a table of them."""
    from rich.table import Table

    table = Table(title=title)
    for column in ("task", "way", "ms each", "ratio"):
        table.add_column(column, justify="left" if column in ("task", "way") else "right")
    for timing in timings:
        table.add_row(timing.task, timing.way, f"{timing.milliseconds_per_cell:.2f}", f"{timing.ratio:.2f}")
    terminal().print(table)


def ratios(task: str, ways: dict[str, float]) -> list[Timing]:
    """Return timings of a task's ways from milliseconds by way, the peer's first."""
    peer = next(iter(ways.values()))
    return [Timing(task, way, time, time / peer) for way, time in ways.items()]


def milliseconds(run: Callable[[], object], cells: int) -> float:
    """Return the median time of a call, divided by what it does so many of."""
    run()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times) / cells
