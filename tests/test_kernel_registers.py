"""The registers beside a kernel of Vitis HLS, as the block design has them, under the benches of the whole kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.retrieval import integer
from cytogate.sim.axi.job import SCENARIOS, run_rate
from cytogate.sim.axi.levels import DPI, Level, bench_task, hardware, pixel_values
from cytogate.sim.axi.simulator import Hardware, Simulator, compile_hardware, run_benches
from tests.conftest import REPOSITORY
from tests.test_cosim import SMALL, failures, frames_of

SOURCES = (
    *rtl_sources("kernel_registers"),
    FPGA / "board" / "kernel_registers_block.v", DPI / "dpi_kernel.sv", REPOSITORY / "tests" / "hls_kernel.sv",
)  # fmt: skip


def kernel(folder: Path, builds: Path, sources: tuple[Path, ...]) -> tuple[Hardware, Path]:
    computing = hardware(Level.DPI, SMALL, 1, builds / f"cosim-{SMALL.name}")
    under_test = Hardware(
        top="hls_kernel",
        sources=(write_rtl_package(SMALL, folder), *sources),
        parameters={},
        library=computing.library,
    )
    return under_test, compile_hardware(under_test, Simulator.VERILATOR, folder / "verilator", waves=False)


def test_as_the_block_design_has_them(builds: Path, tmp_path: Path) -> None:
    """The Verilog around them; the registers themselves stand beside every kernel of level dpi."""
    under_test, build = kernel(builds / "kernel_registers", builds, SOURCES)
    frames = frames_of(SMALL)[:5]
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, 1)
    bench_task(Level.DPI, SMALL, 1).write(tmp_path, frames, due)
    measured = run_rate(under_test, build, tmp_path)
    assert (measured.frames, measured.values, measured.differing) == (5, due.size, 0)
    only = r"first_and_last|registers_after_reset"
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, SCENARIOS, tmp_path, only=only)
    assert not failures(outcomes)
    assert len(outcomes) == 8


FAULTS = {
    "a long packet is a frame": ("beats == FRAME_BEATS - 1", "beats >= FRAME_BEATS - 1"),
    "short and long exchanged": ("beats < FRAME_BEATS - 1;", "beats > FRAME_BEATS - 1;"),
    "soft reset does not reach the kernel": ("core_aresetn <= aresetn && !soft_reset", "core_aresetn <= aresetn"),
    "packets counted from one": ("frame_ended) beats <= '0;", "frame_ended) beats <= 1;"),
}


@pytest.mark.full
@pytest.mark.mutants
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, builds: Path, tmp_path: Path) -> None:
    right, wrong = FAULTS[name]
    text = (FPGA / "rtl" / "kernel_registers.sv").read_text(encoding="ascii")
    assert right in text
    changed = tmp_path / "kernel_registers.sv"
    changed.write_text(text.replace(right, wrong), encoding="ascii")
    sources = tuple(changed if path.name == changed.name else path for path in SOURCES)
    under_test, build = kernel(tmp_path / "build", builds, sources)
    frames = frames_of(SMALL)[:5]
    due = pixel_values(integer.retrieve(frames, SMALL).network_input, 1)
    bench_task(Level.DPI, SMALL, 1).write(tmp_path, frames, due)
    only = r"first_and_last|reset|flags"
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, SCENARIOS, tmp_path, only=only)
    assert failures(outcomes), f"{name} went unseen"
