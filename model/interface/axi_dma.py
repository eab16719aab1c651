"""Registers of the vendor's AXI DMA in direct register mode (AMD PG021, tables 2-6 to 2-17): what we use of them."""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag


class DmaChannel(Enum):
    """A channel by the offset of its registers."""

    MM2S = 0x00
    """Memory to stream."""
    S2MM = 0x30
    """Stream to memory."""

    @property
    def title(self) -> str:
        """The channel's name in sentences."""
        return "DMA memory-to-stream" if self is DmaChannel.MM2S else "DMA stream-to-memory"


class DmaRegister(IntEnum):
    """Offset of a register behind its channel's."""

    CONTROL = 0x00
    STATUS = 0x04
    ADDRESS = 0x18
    ADDRESS_HIGH = 0x1C
    LENGTH = 0x28
    """Writing starts a transfer of so many bytes; of a finished S2MM transfer it says the bytes received."""


class DmaControl(IntFlag):
    """Bits of CONTROL."""

    RUN = 1 << 0
    RESET = 1 << 2
    """Resets both channels, whichever it is written to; reads 1 until that is done."""
    INTERRUPT_ON_COMPLETION = 1 << 12
    INTERRUPT_ON_ERROR = 1 << 14


class DmaStatus(IntFlag):
    """Bits of STATUS."""

    HALTED = 1 << 0
    IDLE = 1 << 1
    """The transfer is done; 0 before the first one."""
    INTERNAL_ERROR = 1 << 4
    SLAVE_ERROR = 1 << 5
    DECODE_ERROR = 1 << 6
    COMPLETION_INTERRUPT = 1 << 12
    """Stays until a one is written to it."""
    ERROR_INTERRUPT = 1 << 14


ERRORS = DmaStatus.INTERNAL_ERROR | DmaStatus.SLAVE_ERROR | DmaStatus.DECODE_ERROR
"""Any of these halts its channel, until a reset."""
REGISTER_BYTES = 0x60
LENGTH_BITS = 26

_WORDS = {
    DmaStatus.INTERNAL_ERROR: "internal error (a packet longer than its buffer, or a length of zero)",
    DmaStatus.SLAVE_ERROR: "slave error (memory answered with an error)",
    DmaStatus.DECODE_ERROR: "decode error (no memory at that address)",
}


def status_in_words(status: int) -> str:
    """Return what a STATUS register says."""
    state = "halted" if status & DmaStatus.HALTED else "idle" if status & DmaStatus.IDLE else "busy"
    return ", ".join([state, *(words for bit, words in _WORDS.items() if status & bit)])
