"""Register maps of the kernels' AXI4-Lite ports, and the receipt behind a batch: the one place where they are said."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum, IntFlag

from cytogate.model.contract.remarks import Remark


class Access(Enum):
    """What a write does to a register."""

    READ_ONLY = "RO"
    READ_WRITE = "RW"
    WRITE_ONE_TO_CLEAR = "RW1C"
    WRITE_TO_CLEAR = "RWC"
    """Whatever is written, it is zero."""


class Register(Enum):
    """A register of the phase retrieval kernel, 32 bits: byte offset, access, and what it says."""

    IDENTITY = (0x00, Access.READ_ONLY, "the ASCII letters CYTO")
    VERSION = (0x04, Access.READ_ONLY, "major version in the upper, minor in the lower 16 bits")
    DESIGN_HASH = (0x08, Access.READ_ONLY, "identity of the design: 32 bits of a hash of its constants and tables")
    CONTROL = (0x0C, Access.READ_WRITE, "bits of Control")
    FRAMES_ACCEPTED = (0x10, Access.READ_ONLY, "frames received whole since reset")
    FRAMES_DROPPED = (0x14, Access.READ_ONLY, "malformed frames since reset")
    ERROR_FLAGS = (0x18, Access.WRITE_ONE_TO_CLEAR, "bits of ErrorFlag")
    LATENCY_CYCLES = (0x1C, Access.READ_ONLY, "clocks from last input beat to last output beat of the latest frame")
    INTERVAL_CYCLES = (0x20, Access.READ_ONLY, "clocks between the last output beats of the latest two frames")

    def __init__(self, offset: int, access: Access, description: str) -> None:
        self.offset = offset
        self.access = access
        self.description = description


class BackgroundRegister(Enum):
    """A register of the background: offset, access, what it says.

    Kernels of the laws "causal" and "two-sided" have them beside :class:`Register`. They are written while no frame is
    inside; a frame that comes behind a write knows what was written.
    """

    CONTROL = (0xC0, Access.READ_WRITE, "bits of BackgroundControl")
    FRAMES = (0xC4, Access.READ_WRITE, "causal: frames that it was estimated from, counted until it is settled")
    HALF = (0xC8, Access.READ_ONLY, "two-sided: the half that told the latest frame: 0 both, 1 downward, 2 upward")
    SURFACE = (0xD0, Access.READ_WRITE, "first of twelve coefficients: 1, s, t, s^2, t^2, s t of x, then of y")

    def __init__(self, offset: int, access: Access, description: str) -> None:
        self.offset = offset
        self.access = access
        self.description = description


class BackgroundControl(IntFlag):
    """Bits of the background's register CONTROL."""

    FREEZE = 1
    """Causal: frames leave the background as it is."""
    KNOWN = 2
    """Two-sided: frames are flattened by the surface, and each is told by its half; else by their own borders."""


class Control(IntFlag):
    """Bits of the register CONTROL."""

    SOFT_RESET = 1
    """Empties the data path, a waiting output beat included; clears itself. Counters and flags stay."""


class ErrorFlag(IntFlag):
    """Bits of the register ERROR_FLAGS; writing a one clears the bit."""

    SHORT_PACKET = 1
    """TLAST came before a frame's last beat."""
    LONG_PACKET = 2
    """TLAST was missing on a frame's last beat."""


IDENTITY = int.from_bytes(b"CYTO", "big")
VERSION = 1 << 16
"""1.0."""


class GateRegister(Enum):
    """A register of the gate, 32 bits, on the kernel's port: byte offset, access, and what it says.

    Settings are written whole; a write of fewer than four bytes changes nothing. Clocks are those of the latest event
    or pulse, and the largest since reset.
    """

    GATE_IDENTITY = (0x40, Access.READ_ONLY, "the ASCII letters CYTG; zero where there is no gate")
    GATE_CLASSES = (0x44, Access.READ_WRITE, "bit c: cells of class c may trigger")
    TRIGGER_DELAY = (0x48, Access.READ_WRITE, "clocks from last pixel to pulse of cells judged from now on, 0: at once")
    TRIGGER_HOLD = (0x4C, Access.READ_WRITE, "clocks of a pulse beyond its first one")
    EVENTS = (0x50, Access.READ_ONLY, "events, one a packet")
    TRIGGERS = (0x54, Access.READ_ONLY, "pulses that began")
    EVENT = (0x58, Access.READ_ONLY, "class of the latest event; its EventFlag from bit 16, its Remark from bit 25 on")
    EVENT_MARGIN = (0x5C, Access.READ_ONLY, "its margin in steps of a logit")
    EVENT_CLOCK = (0x60, Access.READ_ONLY, "its clock's number")
    TRIGGER_CYCLES = (0x64, Access.READ_ONLY, "clocks from a frame's last pixel to the first of its pulse")
    TRIGGER_CYCLES_MOST = (0x68, Access.WRITE_TO_CLEAR, "the largest of these")
    CLASS_CYCLES = (0x6C, Access.READ_ONLY, "clocks from an intact frame's first pixel to its event")
    CLASS_CYCLES_MOST = (0x70, Access.WRITE_TO_CLEAR, "the largest of these")
    CLASS_INTERVAL = (0x74, Access.READ_ONLY, "clocks between the latest two events of intact frames")
    CLASS_INTERVAL_MOST = (0x78, Access.WRITE_TO_CLEAR, "the largest of these")
    ORDER = (0x7C, Access.READ_ONLY, "latest intact frames with a curl; negative ones from bit 8, all from bit 16 on")
    LEAST_MARGIN = (0x80, Access.READ_WRITE, "of class 0, in steps of a logit; that of class c 4 c bytes on")

    def __init__(self, offset: int, access: Access, description: str) -> None:
        self.offset = offset
        self.access = access
        self.description = description


