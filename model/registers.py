"""Register map of the phase retrieval kernel's AXI4-Lite port: the one place where offsets and bits are said."""

from __future__ import annotations

from enum import Enum, IntFlag


class Access(Enum):
    """What a write does to a register."""

    READ_ONLY = "RO"
    READ_WRITE = "RW"
    WRITE_ONE_TO_CLEAR = "RW1C"


class Register(Enum):
    """A register of 32 bits: byte offset, access, and what it says."""

    IDENTITY = (0x00, Access.READ_ONLY, "the ASCII letters CYTO")
    VERSION = (0x04, Access.READ_ONLY, "major version in the upper, minor in the lower 16 bits")
    DESIGN_HASH = (0x08, Access.READ_ONLY, "first 32 bits of SHA-256 of the design's contract header")
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
