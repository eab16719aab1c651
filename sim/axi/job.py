"""The job of ``cytogate cosim``: frames through the pins of a kernel, values compared, clocks counted, report."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.hls.network.project import HlsProject
from cytogate.model.command.locks import sole_builder
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import contract
from cytogate.model.contract.stage import EXPONENT_SUFFIX
from cytogate.model.design.design import RTL, Design, binned
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.files.frames import open_frames
from cytogate.model.networks.operations import IntegerNetwork
from cytogate.model.retrieval import laws
from cytogate.model.retrieval.frame_order import check_order
from cytogate.model.simulation.simulator import simulated_cells
from cytogate.sim.axi.levels import Level, behind_background, bench_task, hardware, leaving_values, unclipped
from cytogate.sim.axi.report import CosimReport, PipelineClocks, print_report
from cytogate.sim.axi.simulator import (
    Hardware,
    Outcome,
    Simulator,
    compile_hardware,
    end_simulations,
    run_benches,
    waveform,
)
from cytogate.sim.axi.task import Measured
from cytogate.sim.csim.compare import ExactStage

BUILD_FOLDER = Path("out/cosim/build")
"""Where commands keep compiled simulations, by level, design and samples per clock."""
RATE = ("cytogate.sim.axi.bench_rate",)
SCENARIOS = tuple(f"cytogate.sim.axi.bench_{name}" for name in ("pauses", "malformed", "control"))
GATE_SCENARIOS = ("cytogate.sim.axi.bench_gate",)
"""Where a gate stands behind the network."""
SOME = 8
"""Frames of the scenarios, and those that a background is taken from; the first ones."""
LEAST_FRAMES = 3
"""Of the scenarios."""
SHELL_CYCLES = "level dpi is C-simulation behind AXI pins: its clocks are the shell's and say nothing about hardware"
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class CosimRequest:
    """What was asked of ``cytogate cosim``."""

    design: Design
    """With the chip that was asked for."""
    level: Level
    input: Path | None
    """Frames of the design's instrument; None for simulated ones."""
    dataset: str | None
    """Array of ``input`` that holds the cells, if its name is not ``frames``."""
    cells: int
    seed: int
    network: bool
    """Go on to the logits: of hls4ml's network at level dpi, of its engines at level rtl, with gate and trigger."""
    binned: bool
    """Frames arrive at the network's size."""
    scenarios: bool
    """Also pauses, malformed packets, registers and resets."""
    waves: bool
    rtl: Path | None
    """What Vitis HLS has exported."""
    output: Path

    @property
    def to_logits(self) -> bool:
        """Whether a network stands behind the kernel."""
        return self.network or (self.level is Level.RTL and self.design.chip.network == RTL)