def gate_offsets(classes: int) -> dict[str, int]:
    """Return the offsets of a gate's registers by name, the least margin of each class among them."""
    offsets = {row.name: row.offset for row in GateRegister if row is not GateRegister.LEAST_MARGIN}
    return offsets | {f"LEAST_MARGIN_{index}": least_margin_offset(index) for index in range(classes)}


def least_margin_offset(class_index: int) -> int:
    """Return the offset of a class's least margin."""
    return GateRegister.LEAST_MARGIN.offset + 4 * class_index


GATE_IDENTITY = int.from_bytes(b"CYTG", "big")


def latest_event(class_index: int, flag: int, remark: int) -> int:
    """Return what the register EVENT says of an event, by its remark's code."""
    return remark << 25 | flag << 16 | class_index


def frame_order(latest: Sequence[Remark]) -> int:
    """Return what the register ORDER says after events with remarks, the latest ones."""
    return len(latest) << 16 | sum(each.negative for each in latest) << 8 | sum(each.curled for each in latest)


def order_counts(word: int) -> tuple[int, int, int]:
    """Return what the register ORDER says: frames, those with a curl, those of a negative phase."""
    curled, negative, frames, _ = word.to_bytes(4, "little")
    return frames, curled, negative


class StreamRegister(Enum):
    """A register of the stream unit, 32 bits: byte offset, access, and what it says. Counters wrap around."""

    IDENTITY = (0x00, Access.READ_ONLY, "the ASCII letters CYTS")
    VERSION = (0x04, Access.READ_ONLY, "major version in the upper, minor in the lower 16 bits")
    DESIGN_HASH = (0x08, Access.READ_ONLY, "as the phase retrieval kernel's")
    CONTROL = (0x0C, Access.READ_WRITE, "bits of StreamControl")
    WEIGHTS_HASH = (0x10, Access.READ_ONLY, "first 32 bits of SHA-256 of the network's weights")
    BATCHES_IN = (0x14, Access.READ_ONLY, "transfers that ended at the unit's input since reset")
    BATCHES_OUT = (0x18, Access.READ_ONLY, "receipts that left whole since reset")
    FRAMES_IN = (0x1C, Access.READ_ONLY, "whole frames passed on since reset")
    CELLS_OUT = (0x20, Access.READ_ONLY, "cells whose logits left whole since reset")
    STALLED_CYCLES = (0x24, Access.READ_ONLY, "clocks since reset in which a beat to the DMA waited")

    def __init__(self, offset: int, access: Access, description: str) -> None:
        self.offset = offset
        self.access = access
        self.description = description


class StreamControl(IntFlag):
    """Bits of the stream unit's register CONTROL."""

    RESET = 1
    """Resets the data path, phase retrieval and network included, and the counters; clears itself."""


STREAM_IDENTITY = int.from_bytes(b"CYTS", "big")
STREAM_VERSION = 2 << 16
"""2.0; 1.0 summed where the receipt now has CRCs."""
STREAM_RESET_CLOCKS = 32
"""Clocks for which ``StreamControl.RESET`` holds the data path in reset."""
PORT_BYTES = 256
"""Address range of each AXI4-Lite port."""


class ReceiptWord(IntEnum):
    """Place of each 32-bit word of the receipt, which follows the logits of a batch; TLAST is on its last word."""

    MARK = 0
    """``RECEIPT_MARK``."""
    BATCH = 1
    """Number of the batch since reset, from 0."""
    FRAMES = 2
    """Whole frames in the batch: so many answers stand before the receipt."""
    BEATS_LEFT = 3
    """Beats of the transfer behind its last whole frame: 0 if it was well formed."""
    INPUT_CRC = 4
    """CRC-32 of the transfer's bytes (IEEE 802.3 3.2.9, zlib's crc32): what the chip read is what the host wrote."""
    OUTPUT_CRC = 5
    """CRC-32 of the words before the receipt, little-endian."""


RECEIPT_MARK = int.from_bytes(b"CYTC", "big")
