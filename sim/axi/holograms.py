"""Run ``cytogate cosim --level dpi`` on holograms: calibration and fields through the pins, packets compared.

A packet holds a field's word, and of each of its cells center, region and logits. Stages before are compared by
``cytogate csim``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.network.convert import convert
from cytogate.model.command.locks import sole_builder
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.files.holograms import open_holograms
from cytogate.model.interface.answers import FieldAnswer
from cytogate.model.networks.saved import load_operations
from cytogate.model.retrieval.off_axis import integer
from cytogate.model.retrieval.off_axis.calibration import reference_field
from cytogate.model.retrieval.off_axis.kernel_calibration import calibration_words
from cytogate.model.simulation.hologram_cells import CalibratedHolograms
from cytogate.sim.axi.job import BUILD_FOLDER, SCENARIOS, SHELL_CYCLES, run_rate
from cytogate.sim.axi.levels import Level, hologram_hardware, hologram_task
from cytogate.sim.axi.report import CosimReport, print_report
from cytogate.sim.axi.simulator import Outcome, Simulator, compile_hardware, run_benches, waveform
from cytogate.sim.csim.compare import ExactStage

SCENARIO_FIELDS = 3


@dataclass(frozen=True)
class HologramCosimRequest:
    """What was asked of ``cytogate cosim`` of an off-axis design."""

    design: Design
    input: Path | None
    """Holograms of the calibrated instrument; None for simulated ones."""
    dataset: str | None
    fields: int
    seed: int
    scenarios: bool
    """Also pauses, malformed packets, registers and resets."""
    waves: bool
    output: Path


@dataclass(frozen=True)
class SentFields:
    """Holograms as the chip takes them, and the packets due."""

    frames: NDArray[np.unsignedinteger]
    """(fields, 1, N, N)"""
    due: list[NDArray[np.int64]]
    """Words of each packet, in two's complement."""
    calibration: tuple[int, ...]
    cells: int
    faulty: int
    """Holograms of the file that were left out."""


def run_hologram_cosim(request: HologramCosimRequest) -> CosimReport:
    """Run the job and raise CheckFailed if a word differs or a scenario fails."""
    began, design = time.perf_counter(), request.design
    folder = BUILD_FOLDER / f"{Level.DPI.value}-{design.name}"
    network = load_operations(design)
    sent = sent_fields(request, network.classify)
    with sole_builder(folder), sole_builder(request.output):
        print("Converting the network with hls4ml, compiling (cached when nothing changed) ...", flush=True)
        under_test = hologram_hardware(design, convert(network, design, folder / "network"), folder)
        at = folder / (under_test.top + ("_waves" if request.waves else ""))
        build = compile_hardware(under_test, Simulator.VERILATOR, at, waves=request.waves)
        run, task = request.output / "run", hologram_task(design, sent.calibration)
        task.write(run, sent.frames, sent.due)
        measured = run_rate(under_test, build, run, waves=request.waves, show=True)
        outcomes: list[Outcome] = []
        if request.scenarios:
            print("Pauses, malformed packets, registers and resets ...", flush=True)
            of_scenarios = request.output / "scenarios"
            task.write(of_scenarios, sent.frames[:SCENARIO_FIELDS], sent.due[:SCENARIO_FIELDS])
            # One after the other: a simulation has a deadline, and a hologram many beats.
            for module in SCENARIOS:
                outcomes += run_benches(under_test, Simulator.VERILATOR, build, (module,), of_scenarios)
    report = CosimReport(
        design=design.name,
        level=Level.DPI.value,
        source="simulated" if request.input is None else str(request.input),
        simulator=Simulator.VERILATOR.release,
        samples_per_clock=1,
        frames=measured.frames,
        raw_rows=sent.frames.shape[2],
        raw_columns=sent.frames.shape[3],
        stages=(ExactStage("packets of fields", measured.values, measured.differing),),
        latency_cycles=None,
        initiation_interval_cycles=None,
        clock_mhz=design.chip.clock_mhz,
        latency_us=None,
        cells_per_second=None,
        pipeline=None,
        reason=SHELL_CYCLES,
        scenarios=tuple(outcomes),
        seconds=time.perf_counter() - began,
    )
    path = request.output / "report.json"
    report.write(path)
    print_report(report, [path, *([waveform(run)] if request.waves else [])])
    left_out = f"; {sent.faulty:,} faulty ones were left out" if sent.faulty else ""
    print(f"{sent.cells:,} cells in {len(sent.due):,} holograms{left_out}.")
    report.check()
    return report


def sent_fields(request: HologramCosimRequest, classify: Callable[[Codes], Codes]) -> SentFields:
    """Return the first holograms that can be used, with what the law says of them.

    Raises
    ------
    InputError
        If there is none.
    """
    design = request.design
    holograms: list[NDArray[np.unsignedinteger]]
    faults: list[str] = []
    if request.input is None:
        made = CalibratedHolograms.of(design, request.fields, request.seed)
        phasor = made.phasor
        holograms = [made.holograms[index].frame for index in range(request.fields)]
    else:
        phasor = integer.reference_phasor(reference_field(design))
        holograms, faults = _read(request.input, request)
    if not holograms:
        raise InputError(f"{request.input}: not one hologram: {faults[0] if faults else 'there is none'}")
    found = [integer.retrieve(hologram, design, phasor) for hologram in holograms]
    answers = [
        FieldAnswer.of(
            each.center, each.region, list(classify(each.network_input)) if len(each.center) else [],
            each.cells.is_crowded,
        )
        for each in found
    ]  # fmt: skip
    return SentFields(
        frames=np.stack([each.hologram.astype(np.uint16) for each in found])[:, None],
        due=[np.array(answer.words(), np.uint32).view(np.int32).astype(np.int64) for answer in answers],
        calibration=tuple(calibration_words(design, phasor).tolist()),
        cells=sum(len(answer.cells) for answer in answers),
        faulty=len(faults),
    )


def _read(path: Path, request: HologramCosimRequest) -> tuple[list[NDArray[np.unsignedinteger]], list[str]]:
    """Return so many holograms of a file as were asked for, and what is wrong with those that came between."""
    holograms: list[NDArray[np.unsignedinteger]] = []
    faults: list[str] = []
    with open_holograms(path, request.design.off_axis, request.dataset) as file:
        for index in range(file.fields):
            if len(holograms) == request.fields:
                break
            try:
                hologram = file.read(index)
                fault = file.fault(hologram)
            except InputError as error:
                faults.append(str(error))
                continue
            if fault is None:
                holograms.append(hologram)
            else:
                faults.append(fault)
    return holograms, faults
