"""Clock registers of the processing systems, as far as pynq reads and writes them.

A PLL feeds the programmable logic through two dividers: UG585, appendix B.28, of a Zynq-7000; UG1087 of a Zynq
UltraScale+. Its frequency is the board's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cytogate.model.design.boards import Board
from cytogate.sim.board.faults import FaultKind, Faults


@dataclass(frozen=True)
class ClockMap:
    """Where a processing system keeps its clock registers, and what they hold at boot."""

    base: int
    size: int
    divider: int
    """Offset of the register that divides clock 0 of the programmable logic."""
    boot: Mapping[int, int]


ZYNQ_CRYSTAL_MHZ, ULTRASCALE_CRYSTAL_MHZ = 50.0, 100 / 3


def zynq(board: Board) -> ClockMap:
    """Return the clock registers of a Zynq-7000: all PLLs alike, clock 0 its PLL by 10 and 1."""
    feedback = round(board.pll_mhz / ZYNQ_CRYSTAL_MHZ) << 12
    return ClockMap(
        base=0xF800_0000,
        size=0x200,
        divider=0x170,
        boot={0x100: feedback, 0x104: feedback, 0x108: feedback, 0x170: 10 << 8 | 1 << 20},
    )


def ultrascale(board: Board) -> ClockMap:
    """Return the clock registers of a Zynq UltraScale+: its PLLs halved, clock 0 the IO PLL by 10 and 1."""
    feedback = round(2 * board.pll_mhz / ULTRASCALE_CRYSTAL_MHZ)
    return ClockMap(
        base=0xFF5E_0000,
        size=0x100,
        divider=0xC0,
        boot={0x20: feedback << 8 | 1 << 16, 0x30: feedback << 8 | 1 << 16, 0xC0: 10 << 8 | 1 << 16 | 1 << 24},
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
