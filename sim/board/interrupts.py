"""Interrupts of an emulated board: the AXI interrupt controller (AMD PG099) and the file by which Linux tells of it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Protocol

ISR, IPR, IER, IAR, SIE, CIE, MER = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x1C
ENABLED = 0b11


class Signal(Protocol):
    """Something to be told."""

    def set(self) -> None:
        """Tell it."""


class UserIo:
    """Stands where pynq opens ``/dev/uio``: events are told once, in their event loop, when the line is high."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = False
        self._events: list[tuple[asyncio.AbstractEventLoop, Signal]] = []

    def add_event(self, event: Signal, number: int) -> None:
        """Tell ``event`` at the next interrupt; called by pynq within the event loop."""
        with self._lock:
            self._events.append((asyncio.get_running_loop(), event))
            self._tell()

    def set_level(self, level: bool) -> None:
        """Set the processor's interrupt line."""
        with self._lock:
            self._level = level
            self._tell()

    def _tell(self) -> None:
        while self._level and self._events:
            loop, event = self._events.pop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)


@dataclass
class InterruptController:
    """Registers of the controller; its inputs are levels."""

    line: UserIo
    latched: int = 0
    enabled: int = 0
    master: int = 0
    inputs: dict[int, bool] = field(default_factory=dict)

    size = 0x1000

    def set_input(self, number: int, level: bool) -> None:
        """Set an input."""
        self.inputs[number] = level
        self._update()

    def read(self, offset: int) -> int:
        """Return a register."""
        pending = self.latched & self.enabled
        return {ISR: self.latched, IPR: pending, IER: self.enabled, MER: self.master}.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == IAR:
            self.latched &= ~value
        elif offset == IER:
            self.enabled = value
        elif offset == SIE:
            self.enabled |= value
        elif offset == CIE:
            self.enabled &= ~value
        elif offset == MER:
            self.master = value
        self._update()

    def _update(self) -> None:
        for number, level in self.inputs.items():
            self.latched |= int(level) << number
        self.line.set_level(self.master == ENABLED and bool(self.latched & self.enabled))
