"""Levels at the pins: the HLS C++ behind DPI-C, the SystemVerilog kernel, or RTL that Vitis HLS has exported."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.contract.header import write_header
from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.engine import pipeline
from cytogate.hls.network.project import HlsProject
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.contract.background import Background
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.gate import CELLS_WAITING, DELAY_BITS, HOLD_BITS, PACKETS, clipped_half
from cytogate.model.contract.law import contract
from cytogate.model.contract.recursion import Half
from cytogate.model.design.design import Design
from cytogate.model.engines.engine import EngineNetwork
from cytogate.model.errors import InputError
from cytogate.model.interface import registers
from cytogate.model.interface.background_registers import register_writes
from cytogate.model.interface.frame_layout import lane_bits
from cytogate.model.retrieval import laws
from cytogate.sim.axi.simulator import Hardware
from cytogate.sim.axi.task import BenchTask
from cytogate.sim.csim.compile import build
from cytogate.sim.csim.kernels import BuildFiles, chain_build
from cytogate.sim.rtl.verilator import verilator_root

DPI = FPGA / "dpi"
REGISTERS = "kernel_registers"
"""Module that stands beside a kernel that has streams alone."""
SIMULATED = "simulated_kernel"
"""Module with a kernel's pins around its C++."""
LOGIT_BEAT_BITS = 32
FRAMES_IN_A_KERNEL = 5
"""Before the network, at most."""


class Level(Enum):
    """How far from silicon the kernel is that stands behind the pins."""

    DPI = "dpi"
    """C-simulation of the HLS C++ behind AXI pins: its clocks are the shell's."""
    RTL = "rtl"
    """The SystemVerilog of ``fpga/rtl``."""
    VITIS = "vitis"
    """RTL that Vitis HLS made of ``fpga/src``."""


