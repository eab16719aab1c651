"""Model of the vendor's AXI DMA in direct register mode (AMD PG021), one stream each way.

What it does not model: bursts and clocks. A transfer's bytes are read when it starts. What a driver may not do is noted
in ``violations`` rather than guessed at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cytogate.model.interface.axi_dma import (
    ERRORS,
    LENGTH_BITS,
    REGISTER_BYTES,
    DmaChannel,
    DmaControl,
    DmaRegister,
    DmaStatus,
)
from cytogate.sim.board.faults import FaultKind, Faults
from cytogate.sim.board.memory import Memory

CONTROL_AFTER_RESET = 0x0001_0002
SENDING_FAULTS = {
    FaultKind.SEND_INTERNAL_ERROR: DmaStatus.INTERNAL_ERROR,
    FaultKind.SEND_SLAVE_ERROR: DmaStatus.SLAVE_ERROR,
    FaultKind.SEND_DECODE_ERROR: DmaStatus.DECODE_ERROR,
}
RECEIVING_FAULTS = {
    FaultKind.RECEIVE_INTERNAL_ERROR: DmaStatus.INTERNAL_ERROR,
    FaultKind.RECEIVE_SLAVE_ERROR: DmaStatus.SLAVE_ERROR,
    FaultKind.RECEIVE_DECODE_ERROR: DmaStatus.DECODE_ERROR,
}


class Stream(Protocol):
    """What lies behind the DMA."""

    def send(self, data: bytes, taken: Callable[[], None]) -> None:
        """Take a transfer, its last beat with TLAST; call ``taken`` when all of it was."""

    def packet(self) -> bytes | None:
        """Return and forget the next packet that waits, if there is one."""


@dataclass
class ChannelState:
    """Registers of one channel."""

    control: int = CONTROL_AFTER_RESET
    status: DmaStatus = DmaStatus.HALTED
    address: int = 0
    length: int = 0
    armed: bool = False
    """A transfer was started and has not ended."""


@dataclass
class AxiDma:
    """The registers of both channels; the caller serializes all calls."""

    memory: Memory
    stream: Stream
    faults: Faults
    interrupt: Callable[[DmaChannel, bool], None]
    """Told the level of a channel's interrupt line whenever it may have changed."""
    channels: dict[DmaChannel, ChannelState] = field(
        default_factory=lambda: {each: ChannelState() for each in DmaChannel}
    )
    violations: list[str] = field(default_factory=list)
    """What the driver did that PG021 forbids."""
    resetting: bool = False
    """The next look at CONTROL still sees the reset bit."""
    resets: int = 0
    length_bits: int = LENGTH_BITS
    """Bits of the length register; those above them are not kept."""

    size = REGISTER_BYTES

    def read(self, offset: int) -> int:
        """Return a register."""
        channel, register = _register(offset)
        state = self.channels[channel]
        if register == DmaRegister.CONTROL:
            bit = DmaControl.RESET if self.resetting else 0
            self.resetting = bool(bit) and self.faults.strike(FaultKind.STUCK_RESET)
            return state.control | bit
        if register == DmaRegister.STATUS:
            return int(state.status)
        return state.length if register == DmaRegister.LENGTH else 0

    def write(self, offset: int, value: int) -> None:
        """Write a register, with all that follows from it."""
        channel, register = _register(offset)
        state = self.channels[channel]
        if register == DmaRegister.CONTROL:
            self._control(state, value)
        elif register == DmaRegister.STATUS:
            acknowledged = value & (DmaStatus.COMPLETION_INTERRUPT | DmaStatus.ERROR_INTERRUPT)
            state.status &= ~DmaStatus(acknowledged)
        elif register == DmaRegister.ADDRESS:
            state.address = state.address >> 32 << 32 | value
        elif register == DmaRegister.ADDRESS_HIGH:
            state.address = state.address & 0xFFFF_FFFF | value << 32
        elif register == DmaRegister.LENGTH:
            self._start(channel, state, value & ((1 << self.length_bits) - 1))
        self._signal(channel)

    def packet_waits(self) -> None:
        """Let the receiving channel take the packet that waits, if it is armed."""
        state = self.channels[DmaChannel.S2MM]
        if not state.armed:
            return
        packet = self.stream.packet()
        if packet is None:
            return
        memory = self.memory.seen_by_device(state.address, state.length)
        if memory is None:
            self._fail(DmaChannel.S2MM, DmaStatus.DECODE_ERROR)
        elif len(packet) > state.length:
            self._fail(DmaChannel.S2MM, DmaStatus.INTERNAL_ERROR)
        else:
            memory[: len(packet)] = np.frombuffer(packet, np.uint8)
            if self.faults.strike(FaultKind.CORRUPTED_OUTPUT):
                memory[0] ^= 1
            if self.faults.strike(FaultKind.EXCHANGED_OUTPUT):
                _exchange(memory[: len(packet)])
            state.length = len(packet)
            self._complete(DmaChannel.S2MM)

    def _control(self, state: ChannelState, value: int) -> None:
        if value & DmaControl.RESET:
            self.channels.update({each: ChannelState() for each in DmaChannel})
            self.resetting = True
            self.resets += 1
            for channel in DmaChannel:
                self._signal(channel)
            return
        state.control = value
        # A channel that an error has halted stays so until it is reset.
        if value & DmaControl.RUN and not state.status & ERRORS:
            state.status &= ~DmaStatus.HALTED
        elif not value & DmaControl.RUN:
            state.status |= DmaStatus.HALTED

    def _start(self, channel: DmaChannel, state: ChannelState, length: int) -> None:
        if state.status & DmaStatus.HALTED:
            self.violations.append(f"{channel.name}: a transfer was started while the channel was halted")
            return
        if state.armed:
            self.violations.append(f"{channel.name}: a transfer was started while another one ran")
            return
        state.length = length
        state.armed = True
        state.status &= ~DmaStatus.IDLE
        if length == 0:
            self._fail(channel, DmaStatus.INTERNAL_ERROR)
        elif channel is DmaChannel.MM2S:
            self._send(state)
        else:
            self._receive()

    def _receive(self) -> None:
        self.faults.transfer += 1
        for kind, error in RECEIVING_FAULTS.items():
            if self.faults.strike(kind):
                self._fail(DmaChannel.S2MM, error)
        self.packet_waits()

    def _send(self, state: ChannelState) -> None:
        memory = self.memory.seen_by_device(state.address, state.length)
        error = next((error for kind, error in SENDING_FAULTS.items() if self.faults.strike(kind)), None)
        if error is not None or memory is None:
            self._fail(DmaChannel.MM2S, error or DmaStatus.DECODE_ERROR)
            return
        data = memory.copy()
        if self.faults.strike(FaultKind.CORRUPTED_INPUT):
            data[len(data) // 2] ^= 0x10
        if self.faults.strike(FaultKind.EXCHANGED_INPUT):
            _exchange(data)
        resets = self.resets

        def taken() -> None:
            if resets == self.resets:
                self._complete(DmaChannel.MM2S)

        self.stream.send(data.tobytes(), taken)

    def _complete(self, channel: DmaChannel) -> None:
        state = self.channels[channel]
        state.armed = False
        state.status |= DmaStatus.IDLE | DmaStatus.COMPLETION_INTERRUPT
        self._signal(channel)

    def _fail(self, channel: DmaChannel, error: DmaStatus) -> None:
        state = self.channels[channel]
        state.armed = False
        state.status |= error | DmaStatus.HALTED | DmaStatus.ERROR_INTERRUPT
        self._signal(channel)

    def _signal(self, channel: DmaChannel) -> None:
        state = self.channels[channel]
        lost = channel is DmaChannel.S2MM and self.faults.strike(FaultKind.LOST_INTERRUPT)
        self.interrupt(channel, bool(state.control & state.status & _INTERRUPTS) and not lost)


_INTERRUPTS = DmaStatus.COMPLETION_INTERRUPT | DmaStatus.ERROR_INTERRUPT
"""Enabled in CONTROL by the same bits as they are told in STATUS."""


def _exchange(octets: np.ndarray) -> None:
    """Exchange the first word with the next one that differs, as bytes that overtake each other do."""
    words = octets.view("<u4")
    other = int(np.flatnonzero(words != words[0])[0])
    words[[0, other]] = words[[other, 0]]


def _register(offset: int) -> tuple[DmaChannel, int]:
    channel = DmaChannel.S2MM if offset >= DmaChannel.S2MM.value else DmaChannel.MM2S
    return channel, offset - channel.value
