"""The stream unit under cocotb: every batch gets its own logits and its receipt, whatever its transfer was like.

``test_a_fault_is_seen`` changes one line of the SystemVerilog at a time and wants red.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from cytogate.hls.contract.constants import design_hash
from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.design.folder import load_design
from cytogate.model.interface import registers
from cytogate.sim.axi.simulator import Hardware, Outcome, Simulator, compile_hardware, run_benches
from cytogate.sim.axi.stream_task import StreamTask

DESIGN = load_design("qatom64")
MODULES = tuple(path.stem for path in rtl_sources("stream_unit"))
FRAME_BEATS = 11
WEIGHTS_HASH = 0xC0FFEE11
BENCH = ["cytogate.sim.axi.bench_stream"]
CASES = 9 + 1 + 1 + 1 + 5


def unit(folder: Path, samples: int, beat_bits: int, sources: Path) -> Hardware:
    return Hardware(
        top="stream_unit",
        sources=(write_rtl_package(DESIGN, folder), *(sources / f"{name}.sv" for name in MODULES)),
        parameters={
            "SAMPLES": samples, "BEAT_BITS": beat_bits, "FRAME_BEATS": FRAME_BEATS, "WEIGHTS_HASH": WEIGHTS_HASH,
        },
    )  # fmt: skip


def play(under_test: Hardware, build: Path, folder: Path, only: str | None = None) -> list[Outcome]:
    constants = {
        "IDENTITY": registers.STREAM_IDENTITY,
        "VERSION": registers.STREAM_VERSION,
        "DESIGN_HASH": design_hash(DESIGN),
        "WEIGHTS_HASH": WEIGHTS_HASH,
    }
    parameters = under_test.parameters
    StreamTask(parameters["BEAT_BITS"] // 8, FRAME_BEATS, constants).write(folder)
    return run_benches(under_test, Simulator.VERILATOR, build, BENCH, folder, only=only)


@pytest.mark.parametrize(
    ("samples", "beat_bits"),
    [
        (1, 32),
        (4, 256),
        *(pytest.param(samples, bits, marks=pytest.mark.full) for samples, bits in ((2, 64), (8, 256), (8, 1024))),
    ],
)
def test_every_scenario(samples: int, beat_bits: int, builds: Path, tmp_path: Path) -> None:
    under_test = unit(builds / "stream_unit", samples, beat_bits, FPGA / "rtl")
    folder = builds / "stream_unit" / f"verilator-{samples}-{beat_bits}"
    build = compile_hardware(under_test, Simulator.VERILATOR, folder, waves=False)
    outcomes = play(under_test, build, tmp_path)
    assert not [f"{outcome.name}: {outcome.failure}" for outcome in outcomes if outcome.failure is not None]
    assert len(outcomes) == CASES


@dataclass(frozen=True)
class Fault:
    """A change of one module, and the scenario that must see it."""

    module: str
    right: str
    wrong: str
    scenario: str


FAULTS = {
    "a frame ends late": Fault("batch_cutter", "32'(FRAME_BEATS - 1)", "32'(FRAME_BEATS)", "batches_of_all_kinds"),
    "a piece keeps no TLAST": Fault(
        "batch_cutter", "s_axis_tlast || frame_complete;", "frame_complete;", "batches_of_all_kinds"
    ),
    "a piece counts on": Fault(
        "batch_cutter", "m_axis_tlast ? '0 : beat", "frame_complete ? '0 : beat", "batches_of_all_kinds"
    ),
    "counts too early": Fault("batch_cutter", ".CLOCKS(3)", ".CLOCKS(2)", "batches_of_all_kinds"),
    "no place needed": Fault("batch_cutter", "m_axis_tready && room", "m_axis_tready", "batches_wait"),
    "CRC never starts anew": Fault("packet_crc", "last_2 ? '1 : moved", "moved", "batches_of_all_kinds"),
    "CRC lacks a beat": Fault("packet_crc", "~(moved ^ beat_part)", "~running", "batches_of_all_kinds"),
    "CRC of other bits": Fault("crc_part", "32'hedb88320", "32'h82f63b78", "batches_of_all_kinds"),
    "receipt a cell early": Fault("batch_joiner", "cells >= frames", "cells + 1 >= frames", "batches_of_all_kinds"),
    "a logit of the next batch": Fault(
        "batch_joiner", "!complete && m_axis_tready", "m_axis_tready", "batches_of_all_kinds"
    ),
    "receipt a word short": Fault("batch_joiner", "RECEIPT_WORDS - 1)", "RECEIPT_WORDS - 2)", "batches_of_all_kinds"),
    "batch number stands": Fault("batch_joiner", "batches_left + 1'b1", "batches_left", "batches_of_all_kinds"),
    "logits are not in the CRC": Fault("batch_joiner", "crc ^ s_axis_tdata", "crc", "batches_of_all_kinds"),
    "five places given": Fault("stream_unit", ".COUNT(BATCHES)", ".COUNT(BATCHES + 1)", "batches_wait"),
    "reset answered at once": Fault("stream_registers", ".busy(resetting)", ".busy(1'b0)", "reset_in_the_middle"),
    "reset too short": Fault(
        "stream_registers",
        "RESET_CLOCKS + SETTLING_CLOCKS",
        "RESET_CLOCKS + SETTLING_CLOCKS - 1",
        "reset_in_the_middle",
    ),
    "reset forgets the joiner": Fault(
        "stream_unit",
        "batch_joiner batch_joiner (\n      .clk(aclk), .rst,",
        "batch_joiner batch_joiner (\n      .clk(aclk), .rst(!aresetn),",
        "reset_in_the_middle",
    ),
    "beats pass in reset": Fault(
        "batch_cutter",
        "assign s_axis_tready = m_axis_tready && room && !rst",
        "assign s_axis_tready = m_axis_tready && room",
        "reset",
    ),
    "another register": Fault(
        "stream_registers", "STREAM_FRAMES_IN_OFFSET", "STREAM_CELLS_OUT_OFFSET", "registers|all"
    ),
    "stalls are not counted": Fault("stream_unit", "m_dma_tvalid && !m_dma_tready", "1'b0", "batches_wait"),
}


@pytest.mark.full
@pytest.mark.mutants
@pytest.mark.parametrize(("samples", "beat_bits"), [(1, 32), (4, 256)])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen(name: str, samples: int, beat_bits: int, tmp_path: Path) -> None:
    fault = FAULTS[name]
    sources = tmp_path / "rtl"
    sources.mkdir()
    for module in MODULES:
        text = (FPGA / "rtl" / f"{module}.sv").read_text(encoding="ascii")
        if module == fault.module:
            assert fault.right in text, f"{module}.sv holds no {fault.right}"
            text = text.replace(fault.right, fault.wrong)
        (sources / f"{module}.sv").write_text(text, encoding="ascii")
    under_test = unit(tmp_path, samples, beat_bits, sources)
    build = compile_hardware(under_test, Simulator.VERILATOR, tmp_path / "verilator", waves=False)
    outcomes = play(under_test, build, tmp_path, only=fault.scenario)
    assert [outcome for outcome in outcomes if outcome.failure is not None], f"{name} went unseen"
