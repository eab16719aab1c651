"""Faults that an emulated board can be told to have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """What goes wrong."""

    STALL = "the chain stops in the middle of a batch"
    EARLY_TLAST_IN = "TLAST comes in the middle of a batch's last frame"
    EARLY_TLAST_OUT = "TLAST comes in the middle of the answer"
    SEND_INTERNAL_ERROR = "DMA internal error, memory to stream"
    SEND_SLAVE_ERROR = "DMA slave error, memory to stream"
    SEND_DECODE_ERROR = "DMA decode error, memory to stream"
    RECEIVE_INTERNAL_ERROR = "DMA internal error, stream to memory"
    RECEIVE_SLAVE_ERROR = "DMA slave error, stream to memory"
    RECEIVE_DECODE_ERROR = "DMA decode error, stream to memory"
    LOST_INTERRUPT = "the interrupt of an answer does not come"
    WRONG_CLOCK = "the clock's dividers do not take what is written to them"
    CORRUPTED_INPUT = "a bit of the sent buffer is wrong"
    CORRUPTED_OUTPUT = "a bit of the received buffer is wrong"
    EXCHANGED_INPUT = "two words of the sent buffer have changed places"
    EXCHANGED_OUTPUT = "two words of the received buffer have changed places"
    FORGOTTEN_FLUSH = "the sent buffer is not flushed from the cache"
    FORGOTTEN_INVALIDATE = "the received buffer is not invalidated in the cache"
    STUCK_RESET = "the DMA does not leave its reset"


@dataclass(frozen=True)
class Fault:
    """A fault and when it strikes."""

    kind: FaultKind
    transfer: int = 0
    """Number of the transfer in which it strikes, from 0 since power-up; no matter where it is not of a transfer."""


class Faults:
    """Faults to come."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = frozenset(faults)
        self.transfer = -1
        """The latest transfer that was begun, by arming its answer; -1 before the first."""

    def strike(self, kind: FaultKind) -> bool:
        """Whether a fault of that kind shows in the latest transfer."""
        return Fault(kind, self.transfer) in self._faults

    def exists(self, kind: FaultKind) -> bool:
        """Whether a fault of that kind shows at all."""
        return any(fault.kind is kind for fault in self._faults)
