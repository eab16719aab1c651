"""The pins behind a gate under cocotb: events and trigger pulses as they come, with their clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from cytogate.model.contract.gate import EventFlag
from cytogate.model.contract.remarks import Remark
from cytogate.sim.axi.clock import clock_now


@dataclass(frozen=True)
class Event:
    """What came of a packet."""

    flag: EventFlag
    remark: Remark | None
    """None: of a code that no remark has."""
    class_index: int
    margin: int
    stamp: int
    """Of the chip's clock."""
    clock: int
    """Of the bench's."""


class Events:
    """Watches ``event_*`` and ``trigger``."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.seen: list[Event] = []
        self.pulses: list[int] = []
        """Clock of each pulse's first one."""
        self.ends: list[int] = []
        """First clock behind each pulse."""

    def clear(self) -> None:
        """Forget what was seen; its tasks must have been cancelled."""
        self.seen, self.pulses, self.ends = [], [], []

    def start(self) -> list[Any]:
        """Watch from now on; return the tasks."""
        return [cocotb.start_soon(each) for each in (self._events(), self._pulses())]

    async def _events(self) -> None:
        dut = self._dut
        while True:
            await RisingEdge(dut.event_valid)
            await RisingEdge(dut.aclk)
            fields = (dut.event_flags, dut.event_remark, dut.event_class, dut.event_margin, dut.event_clock)
            flag, remark, class_index, margin, stamp = (int(field.value) for field in fields)
            self.seen.append(Event(EventFlag(flag), Remark.of(remark), class_index, margin, stamp, clock_now()))

    async def _pulses(self) -> None:
        while True:
            await RisingEdge(self._dut.trigger)
            # What changes behind an edge is sampled at the next one.
            self.pulses.append(clock_now() + 1)
            await FallingEdge(self._dut.trigger)
            self.ends.append(clock_now() + 1)