def run_cosim(request: CosimRequest) -> None:
    """Run the job and raise CheckFailed if a word differs or a scenario fails."""
    began = time.perf_counter()
    named = request.design
    if request.level is not Level.RTL:
        named.need_fft(f"cosim at level {request.level.value}")
    design = binned(named) if request.binned else named
    if request.to_logits and request.level is Level.VITIS:
        raise InputError("level vitis has no network: frames to logits run at levels dpi and rtl")
    build_folder = BUILD_FOLDER / f"{request.level.value}-{design.name}-{request.design.chip.samples_per_clock}"
    frames = _frames(design, request)
    with sole_builder(build_folder), sole_builder(request.output):
        network = None
        if request.to_logits:
            chain = _Network.engines if request.level is Level.RTL else _Network.hls4ml
            network = chain(named, build_folder)
        behind = None if network is None else network.behind
        print(f"Compiling the kernel for level {request.level.value} (cached when nothing changed) ...", flush=True)
        under_test = hardware(
            request.level, design, request.design.chip.samples_per_clock, build_folder, network=behind, rtl=request.rtl
        )
        build = compile_hardware(
            under_test,
            Simulator.VERILATOR,
            build_folder / (under_test.top + ("_waves" if request.waves else "")),
            waves=request.waves,
        )
        known = laws.standing_background(frames[:SOME], design)
        start = None if known is None else replace(known, frozen=False)
        due = _due(laws.Run(design, start).network_inputs(frames), design, request, network)
        run = request.output / "run"
        task = bench_task(request.level, design, request.design.chip.samples_per_clock, behind)
        behind_background(task, frames, design, start).write(run, frames, due)
        measured = run_rate(under_test, build, run, waves=request.waves, show=True)
        recorded = _recorded(run / "stages", frames, design) if request.level is Level.DPI else []
        last = "network_input" if network is None else "logits"
        stages = [
            *(stage for stage in recorded if stage.name != last),
            ExactStage(last, measured.values, measured.differing),
        ]
        clocks = None
        if measured.gate is not None:
            assert isinstance(behind, EngineNetwork)
            # An event that is wrong has ended the run.
            stages += [ExactStage(name, measured.gate.events, 0) for name in ("class", "margin", "flag")]
            clocks = PipelineClocks.of(design, behind, measured.gate)
        scenarios: list[Outcome] = []
        if request.scenarios:
            # They send frames in any order: with a background that stays, these are the same in each.
            some = unclipped(frames[:SOME], design)
            if len(some) < LEAST_FRAMES:
                raise InputError(
                    f"{len(some)} of the first {len(frames[:SOME])} cells lie within the window; the scenarios of a "
                    f"gate need {LEAST_FRAMES} that it may trigger on"
                )
            due = _due(laws.Run(design, known).network_inputs(some), design, request, network)
            behind_background(task, some, design, known).write(request.output / "scenarios", some, due)
            scenarios = _scenarios(under_test, build, request.output / "scenarios", behind)
        report = _report(request, design, measured, stages, clocks, scenarios, time.perf_counter() - began)
        path = request.output / "report.json"
        report.write(path)
        print_report(report, [path, *([waveform(run)] if request.waves else [])])
        report.check()


def run_rate(under_test: Hardware, build: Path, run: Path, *, waves: bool = False, show: bool = False) -> Measured:
    """Send the frames of the task in folder ``run`` back to back; values that differ are counted, all else raises.

    Raises
    ------
    CheckFailed
        If frames are lost, a counter is off or the kernel hangs.
    """
    (run / "measured.json").unlink(missing_ok=True)

    def simulate() -> list[Outcome]:
        return run_benches(under_test, Simulator.VERILATOR, build, RATE, run, waves=waves)

    (outcome,) = _watched(simulate, run / "simulation.log") if show else simulate()
    if not (run / "measured.json").exists():
        raise CheckFailed(f"{outcome.name}: {outcome.failure}")
    measured = Measured.read(run)
    if outcome.failure is not None and not measured.differing:
        raise CheckFailed(f"{outcome.name}: {outcome.failure}")
    return measured


def compare_recorded(stages: Path, frames: NDArray[np.unsignedinteger], design: Design) -> list[ExactStage]:
    """Compare what the DPI shell has recorded in folder ``stages``, stage by stage, with the integer model."""
    rows = contract(design).recorded
    recorded: dict[str, NDArray] = {}
    for row in rows:
        values: NDArray = np.memmap(stages / f"{row.name}.bin", "<i4", mode="r")
        if len(values) != len(frames) * row.size:
            raise CheckFailed(f"stage {row.name}: {len(values)} values where {len(frames)} frames have {row.size} each")
        recorded[row.name] = values.reshape(len(frames), -1)
    differing = {row.name: 0 for row in rows}
    for cell, raw in enumerate(frames):
        exact = laws.exact(np.asarray(raw)[None], design)
        for row in rows:
            due = row.to_stream(np.asarray(exact[row.name][0]))
            differing[row.name] += int(np.count_nonzero(recorded[row.name][cell] != due))
    return [ExactStage(row.name, recorded[row.name].size, differing[row.name]) for row in rows]


@dataclass(frozen=True)
class _Network:
    """The network on integers, and as it stands behind the pins."""

    behind: HlsProject | EngineNetwork
    codes: Callable[[NDArray[np.integer]], Codes]
    """Pixels (cells, rows, columns, channels) to codes of logits (cells, classes)."""

    @staticmethod
    def hls4ml(design: Design, folder: Path) -> _Network:
        from cytogate.hls.network.convert import convert

        print("Converting the network with hls4ml ...", flush=True)
        network = _operations(design)
        return _Network(convert(network, design, folder / "network"), network.classify)

    @staticmethod
    def engines(design: Design, _: Path) -> _Network:
        network = _operations(design)
        return _Network(pipeline_engines(network, design, design.chip.samples_per_clock), network.classify)