def bench_task(
    level: Level, design: Design, samples_per_clock: int, network: HlsProject | EngineNetwork | None = None
) -> BenchTask:
    """Return the geometry of a kernel at its pins; with ``network``, of the chain that ends in logits."""
    terms = contract(design)
    rows, columns, channels = terms.stage("network_input").shape
    gate = isinstance(network, EngineNetwork)
    offsets = {row.name: row.offset for row in registers.Register}
    constants = {"IDENTITY": registers.IDENTITY, "VERSION": registers.VERSION, "DESIGN_HASH": design_hash(design)}
    written: dict[str, int] = {}
    if isinstance(network, EngineNetwork):
        classes = network.logits.stream.channels
        offsets |= registers.gate_offsets(classes)
        constants["GATE_IDENTITY"] = registers.GATE_IDENTITY
        written = {"GATE_CLASSES": (1 << classes) - 1, "TRIGGER_DELAY": (1 << DELAY_BITS) - 1}
        written |= {"TRIGGER_HOLD": (1 << HOLD_BITS) - 1} | {f"LEAST_MARGIN_{c}": 0xFFFF_FFFF for c in range(classes)}
        written |= {row.name: 0 for row in registers.GateRegister if row.access is registers.Access.WRITE_TO_CLEAR}
    return BenchTask(
        level=level.value,
        samples_per_clock=samples_per_clock,
        lane_bits=lane_bits(design.camera.adc_bits),
        values_per_beat=samples_per_clock * channels if network is None else 1,
        value_bits=terms.pixel.width if network is None else LOGIT_BEAT_BITS,
        signed=terms.pixel.signed or network is not None,
        pixel_beats=rows * -(-columns // samples_per_clock),
        registers=offsets,
        constants=constants,
        written=written,
        held_frames=PACKETS + CELLS_WAITING if gate else FRAMES_IN_A_KERNEL,
        gate=gate,
    )


def behind_background(
    task: BenchTask, frames: NDArray[np.unsignedinteger], design: Design, background: Background | None
) -> BenchTask:
    """Return the task of frames (cells, channels, rows, columns), with what is remarked on them.

    A background is loaded before them; None: nothing.
    """
    if task.gate:
        codes = tuple(remark.code for remark in laws.remarks(frames, design, background))
        task = replace(task, remarks=codes, clipped_half=clipped_half(design))
    return task if background is None else replace(task, setup=register_writes(background, design.chip.retrieval))


def unclipped(frames: NDArray[np.unsignedinteger], design: Design) -> NDArray[np.unsignedinteger]:
    """Return the frames that are not clipped at an edge: a gate may trigger on them."""
    doubtful = clipped_half(design)
    if doubtful is Half.BOTH:
        return frames
    return frames[[remark.half is not doubtful for remark in laws.remarks(frames, design)]]


def hologram_task(design: Design, calibration: tuple[int, ...]) -> BenchTask:
    """Return the geometry of the kernels of holograms at their pins, which a field's packet leaves."""
    return BenchTask(
        level=Level.DPI.value,
        samples_per_clock=1,
        lane_bits=lane_bits(design.camera.adc_bits),
        values_per_beat=1,
        value_bits=LOGIT_BEAT_BITS,
        signed=True,
        pixel_beats=design.map_size**2,
        registers={row.name: row.offset for row in registers.Register},
        constants={
            "IDENTITY": registers.IDENTITY, "VERSION": registers.VERSION, "DESIGN_HASH": design_hash(design),
        },
        written={},
        held_frames=FRAMES_IN_A_KERNEL,
        gate=False,
        calibration=calibration,
    )  # fmt: skip


def pixel_values(network_input: NDArray[np.integer], samples_per_clock: int) -> Codes:
    """Return cells of pixels (cells, rows, columns, channels) as the values that leave the kernel (cells, values).

    A row begins on a beat of ``samples_per_clock`` pixels of its own: lanes behind its last column are zero.
    """
    spare = -network_input.shape[2] % samples_per_clock
    rows = np.pad(network_input, ((0, 0), (0, 0), (0, spare), (0, 0)))
    return rows.reshape(len(rows), -1).astype(np.int64)


def leaving_values(network_input: NDArray[np.integer], design: Design, level: Level) -> Codes:
    """Return the same in the order in which a kernel's rows leave."""
    upward = level is Level.RTL and contract(design).upward
    return pixel_values(network_input[:, ::-1] if upward else network_input, design.chip.samples_per_clock)


def hardware(
    level: Level,
    design: Design,
    samples_per_clock: int,
    folder: Path,
    *,
    network: HlsProject | EngineNetwork | None = None,
    rtl: Path | None = None,
) -> Hardware:
    """Return the kernel of ``design`` at a level, what is generated of it written into ``folder``.

    ``network`` stands behind it: hls4ml's at level dpi, engines at level rtl. ``rtl`` is the folder of what Vitis HLS
    has exported, for that level.

    Raises
    ------
    InputError
        If the level has no such kernel.
    """
    if level is Level.DPI:
        assert not isinstance(network, EngineNetwork)
        return _dpi(design, samples_per_clock, folder, network)
    if level is Level.VITIS:
        return _vitis(design, samples_per_clock, folder, rtl)
    if isinstance(network, EngineNetwork):
        return _pipeline(design, network, folder)
    return _rtl(design, samples_per_clock, folder)


def _dpi(design: Design, samples_per_clock: int, folder: Path, network: HlsProject | None) -> Hardware:
    program, output = ("kernel", {}) if network is None else ("chain", {"OUTPUT_BITS": LOGIT_BEAT_BITS})
    return _shell(
        design, program, chain_build(design, folder, network), folder, {"SAMPLES": samples_per_clock, **output}
    )


def hologram_hardware(design: Design, network: HlsProject, folder: Path) -> Hardware:
    """Return the kernels of a calibrated off-axis design and its network, C-simulation behind AXI pins."""
    header = write_header(design, folder / "contract").parent
    files = BuildFiles(
        (FPGA / "src" / "retrieve_delay.cpp", *network.sources),
        (header, FPGA / "src", *network.includes),
        network.definitions,
    )
    return _shell(design, "field", files, folder, {"SAMPLES": 1, "OUTPUT_BITS": LOGIT_BEAT_BITS, "HAS_CALIBRATION": 1})


def _shell(design: Design, program: str, files: BuildFiles, folder: Path, parameters: dict[str, int]) -> Hardware:
    """Return a program of ``fpga/dpi`` behind the module that has its pins."""
    library = build(
        folder / f"{program}_dpi.so",
        [DPI / f"{program}.cpp", *files.sources],
        (*files.includes, DPI, verilator_root() / "include" / "vltstd"),
        files.definitions,
        shared=True,
    )
    return Hardware(
        top=SIMULATED,
        sources=(
            write_rtl_package(design, folder),
            *rtl_sources(REGISTERS),
            *(DPI / f"{module}.sv" for module in ("dpi_calibration", "dpi_kernel", SIMULATED)),
        ),
        parameters=parameters,
        library=library,
    )


def _rtl(design: Design, samples_per_clock: int, folder: Path) -> Hardware:
    package, kernel = write_rtl_package(design, folder), contract(design).kernel
    return Hardware(
        top=kernel,
        sources=(package, *rtl_sources(kernel)),
        parameters={"SAMPLES": samples_per_clock},
        memories=tuple(sorted(folder.glob("*.mem"))),
    )


def _pipeline(design: Design, network: EngineNetwork, folder: Path) -> Hardware:
    package, tops = write_rtl_package(design, folder), pipeline.write_pipeline(network, design, folder)
    return Hardware(
        top=pipeline.TOP,
        sources=(package, *rtl_sources(*pipeline.pipeline_modules(network, design)), *tops),
        parameters={},
        memories=tuple(sorted(folder.glob("*.mem"))),
    )


def _vitis(design: Design, samples_per_clock: int, folder: Path, rtl: Path | None) -> Hardware:
    if rtl is None:
        raise InputError("level vitis wants --rtl FOLDER, the Verilog that Vitis HLS has exported of fpga/src")
    exported = sorted(path for path in rtl.rglob("*") if path.suffix in {".v", ".sv"})
    kernel = contract(design).kernel
    if not any(path.stem == kernel for path in exported):
        raise InputError(f"{rtl}: holds no {kernel}.v; name the folder that Vitis HLS exported, its hdl/verilog")
    if samples_per_clock != 1:
        raise InputError(f"level vitis takes 1 sample per clock, not {samples_per_clock}: fpga/src is written so")
    return Hardware(
        top="vitis_kernel",
        sources=(
            write_rtl_package(design, folder), *rtl_sources(REGISTERS), DPI / "vitis_kernel.sv", *exported,
        ),
        parameters={},
        includes=(rtl,),
        memories=tuple(sorted(rtl.rglob("*.dat"))),
        macros=(("CYTOGATE_KERNEL", kernel),),
    )  # fmt: skip
