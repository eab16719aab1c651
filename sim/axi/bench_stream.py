"""The stream unit at its pins: batches of frames in, frames out, logits in, batches of logits and receipts out.

A kernel of a few lines stands between: it drops what is no whole frame and answers each frame with logits that follow
from its words, so that a logit in the wrong packet is seen.
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from cytogate.model.interface.registers import (
    RECEIPT_MARK,
    STREAM_RESET_CLOCKS,
    ReceiptWord,
    StreamControl,
    StreamRegister,
)
from cytogate.sim.axi.clock import CLOCK_NS
from cytogate.sim.axi.patterns import Pauses, at_random, bursts, none
from cytogate.sim.axi.stream_task import StreamTask
from cytogate.sim.axi.task import TASK_VARIABLE

CLASSES = 5
WORD = 1 << 32
DEADLINE_CLOCKS = 20_000
REGISTER_DEADLINE_CLOCKS = 200
SEED = 31


class StreamBench:
    """The unit, a DMA on both of its sides, and a stand-in for the kernels."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.task = StreamTask.read(Path(os.environ[TASK_VARIABLE]))
        self.draw = random.Random(SEED)
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
        Clock(dut.aclk, CLOCK_NS, unit="ns").start()
        self.dma_in = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_dma"), dut.aclk, dut.aresetn, False)
        self.frames = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_frames"), dut.aclk, dut.aresetn, False)
        self.logits = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_logits"), dut.aclk, dut.stream_aresetn, False)
        self.dma_out = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_dma"), dut.aclk, dut.stream_aresetn, False)
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, False)
        self.stalled = 0
        """Clocks since reset in which an offered beat of m_dma was not taken."""
        self.packets = 0
        """Compared so far."""

    async def start(self, idle: Pauses = none, backpressure: Pauses = none) -> None:
        """Reset, choose the pauses of all sides, and let the stand-in work."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)
        for offset, source in enumerate((self.dma_in, self.logits)):
            source.set_pause_generator(idle(SEED + offset))
        for offset, sink in enumerate((self.frames, self.dma_out)):
            sink.set_pause_generator(backpressure(SEED + 2 + offset))
        for side in ("m_frames", "m_dma"):
            cocotb.start_soon(self._hold_to_the_rules(side))
        cocotb.start_soon(self._compute())

    def transfer(self, beats: int) -> bytes:
        """Return the bytes of a transfer of random words."""
        return self.draw.randbytes(beats * self.task.beat_bytes)

    def frames_of(self, transfer: bytes) -> tuple[list[bytes], int]:
        """Return the whole frames of a transfer, and how many beats are left."""
        size = self.task.frame_beats * self.task.beat_bytes
        whole = [transfer[start : start + size] for start in range(0, len(transfer) - size + 1, size)]
        return whole, (len(transfer) - len(whole) * size) // self.task.beat_bytes

    async def expect(self, batch: int, transfer: bytes) -> None:
        """Wait for the packet of a batch and compare all of its words."""
        packet = await self.within(self.dma_out.recv())
        whole, left = self.frames_of(transfer)
        logits = [logit for frame in whole for logit in logits_of(frame)]
        receipt = {
            ReceiptWord.MARK: RECEIPT_MARK,
            ReceiptWord.BATCH: batch,
            ReceiptWord.FRAMES: len(whole),
            ReceiptWord.BEATS_LEFT: left,
            ReceiptWord.INPUT_CRC: zlib.crc32(transfer),
            ReceiptWord.OUTPUT_CRC: zlib.crc32(np.array(logits, "<u4").tobytes()),
        }
        due = [*logits, *(receipt[word] for word in ReceiptWord)]
        found = np.frombuffer(bytes(packet.tdata), "<u4").tolist()
        assert found == due, f"batch {batch} of {len(whole)} frames and {left} beats: {found} where {due} is due"
        self.packets += 1

    async def finish(self, transfers: Sequence[bytes]) -> None:
        """Fail if anything more leaves or a counter is off."""
        await ClockCycles(self.dut.aclk, 20 * self.task.frame_beats)
        assert self.dma_out.empty(), "a packet left that nobody is due"
        assert self.packets, "nothing was compared"
        frames = sum(len(self.frames_of(transfer)[0]) for transfer in transfers)
        counted = [
            await self.read(register)
            for register in (
                StreamRegister.BATCHES_IN,
                StreamRegister.BATCHES_OUT,
                StreamRegister.FRAMES_IN,
                StreamRegister.CELLS_OUT,
                StreamRegister.STALLED_CYCLES,
            )
        ]
        due = [len(transfers), len(transfers), frames, frames, self.stalled]
        assert counted == due, f"batches in and out, frames, cells and stalled clocks are {counted}, not {due}"

    async def read(self, register: StreamRegister) -> int:
        """Return a register's value."""
        response, value = await self.read_at(register.offset)
        assert response == AxiResp.OKAY, f"register {register.name} answers {response.name}"
        return value

    async def read_at(self, offset: int) -> tuple[AxiResp, int]:
        """Return response and value of any address."""
        done = await self.within(self.lite.read(offset, 4), REGISTER_DEADLINE_CLOCKS)
        return done.resp, int.from_bytes(done.data, "little")

    async def write_at(self, offset: int, value: int) -> None:
        """Write any address."""
        await self.within(self.lite.write(offset, value.to_bytes(4, "little")), REGISTER_DEADLINE_CLOCKS)

    async def within(self, waiting: Any, clocks: int = DEADLINE_CLOCKS) -> Any:
        """Wait at most so many clocks."""
        return await with_timeout(waiting, clocks * CLOCK_NS, "ns")

    async def _compute(self) -> None:
        """Stand in for the kernels."""
        size = self.task.frame_beats * self.task.beat_bytes
        while True:
            frame = await self.frames.recv()
            assert len(frame.tdata) <= size, f"a frame of {len(frame.tdata)} bytes where {size} make one"
            if len(frame.tdata) == size:
                words = np.array(logits_of(bytes(frame.tdata)), "<u4")
                await self.logits.send(AxiStreamFrame(words.tobytes()))

    async def _hold_to_the_rules(self, side: str) -> None:
        """Fail if an offered beat changes before it is taken (IHI0051A, 2.2.1), and count the stalls of m_dma."""
        dut, edge = self.dut, RisingEdge(self.dut.aclk)
        valid, ready, data, last = (getattr(dut, f"{side}_{name}") for name in ("tvalid", "tready", "tdata", "tlast"))
        offered: tuple[int, bool] | None = None
        while True:
            await edge
            if not dut.stream_aresetn.value:
                offered, self.stalled = None, 0
                continue
            if not valid.value:
                assert offered is None, f"{side}: TVALID fell before its beat was taken"
                continue
            beat = int(data.value), bool(last.value)
            assert offered in (None, beat), f"{side}: a beat changed before it was taken"
            offered = None if ready.value else beat
            self.stalled += side == "m_dma" and not ready.value


