"""Batches through the fabric, from the DMA's side: each cell's logits in its own packet, after faults and resets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from cytogate.model.interface.registers import RECEIPT_MARK, ReceiptWord, StreamControl, StreamRegister
from cytogate.sim.axi.patterns import at_random
from cytogate.sim.axi.task import TASK_VARIABLE

CLOCK_NS = 10
DEADLINE_CLOCKS = 200_000
BEAT_BYTES = 32


@cocotb.test()
@cocotb.parametrize(paused=[False, True])
async def batches_pieces_and_a_reset(dut: Any, paused: bool) -> None:
    """Send batches of one and more cells, pieces of frames between them, and reset in the middle of a frame."""
    folder = Path(os.environ[TASK_VARIABLE])
    beats, logits = np.load(folder / "beats.npy"), np.load(folder / "logits.npy")
    Clock(dut.aclk, CLOCK_NS, unit="ns").start()
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_dma"), dut.aclk, dut.aresetn, False)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_dma"), dut.aclk, dut.aresetn, False)
    lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, False)
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    if paused:
        source.set_pause_generator(at_random(1))
        sink.set_pause_generator(at_random(2))

    async def send(cells: list[int], piece: int = 0) -> None:
        data = b"".join(beats[cell].tobytes() for cell in cells) + beats[0].tobytes()[: piece * BEAT_BYTES]
        await source.send(AxiStreamFrame(data))

    async def expect(batch: int, cells: list[int], piece: int = 0) -> None:
        packet = await with_timeout(sink.recv(), DEADLINE_CLOCKS * CLOCK_NS, "ns")
        found = np.frombuffer(bytes(packet.tdata), "<u4")
        due = logits[cells].ravel()
        receipt = found[-len(ReceiptWord) :]
        assert found[: -len(ReceiptWord)].tolist() == due.tolist(), f"batch {batch}"
        assert receipt[: ReceiptWord.BEATS_LEFT + 1].tolist() == [RECEIPT_MARK, batch, len(cells), piece]

    jobs: list[tuple[list[int], int]] = [([0, 1], 0), ([2], 77), ([], 1), ([3, 0], 0)]
    for cells, piece in jobs:
        await send(cells, piece)
    for batch, (cells, piece) in enumerate(jobs):
        await expect(batch, cells, piece)

    await send([1, 2, 3])
    await ClockCycles(dut.aclk, 6 * len(beats[0]))
    await lite.write(StreamRegister.CONTROL.offset, int(StreamControl.RESET).to_bytes(4, "little"))
    for side in (source, sink):
        side.assert_reset(True)
        side.clear()
        side.assert_reset(False)
    await lite.write(StreamRegister.CONTROL.offset, int(StreamControl.RESET).to_bytes(4, "little"))
    for batch, cells in enumerate(([3], [1, 0])):
        await send(cells)
        await expect(batch, cells)
    found = await lite.read(StreamRegister.WEIGHTS_HASH.offset, 4)
    assert int.from_bytes(found.data, "little") == 0xFFFF_FFFE
