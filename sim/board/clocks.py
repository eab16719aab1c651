"""Clock registers of the processing systems, as far as pynq reads and writes them.

A PLL of about 1 GHz feeds the programmable logic through two dividers: 1000 MHz on a Zynq-7000 (UG585, appendix B.28)
and 999.99 MHz on a Zynq UltraScale+ (UG1087), as their boot loaders leave them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cytogate.sim.board.faults import FaultKind, Faults


@dataclass(frozen=True)
class ClockMap:
    """Where a processing system keeps its clock registers, and what they hold at boot."""

    base: int
    size: int
    divider: int
    """Offset of the register that divides clock 0 of the programmable logic."""
    boot: Mapping[int, int]


ZYNQ = ClockMap(
    base=0xF800_0000,
    size=0x200,
    divider=0x170,
    # PLL: feedback 20 times 50 MHz. Clock 0: IO PLL by 10 and 1.
    boot={0x100: 20 << 12, 0x104: 20 << 12, 0x108: 20 << 12, 0x170: 10 << 8 | 1 << 20},
)
ULTRASCALE = ClockMap(
    base=0xFF5E_0000,
    size=0x100,
    divider=0xC0,
    # PLL: feedback 60 times 33.333 MHz, halved. Clock 0: IO PLL by 10 and 1.
    boot={0x20: 60 << 8 | 1 << 16, 0x30: 60 << 8 | 1 << 16, 0xC0: 10 << 8 | 1 << 16 | 1 << 24},
)


class ClockRegisters:
    """Registers that keep what is written to them."""

    def __init__(self, where: ClockMap, faults: Faults) -> None:
        self.size = where.size
        self._divider = where.divider
        self._stuck = faults.exists(FaultKind.WRONG_CLOCK)
        self._values = dict(where.boot)

    def read(self, offset: int) -> int:
        """Return a register."""
        return self._values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if not (self._stuck and offset == self._divider):
            self._values[offset] = value