def _operations(design: Design) -> IntegerNetwork:
    from cytogate.model.networks.saved import load_operations

    return load_operations(design)


def _frames(design: Design, request: CosimRequest) -> NDArray[np.unsignedinteger]:
    """Return the first cells of the file that was given, or simulated ones: (cells, channels, rows, columns) codes."""
    if request.input is None:
        return np.stack([cell.frames for cell in simulated_cells(design, request.cells, request.seed)])
    with open_frames(request.input, design.camera, not design.retrieves_phase, request.dataset) as file:
        file.check_size(design)
        if design.retrieves_phase:
            # Words are compared whatever they mean, so that a wrong order ends nothing.
            found = check_order(file, design)
            if found.wrong or found.doubtful:
                print(f"{request.input}: {found.sentence}", file=sys.stderr)
        return file.read(0, min(request.cells, file.cells))


def _due(pixels: NDArray[np.integer], design: Design, request: CosimRequest, network: _Network | None) -> Codes:
    """Return the values that are due of pixels (cells, rows, columns, channels), in the order in which they leave."""
    return leaving_values(pixels, design, request.level) if network is None else network.codes(pixels)


def _recorded(stages: Path, frames: NDArray[np.unsignedinteger], design: Design) -> list[ExactStage]:
    """Compare the recorded stages, an exponent with the values that it belongs to."""
    found = {stage.name: stage for stage in compare_recorded(stages, frames, design)}
    for name in [name for name in found if name.endswith(EXPONENT_SUFFIX)]:
        exponents, of = found.pop(name), name.removesuffix(EXPONENT_SUFFIX)
        values, differing = exponents.values + found[of].values, exponents.differing + found[of].differing
        found[of] = ExactStage(of, values, differing)
    return list(found.values())


def _scenarios(
    under_test: Hardware,
    build: Path,
    run: Path,
    behind: HlsProject | EngineNetwork | None,
) -> list[Outcome]:
    print("Pauses, malformed packets, registers and resets ...", flush=True)
    modules = (*SCENARIOS, *GATE_SCENARIOS) if isinstance(behind, EngineNetwork) else SCENARIOS
    return run_benches(under_test, Simulator.VERILATOR, build, modules, run)


def _watched(simulate: Callable[[], list[Outcome]], log: Path) -> list[Outcome]:
    """Run a simulation and show how many of its frames have left."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    log.unlink(missing_ok=True)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with bar, ThreadPoolExecutor(1) as pool:
        simulating = pool.submit(simulate)
        task = bar.add_task("frames through the pins", total=None)
        while True:
            try:
                return simulating.result(timeout=POLL_SECONDS)
            except TimeoutError:
                pass
            except BaseException:
                end_simulations()
                raise
            finally:
                told = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
                for done, total in re.findall(r"^frame (\d+) of (\d+)$", told, re.MULTILINE)[-1:]:
                    bar.update(task, completed=int(done), total=int(total))


def _report(
    request: CosimRequest,
    design: Design,
    measured: Measured,
    stages: list[ExactStage],
    pipeline: PipelineClocks | None,
    scenarios: list[Outcome],
    seconds: float,
) -> CosimReport:
    hardware_clocks = request.level is not Level.DPI
    interval = measured.interval_cycles if hardware_clocks else None
    latency = measured.latency_cycles if hardware_clocks else None
    reason = None if hardware_clocks else SHELL_CYCLES
    if hardware_clocks and interval is None:
        reason = "a single frame has no interval"
    return CosimReport(
        design=design.name,
        level=request.level.value,
        source="simulated" if request.input is None else str(request.input),
        simulator=Simulator.VERILATOR.release,
        samples_per_clock=request.design.chip.samples_per_clock,
        frames=measured.frames,
        raw_rows=design.camera.rows,
        raw_columns=design.camera.columns,
        stages=tuple(stages),
        latency_cycles=latency,
        initiation_interval_cycles=interval,
        clock_mhz=design.chip.clock_mhz,
        latency_us=None if latency is None else latency / design.chip.clock_mhz,
        cells_per_second=None if interval is None else design.chip.clock_mhz * 1e6 / interval,
        pipeline=pipeline,
        reason=reason,
        scenarios=tuple(scenarios),
        seconds=seconds,
    )
