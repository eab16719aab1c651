"""The kernel's pins under cocotb: streams driven and watched clock by clock, registers, resets, deadlines.

Nothing here waits for ever: every wait has a deadline in clocks, and one that passes fails with a sentence that says
where the streams stood.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Event, RisingEdge, SimTimeoutError, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from cytogate.sim.axi.clock import CLOCK_NS, clock_now
from cytogate.sim.axi.events import Events
from cytogate.sim.axi.patterns import Pauses

RESET_CLOCKS = 4
REGISTER_DEADLINE_CLOCKS = 100

Awaited = TypeVar("Awaited")


class Sender:
    """Drives ``s_axis``: packets one after the other, without a gap where no pause says otherwise."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._edge = RisingEdge(dut.aclk)
        self._packets: deque[Sequence[int]] = deque()
        self._more = Event()
        self.pauses: Iterator[bool] = itertools.repeat(False)
        self.beats = 0
        """Beats of the current packet that were accepted."""
        self.ended: list[int] = []
        """Clock of each packet's last beat."""
        self.began: list[int] = []
        """Clock of each packet's first beat."""
        self.idle = Event()
        dut.s_axis_tvalid.value = 0
        dut.s_axis_tlast.value = 0
        dut.s_axis_tdata.value = 0

    def put(self, packet: Sequence[int]) -> None:
        """Queue a packet of TDATA integers; TLAST goes with its last one."""
        self._packets.append(packet)
        self.idle.clear()
        self._more.set()

    def clear(self) -> None:
        """Forget what is queued and stop driving; :meth:`run` must have been cancelled."""
        self._packets.clear()
        self.beats = 0
        self.began, self.ended = [], []
        self._dut.s_axis_tvalid.value = 0

    async def run(self) -> None:
        """Send for ever."""
        dut, edge = self._dut, self._edge
        while True:
            if not self._packets:
                dut.s_axis_tvalid.value = 0
                self.idle.set()
                self._more.clear()
                await self._more.wait()
                # A packet begins behind an edge, whenever it was queued.
                await edge
            packet = self._packets.popleft()
            last = len(packet) - 1
            for index, data in enumerate(packet):
                if next(self.pauses):
                    dut.s_axis_tvalid.value = 0
                    await edge
                    while next(self.pauses):
                        await edge
                dut.s_axis_tdata.value = data
                dut.s_axis_tlast.value = index == last
                dut.s_axis_tvalid.value = 1
                await edge
                while not dut.s_axis_tready.value:
                    await edge
                self.beats += 1
                if self.beats == 1:
                    self.began.append(clock_now())
            self.ended.append(clock_now())
            self.beats = 0


class Receiver:
    """Drives ``m_axis_tready``, collects packets and holds the kernel to the rules of AXI4-Stream.

    A beat that is offered must stay offered, unchanged, until it is taken (IHI0051A, 2.2.1).
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._edge = RisingEdge(dut.aclk)
        self.pauses: Iterator[bool] = itertools.repeat(False)
        self.beats: list[int] = []
        """Beats of the packet that is arriving."""
        self.packets: deque[list[int]] = deque()
        self.ended: list[int] = []
        """Clock of each packet's last beat."""
        self.arrived = Event()
        dut.m_axis_tready.value = 0

    def clear(self) -> None:
        """Forget what arrived; :meth:`run` must have been cancelled."""
        self.beats = []
        self.ended = []
        self.packets.clear()
        self._dut.m_axis_tready.value = 0

    async def run(self) -> None:
        """Receive for ever."""
        dut, edge = self._dut, self._edge
        offered: tuple[int, bool] | None = None
        ready = False
        while True:
            wanted = not next(self.pauses)
            if wanted != ready:
                ready = wanted
                dut.m_axis_tready.value = ready
            await edge
            if not dut.m_axis_tvalid.value:
                assert offered is None, f"clock {clock_now()}: m_axis_tvalid fell before its beat was taken"
                continue
            data = dut.m_axis_tdata.value
            assert data.is_resolvable, f"clock {clock_now()}: m_axis offers unknown bits: {data}"
            beat = int(data), bool(dut.m_axis_tlast.value)
            assert offered in (None, beat), f"clock {clock_now()}: m_axis changed before its beat was taken"
            offered = None if ready else beat
            if ready:
                self.beats.append(beat[0])
                if beat[1]:
                    if not self._malformed():
                        self.packets.append(self.beats)
                        self.ended.append(clock_now())
                        self.arrived.set()
                    self.beats = []

    def _malformed(self) -> bool:
        """Say whether a kernel that holds no frame back marks the one that ends as malformed."""
        return hasattr(self._dut, "m_axis_tuser") and bool(self._dut.m_axis_tuser.value)


