"""The job of ``cytogate bitstream``: kernels by Vitis HLS, a system by Vivado, timing judged, a bundle written.

Steps that ended well are kept as long as nothing they depend on changes, so that an interruption costs the step that
was running. A bundle appears only when every constraint is met.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cytogate.hls.board.build import IP, NETWORK, SYSTEM, TCL, BoardBuild, require_plain_paths
from cytogate.hls.board.manifest import manifest_of, write_calibration
from cytogate.hls.board.reports import KernelReport, Slacks, read_kernel, read_timing, read_utilization
from cytogate.hls.board.vendor import Tools, find_tools, run_step
from cytogate.hls.engine.pipeline import pipeline_engines
from cytogate.model.command.files import whole_file
from cytogate.model.command.locks import sole_builder
from cytogate.model.command.terminal import terminal
from cytogate.model.design.boards import CLOCK_TOLERANCE
from cytogate.model.design.design import HLS4ML, Design
from cytogate.model.design.instruments import OffAxis
from cytogate.model.engines.fit import check_engines_fit
from cytogate.model.errors import CheckFailed, InputError
from cytogate.model.estimates.area import AreaReport, area_report, area_table, samples
from cytogate.model.estimates.holograms import check_holograms_fit
from cytogate.model.estimates.system import check_fit
from cytogate.model.interface.bundle import BITSTREAM, DESCRIPTION, Bundle, write_bundle

if TYPE_CHECKING:
    from cytogate.hls.network.project import HlsProject

KERNEL_DEADLINE_S = 8 * 3600.0
SYSTEM_DEADLINE_S = 24 * 3600.0
STAMP = "done.sha256"
CSYNTH = Path("project", "solution", "syn", "report", "csynth.xml")
RESULTS = Path("results")
TIMING, UTILIZATION = RESULTS / "timing.rpt", RESULTS / "utilization.rpt"


@dataclass(frozen=True)
class BitstreamRequest:
    """What was asked of ``cytogate bitstream``."""

    design: Design
    """With the chip that was asked for."""
    settings: Path | None
    """Script that puts the vendor's tools on PATH."""
    output: Path