def logits_of(frame: bytes) -> list[int]:
    """Return the stand-in's logits of a frame."""
    return [(zlib.crc32(frame) * (index + 3)) % WORD for index in range(CLASSES)]


@cocotb.test()
@cocotb.parametrize(idle=[none, at_random, bursts], backpressure=[none, at_random, bursts])
async def batches_of_all_kinds(dut: Any, idle: Pauses, backpressure: Pauses) -> None:
    """Whole frames, pieces, and both: each transfer ends in its own packet."""
    bench = StreamBench(dut)
    await bench.start(idle, backpressure)
    whole = bench.task.frame_beats
    lengths = [whole, 3 * whole, whole - 1, 1, 2 * whole + 1, 1, 1, whole + whole // 2, 2 * whole, 3 * whole - 1]
    lengths += [bench.draw.randint(1, 3 * whole) for _ in range(20)]
    transfers = [bench.transfer(beats) for beats in lengths]
    for transfer in transfers:
        await bench.dma_in.send(AxiStreamFrame(transfer))
    for batch, transfer in enumerate(transfers):
        await bench.expect(batch, transfer)
    await bench.finish(transfers)


@cocotb.test()
async def batches_wait_for_their_receipts(dut: Any) -> None:
    """Take no more batches than there are places for counts, and lose none."""
    bench = StreamBench(dut)
    await bench.start()
    bench.dma_out.set_pause_generator(itertools.repeat(True))
    transfers = [bench.transfer(beats) for beats in (1, 2, 1, 3, 1, bench.task.frame_beats, 1)]
    for transfer in transfers:
        await bench.dma_in.send(AxiStreamFrame(transfer))
    await ClockCycles(dut.aclk, 100)
    assert await bench.read(StreamRegister.BATCHES_IN) == 4
    bench.dma_out.set_pause_generator(itertools.repeat(False))
    for batch, transfer in enumerate(transfers):
        await bench.expect(batch, transfer)
    await bench.finish(transfers)


@cocotb.test()
async def no_gap_between_beats(dut: Any) -> None:
    """Pass a transfer that has no pauses at a beat a clock."""
    bench = StreamBench(dut)
    await bench.start()
    transfer = bench.transfer(8 * bench.task.frame_beats)
    edge, waited = RisingEdge(dut.aclk), 0
    await bench.dma_in.send(AxiStreamFrame(transfer))
    while not dut.s_dma_tvalid.value:
        await edge
    while dut.s_dma_tvalid.value:
        await edge
        waited += 1
    assert waited == 8 * bench.task.frame_beats
    await bench.expect(0, transfer)
    await bench.finish([transfer])


@cocotb.test()
async def registers(dut: Any) -> None:
    """Constants are there, counters are zero, the rest reads zero; ones everywhere else change nothing."""
    bench = StreamBench(dut)
    await bench.start()
    offsets = {register.offset: bench.task.constants.get(register.name, 0) for register in StreamRegister}
    assert len(bench.task.constants) == 4
    for _ in range(2):
        for offset in range(0, 256, 4):
            assert await bench.read_at(offset) == (AxiResp.OKAY, offsets.get(offset, 0)), f"0x{offset:02x}"
        for offset in range(0, 256, 4):
            await bench.write_at(offset, 0xFFFF_FFFF & ~(StreamControl.RESET if offset == 0x0C else 0))
    transfer = bench.transfer(bench.task.frame_beats)
    await bench.dma_in.send(AxiStreamFrame(transfer))
    await bench.expect(0, transfer)
    await bench.finish([transfer])


@cocotb.test()
@cocotb.parametrize(clocks=[1, 20, 45, 70, 100])
async def reset_in_the_middle(dut: Any, clocks: int) -> None:
    """Forget all that is under way, answer when it is over, and start anew from batch 0."""
    bench = StreamBench(dut)
    await bench.start(backpressure=at_random)
    for beats in (2, 3):
        await bench.dma_in.send(AxiStreamFrame(bench.transfer(beats * bench.task.frame_beats + 3)))
    await ClockCycles(dut.aclk, clocks)
    edge = RisingEdge(dut.aclk)
    passed: list[bool] = []

    async def watch() -> None:
        """Note for each clock of the reset whether a beat could pass."""
        while True:
            await edge
            if not dut.stream_aresetn.value:
                passed.append(bool(dut.s_dma_tready.value or dut.m_frames_tvalid.value or dut.m_dma_tvalid.value))

    watching = cocotb.start_soon(watch())
    writing = cocotb.start_soon(bench.write_at(StreamRegister.CONTROL.offset, StreamControl.RESET))
    while dut.stream_aresetn.value:
        await edge
    assert await bench.read(StreamRegister.CONTROL) == StreamControl.RESET
    # Until here the DMA went on offering its beats and a kernel was ready to take them.
    for side in (bench.dma_in, bench.frames, bench.logits, bench.dma_out):
        side.assert_reset(True)
        side.clear()
        side.assert_reset(False)
    await bench.within(writing)
    assert dut.stream_aresetn.value, "the write was answered while the kernels were in reset"
    watching.cancel()
    assert passed == [False] * STREAM_RESET_CLOCKS, "a beat passed, or the reset was not as long as is said"
    assert await bench.read(StreamRegister.CONTROL) == 0
    transfers = [bench.transfer(beats) for beats in (2 * bench.task.frame_beats, 1, bench.task.frame_beats)]
    for transfer in transfers:
        await bench.dma_in.send(AxiStreamFrame(transfer))
    for batch, transfer in enumerate(transfers):
        await bench.expect(batch, transfer)
    await bench.finish(transfers)
