"""Common part of the benches: a kernel, its vectors, and a scoreboard that knows which frame must leave next."""

from __future__ import annotations

import itertools
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.remarks import Remark
from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.registers import ErrorFlag
from cytogate.sim.axi.gate_check import GateCheck
from cytogate.sim.axi.packing import input_beats, output_values
from cytogate.sim.axi.patterns import WORST, Pauses
from cytogate.sim.axi.ports import Pins
from cytogate.sim.axi.task import TASK_VARIABLE, BenchTask

SHORT, LONG = int(ErrorFlag.SHORT_PACKET), int(ErrorFlag.LONG_PACKET)
SEED = 20
SETTLING_CLOCKS = 128
"""After these nothing more leaves of what a kernel has done with."""


class Bench:
    """One kernel under one scenario.

    Attributes
    ----------
    values, differing : int
        Values compared so far, and those that differed.
    gate : GateCheck or None
        What is due of the gate behind the network, where there is one.
    """

    def __init__(self, dut: Any) -> None:
        self.folder = Path(os.environ[TASK_VARIABLE])
        self.task, self._frames, self._expected = BenchTask.read(self.folder)
        self.pins = Pins(dut, self.task.registers, gate=self.task.gate)
        self.frames = len(self._frames)
        channels, rows, columns = self._frames.shape[1:]
        layout = FrameLayout(channels, rows, columns, self.task.samples_per_clock, self.task.lane_bits)
        self.row_beats, self.frame_beats = layout.row_beats, layout.beats
        self.values = 0
        self.differing = 0
        self.clocks_per_frame = self.frame_beats + 4 * self.task.pixel_beats + 5000
        """More than any level needs for a frame without pauses: the input, and four passes behind it."""
        self.deadline = 2 * self.clocks_per_frame
        remarks = [Remark.of(code) or Remark() for code in self.task.remarks] or [Remark()] * self.frames
        self.gate = None
        if self.task.gate:
            doubtful = self.task.unsettled, self.task.clipped_half
            self.gate = GateCheck(self.pins, np.stack(self._expected), remarks, *doubtful)
        self._packet = lru_cache(maxsize=4)(self._make_packet)

    async def start(
        self, idle: Pauses | None = None, backpressure: Pauses | None = None, *, armed: bool = True
    ) -> None:
        """Reset the kernel and choose the pauses of both sides; unless it is to stay as it is, arm the gate."""
        await self.pins.reset()
        await self.set_up()
        if idle is not None:
            self.pins.sender.pauses = idle(SEED)
        if backpressure is not None:
            self.pins.receiver.pauses = backpressure(SEED + 1)
        if idle is not None or backpressure is not None:
            self.deadline = 2 * WORST * self.clocks_per_frame
        if self.gate is not None:
            self.gate.forget()
            if armed:
                await self.gate.arm()

    async def set_up(self) -> None:
        """Write what a reset has made the kernel forget."""
        for offset, value in self.task.setup:
            await self.pins.write_at(offset, value)
        await self.calibrate()

    async def calibrate(self) -> None:
        """Send a kernel of holograms what a reset of its streams has made it forget."""
        await self.pins.load(self.task.calibration, 2 * len(self.task.calibration))

    def resume(self) -> None:
        """Let both sides run without pauses."""
        self.pins.sender.pauses = itertools.repeat(False)
        self.pins.receiver.pauses = itertools.repeat(False)

    def packet(self, frame: int) -> list[int]:
        """Return the beats of a frame; frames of a short file come round again."""
        return self._packet(frame % self.frames)

    def expected(self, frame: int) -> NDArray[np.int64]:
        """Return the values that are due for a frame."""
        return self._expected[frame % self.frames]

    def send(self, *frames: int) -> None:
        """Queue good frames."""
        for frame in frames:
            self.pins.sender.put(self.packet(frame))
            if self.gate is not None:
                self.gate.expect_frame(frame % self.frames)

    def send_malformed(self, packet: list[int]) -> None:
        """Queue a packet that is no frame."""
        self.pins.sender.put(packet)
        if self.gate is not None:
            self.gate.expect_malformed(SHORT if len(packet) < self.frame_beats else LONG)

    def values_of(self, packet: list[int]) -> NDArray[np.int64]:
        """Return the values of a packet that left; the gate is told the word of an event behind them."""
        beats = packet if self.gate is None else packet[:-1]
        if self.gate is not None:
            self.gate.words.append(packet[-1])
        return output_values(beats, self.task.values_per_beat, self.task.value_bits, self.task.signed)

    async def compare(self, *frames: int) -> None:
        """Wait until these frames have left, in this order, and count the values that differ."""
        for frame in frames:
            found = self.values_of(await self.pins.packet(self.deadline))
            due = self.expected(frame)
            assert found.shape == due.shape, f"frame {frame}: TLAST after {found.size} values where {due.size} are due"
            self.values += due.size
            self.differing += int(np.count_nonzero(found != due))

    async def expect(self, *frames: int) -> None:
        """Wait until these frames have left, in this order, every value right."""
        for frame in frames:
            before = self.differing
            await self.compare(frame)
            wrong = self.differing - before
            assert not wrong, f"frame {frame}: {wrong} of {len(self.expected(frame))} values differ"

    async def finish(self, accepted: int, dropped: int = 0, flags: int = 0) -> None:
        """Fail if anything more leaves, an event is wrong or a counter is off."""
        await self.pins.all_sent(self.deadline)
        await self.pins.clocks(self.clocks_per_frame if dropped else SETTLING_CLOCKS)
        receiver = self.pins.receiver
        assert not receiver.packets, f"{len(receiver.packets)} packets left that nobody is due"
        assert not receiver.beats, f"{len(receiver.beats)} beats left that belong to no frame"
        counted = [await self.pins.read(name) for name in ("FRAMES_ACCEPTED", "FRAMES_DROPPED", "ERROR_FLAGS")]
        assert counted == [accepted, dropped, flags], f"accepted, dropped, flags are {counted}"
        assert not accepted or self.values, "nothing was compared"
        if self.gate is not None:
            await self.gate.check(self.deadline)

    def _make_packet(self, frame: int) -> list[int]:
        return input_beats(np.asarray(self._frames[frame]), self.task.samples_per_clock, self.task.lane_bits)