class Pins:
    """A kernel behind its pins, in reset until :meth:`reset` has passed."""

    def __init__(self, dut: Any, registers: dict[str, int], *, gate: bool = False) -> None:
        self._dut = dut
        self._registers = registers
        self._edge = RisingEdge(dut.aclk)
        self.sender = Sender(dut)
        self.receiver = Receiver(dut)
        self.events = Events(dut) if gate else None
        """Of a kernel with a gate behind it."""
        self._tasks: list[Any] = []
        dut.aresetn.value = 0
        Clock(dut.aclk, CLOCK_NS, unit="ns").start()
        logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
        self._lite = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, reset_active_level=False
        )

    async def reset(self, *, streams: bool = True) -> None:
        """Pull ``aresetn`` low whatever the streams are doing, forget what they held, and start them anew if asked."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self.sender.clear()
        self.receiver.clear()
        if self.events is not None:
            self.events.clear()
        self._dut.aresetn.value = 0
        await ClockCycles(self._dut.aclk, RESET_CLOCKS)
        self._dut.aresetn.value = 1
        await self._edge
        if streams:
            self._tasks = [cocotb.start_soon(side.run()) for side in (self.sender, self.receiver)]
            self._tasks += [] if self.events is None else self.events.start()

    async def load(self, beats: Sequence[int], deadline: int) -> None:
        """Send ``s_calibration`` a packet, of a kernel that has it."""
        dut = self._dut
        for index, data in enumerate(beats):
            dut.s_calibration_tdata.value = data
            dut.s_calibration_tlast.value = index == len(beats) - 1
            dut.s_calibration_tvalid.value = 1
            await self._edge
            while not dut.s_calibration_tready.value:
                deadline -= 1
                assert deadline, f"a calibration was not accepted; {self._where()}"
                await self._edge
        if beats:
            dut.s_calibration_tvalid.value = 0

    async def packet(self, deadline: int) -> list[int]:
        """Return the next packet that leaves."""
        while not self.receiver.packets:
            self.receiver.arrived.clear()
            await self.within(deadline, self.receiver.arrived.wait(), "no packet left")
        return self.receiver.packets.popleft()

    async def all_sent(self, deadline: int) -> None:
        """Wait until every packet queued has been accepted."""
        await self.within(deadline, self.sender.idle.wait(), "input was not accepted")

    async def until(self, condition: Callable[[], bool], deadline: int, otherwise: str) -> None:
        """Wait until ``condition`` holds, asked clock by clock."""
        for _ in range(deadline):
            if condition():
                return
            await self._edge
        raise AssertionError(f"{otherwise} within {deadline} clocks; {self._where()}")

    @property
    def now(self) -> int:
        """Clocks since the simulation began."""
        return clock_now()

    async def clocks(self, count: int) -> None:
        """Let ``count`` clocks pass."""
        await ClockCycles(self._dut.aclk, count)

    def pause_accesses(self, pauses: Pauses) -> None:
        """Pause each channel of the registers' port on its own: addresses, data and answers come in any order."""
        writes, reads = self._lite.write_if, self._lite.read_if
        channels = (writes.aw_channel, writes.w_channel, writes.b_channel, reads.ar_channel, reads.r_channel)
        for seed, channel in enumerate(channels):
            channel.set_pause_generator(pauses(seed))

    async def read(self, name: str) -> int:
        """Return a register by its name."""
        response, value = await self.read_at(self._registers[name])
        assert response == AxiResp.OKAY, f"register {name} answers {response.name}"
        return value

    async def read_at(self, offset: int) -> tuple[AxiResp, int]:
        """Return response and value of any address."""
        done = await self.within(REGISTER_DEADLINE_CLOCKS, self._lite.read(offset, 4), f"no answer at 0x{offset:02x}")
        return done.resp, int.from_bytes(done.data, "little")

    async def write(self, name: str, value: int) -> AxiResp:
        """Write a register by its name and return the response."""
        return await self.write_at(self._registers[name], value)

    async def write_at(self, offset: int, value: int) -> AxiResp:
        """Write any address and return the response."""
        return await self.write_bytes(offset, value.to_bytes(4, "little"))

    async def write_bytes(self, offset: int, data: bytes) -> AxiResp:
        """Write the first bytes at any address and return the response."""
        writing = self._lite.write(offset, data)
        return (await self.within(REGISTER_DEADLINE_CLOCKS, writing, f"no answer at 0x{offset:02x}")).resp

    async def within(self, deadline: int, waiting: Awaitable[Awaited], otherwise: str) -> Awaited:
        """Wait at most ``deadline`` clocks."""
        try:
            return await with_timeout(waiting, deadline * CLOCK_NS, "ns")
        except SimTimeoutError:
            raise AssertionError(f"{otherwise} within {deadline} clocks; {self._where()}") from None

    def _where(self) -> str:
        dut, sender, receiver = self._dut, self.sender, self.receiver
        return (
            f"{len(sender.ended)} packets went in and {sender.beats} beats of one (s_axis_tvalid "
            f"{dut.s_axis_tvalid.value}, tready {dut.s_axis_tready.value}), {len(receiver.ended)} packets left and "
            f"{len(receiver.beats)} beats of one (m_axis_tvalid {dut.m_axis_tvalid.value}, tready "
            f"{dut.m_axis_tready.value})"
        )