@dataclass(frozen=True)
class BitstreamReport:
    """``out/bitstream/report.json``."""

    design: str
    samples_per_clock: int
    area: AreaReport
    """Of the routed design."""
    seconds: float
    part: str
    kernel: str
    clock_mhz: float
    fmax_mhz: float
    """At which the worst path would just be met."""
    timing: Slacks
    kernels: tuple[KernelReport, ...]
    """Predicted by C-synthesis."""

    def write(self, path: Path) -> None:
        """Write the report as JSON."""
        with whole_file(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def check(self) -> None:
        """Raise :class:`CheckFailed` with every constraint that is missed, or if another clock was timed."""
        if abs(self.timing.clock_mhz - self.clock_mhz) > CLOCK_TOLERANCE * self.clock_mhz:
            raise CheckFailed(
                f"{self.design} on {self.area.board}: Vivado has timed {self.timing.clock_mhz:g} MHz, and the design "
                f"has {self.clock_mhz:g} MHz; there is no bundle"
            )
        if self.timing.missed:
            raise CheckFailed(
                f"{self.design} on {self.area.board} misses its timing at {self.clock_mhz:g} MHz: "
                f"{', '.join(self.timing.missed)}; there is no bundle"
            )


def run_bitstream(request: BitstreamRequest) -> None:
    """Run the job and raise CheckFailed if a timing constraint is missed.

    Raises
    ------
    InputError
        If the design cannot fit the board by the estimate, before anything is started; if a tool is missing or fails.
    """
    began = time.perf_counter()
    from cytogate.model.networks.saved import load_operations
    from cytogate.model.networks.shapes import shapes_of

    design, chip = request.design, request.design.chip
    design.need_whole_chip("bitstream")
    # A network that is missing or wrong is told before any tool is asked for.
    operations = load_operations(design)
    engines = None
    if isinstance(design.instrument, OffAxis):
        check_holograms_fit(design, chip.on, shapes_of(operations))
    elif chip.network == HLS4ML:
        check_fit(design, chip.on, chip.samples_per_clock, shapes_of(operations))
    else:
        # Planned for the board; Vivado says whether they fit.
        engines = pipeline_engines(operations, design, chip.samples_per_clock)
        check_engines_fit(design, operations, engines)
    _check_narrowing(design)
    require_plain_paths(request.output)
    network = "" if engines is None else f"-{chip.network}"
    folder = request.output / "build" / f"{chip.board}-{design.name}-{chip.kernel}{network}-{chip.samples_per_clock}"
    tools = find_tools(request.settings)
    with sole_builder(folder):
        calibration = write_calibration(design, folder)
        project = _network(design, folder / NETWORK)
        build = BoardBuild(design, project, folder, engines)
        build.write()
        for kernel in build.hls_sources:
            _step(build, kernel, tools)
        _step(build, SYSTEM, tools)

    report = _report(build, tools, time.perf_counter() - began)
    path = request.output / "report.json"
    report.write(path)
    _print(report, path)
    report.check()
    bundle = _bundle(build, tools, request.output, calibration)
    print(f"written: {bundle.path}")


def _check_narrowing(design: Design) -> None:
    """Refuse rows that end within a beat: the block design's converter would pass the spare places on as pixels."""
    samples, columns = design.chip.samples_per_clock, design.window.columns
    if not design.retrieves_phase and columns % samples:
        raise InputError(
            f"design {design.name}: {columns} columns are no multiple of its {samples} samples per clock; choose fewer "
            f"samples per clock, or a window of a multiple"
        )


def _network(design: Design, folder: Path) -> HlsProject:
    from cytogate.hls.network.convert import convert
    from cytogate.model.networks.saved import load_operations

    print("Converting the network with hls4ml ...", flush=True)
    return convert(load_operations(design), design, folder)


def _step(build: BoardBuild, step: str, tools: Tools) -> None:
    """Run one step in a folder of its own, unless it has ended well with the same inputs before."""
    folder = build.folder / step
    digest = build.digest(step, tools.vivado_release if step == SYSTEM else tools.vitis_release)
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        print(f"{step}: kept, nothing has changed", flush=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if step == SYSTEM:
        print(f"{step}: Vivado {tools.vivado_release} (hours; see {folder / 'log'}) ...", flush=True)
        command = [str(tools.vivado), "-mode", "batch", "-nojournal", "-notrace", "-source", str(TCL / "system.tcl")]
        leaves = [TIMING, UTILIZATION, RESULTS / BITSTREAM, RESULTS / DESCRIPTION]
        deadline = SYSTEM_DEADLINE_S
    else:
        print(f"{step}: Vitis HLS {tools.vitis_release} (up to an hour; see {folder / 'log'}) ...", flush=True)
        command = [str(tools.vitis_run), "--mode", "hls", "--tcl", str(TCL / "kernel.tcl")]
        leaves = [CSYNTH, IP / "component.xml"]
        deadline = KERNEL_DEADLINE_S
    run_step(command, folder, tools.environment, deadline, [str(path) for path in leaves])
    with whole_file(stamp) as partial:
        partial.write_text(digest, encoding="ascii")


def _report(build: BoardBuild, tools: Tools, seconds: float) -> BitstreamReport:
    system = build.folder / SYSTEM
    timing, used = read_timing(system / TIMING), read_utilization(system / UTILIZATION)
    return BitstreamReport(
        design=build.design.name,
        samples_per_clock=build.design.chip.samples_per_clock,
        area=area_report(
            build.board,
            f"{build.board.part}, Vivado {tools.vivado_release}, Vitis HLS {tools.vitis_release}",
            used.area,
            used.modules,
        ),
        seconds=seconds,
        part=build.board.part,
        kernel=build.design.chip.kernel,
        clock_mhz=build.design.chip.clock_mhz,
        fmax_mhz=1e3 / (1e3 / build.design.chip.clock_mhz - timing.setup_ns),
        timing=timing,
        kernels=tuple(read_kernel(build.folder / kernel / CSYNTH) for kernel in build.hls_sources),
    )


def _bundle(build: BoardBuild, tools: Tools, output: Path, calibration: Mapping[str, Path]) -> Bundle:
    manifest = manifest_of(build.design, build.project, tools.vivado_release, tools.vitis_release)
    files = {name: build.folder / SYSTEM / RESULTS / name for name in (BITSTREAM, DESCRIPTION)}
    return write_bundle(
        output / f"cytogate-{build.board.name}-{build.design.name}.zip",
        manifest,
        build.design,
        {**files, **calibration},
    )


def _print(report: BitstreamReport, path: Path) -> None:
    console = terminal()
    console.print(area_table(f"{report.design}, {samples(report.samples_per_clock)}", report.area))
    for kernel in report.kernels:
        console.print(
            f"{kernel.name}: predicted latency {_cycles(kernel.latency_cycles)}, a frame every "
            f"{_cycles(kernel.interval_cycles)}."
        )
    console.print(
        f"Slack at {report.clock_mhz:g} MHz: setup {report.timing.setup_ns:.3f} ns, "
        f"hold {report.timing.hold_ns:.3f} ns, pulse width {report.timing.pulse_width_ns:.3f} ns; "
        f"{report.fmax_mhz:.1f} MHz would be met.",
        soft_wrap=True,
    )
    console.print(f"{report.seconds:.0f} s; written: {path}", soft_wrap=True)


def _cycles(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,} clocks"
