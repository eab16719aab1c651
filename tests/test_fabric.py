"""Stream unit and phase retrieval joined as in the block design, in SystemVerilog throughout, from DMA to DMA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytogate.hls.contract.package import write_rtl_package
from cytogate.hls.sources import FPGA, rtl_sources
from cytogate.model.retrieval import integer
from cytogate.sim.axi.packing import input_beats
from cytogate.sim.axi.simulator import Hardware, Simulator, compile_hardware, run_benches
from tests.conftest import REPOSITORY
from tests.test_cosim import SMALL, failures, frames_of

SAMPLES, CLASSES, WORD = 8, 5, 1 << 32


@pytest.mark.full
def test_from_dma_to_dma(builds: Path, tmp_path: Path) -> None:
    folder = builds / "fabric"
    package = write_rtl_package(SMALL, folder)
    blocks = [FPGA / "board" / f"{name}_block.v" for name in ("stream_unit", "retrieve_phase")]
    under_test = Hardware(
        top="fabric",
        sources=(package, *rtl_sources("stream_unit", "retrieve_phase"), *blocks, REPOSITORY / "tests" / "fabric.sv"),
        parameters={"SAMPLES": SAMPLES},
        memories=tuple(sorted(folder.glob("*.mem"))),
    )
    build = compile_hardware(under_test, Simulator.VERILATOR, folder / "verilator", waves=False)
    frames = frames_of(SMALL)[:4]
    pixels = integer.retrieve(frames, SMALL).network_input
    beats = [input_beats(frame, SAMPLES, 8) for frame in frames]
    octets = [b"".join(beat.to_bytes(4 * SAMPLES, "little") for beat in cell) for cell in beats]
    np.save(tmp_path / "beats.npy", np.frombuffer(b"".join(octets), np.uint8).reshape(len(frames), -1, 4 * SAMPLES))
    np.save(tmp_path / "logits.npy", np.array([logits_of(cell) for cell in pixels], np.uint32))
    outcomes = run_benches(under_test, Simulator.VERILATOR, build, ["tests.fabric_bench"], tmp_path)
    assert not failures(outcomes)
    assert len(outcomes) == 2


def logits_of(pixels: np.ndarray) -> list[int]:
    """Return the logits of the network's stand-in in fabric.sv for a cell's pixels (N, N, 5)."""
    state = 0
    for *bright, phase in pixels.reshape(-1, 5).tolist():
        state = (state << 1 | state >> 31) % WORD ^ int.from_bytes(bytes(bright), "little") ^ phase
    return [(state + index) % WORD for index in range(CLASSES)]
