"""Boards: what a device holds and what its memory port carries.

Counts are the vendor's: DS190 (Zynq-7000) for the XC7Z020, DS987 (Kria K26 SOM) for the XCK26, DS891 (Zynq UltraScale+)
for the XCZU7EV. A block RAM is counted as 36 kbit; two of 18 kbit are one. Ports are the high-performance AXI ports of
the processing system at their full width (UG585, 64 bits; UG1085, 128 bits), clocked as the kernel.

Clocks come from the processing system: a PLL behind two dividers of six bits (UG585, FPGA0_CLK_CTRL; UG1087,
PL0_REF_CTRL). Its frequency is what the board's boot image sets: 1000 MHz on a PYNQ-Z2 and, but for 10 ppm, on a KV260;
1500 MHz on a ZCU104, which therefore has no 200 MHz.
"""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.errors import InputError

CLOCK_TOLERANCE = 1e-3
"""Relative difference between two clocks that is not worth a word: PLLs are that coarse."""
DIVISORS = sorted({first * second for first in range(1, 64) for second in range(1, 64)})


@dataclass(frozen=True)
class Area:
    """Resources of a device, or of a part of a design."""

    lut: float = 0.0
    """Six-input look-up tables, those that serve as memory or shift register included."""
    ff: float = 0.0
    dsp: float = 0.0
    bram36: float = 0.0
    """Block RAMs of 36 kbit; one of 18 kbit is a half."""
    uram: float = 0.0
    """UltraRAMs of 288 kbit."""

    def __add__(self, other: Area) -> Area:
        return Area(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram36 + other.bram36,
            self.uram + other.uram,
        )


RESOURCES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM36", "uram": "URAM"}
"""Fields of an :class:`Area` and how people call them."""


@dataclass(frozen=True)
class Board:
    """A board that Cytogate can be built for."""

    name: str
    title: str
    part: str
    """Device as Vitis and Vivado call it."""
    board_part: str
    """Board as Vivado's board store calls it, less the version."""
    budget: Area
    """All that the device has."""
    port_bits: int
    """Width of one high-performance port between memory and fabric."""
    clock_mhz: float
    """Of kernel and port, unless a design asks for another."""
    trigger_pin: str
    """Of the package, of 3.3 V: pin 1 of the first PMOD, where the trigger of a network in SystemVerilog leaves."""
    pll_mhz: float
    """Of the PLL that feeds clock 0 of the programmable logic, as the board's boot image leaves it."""
    network_clocks_per_pixel: int
    """Clocks that each layer of the network is given for a pixel of the network's input. More clocks take fewer
    multipliers: what the phase retrieval leaves of the device decides."""

    def clock_near(self, mhz: float) -> float:
        """Return the clock next to ``mhz`` that the PLL's two dividers make.

        Examples
        --------
        >>> BOARDS["zcu104"].clock_near(200.0)
        187.5
        """
        return min((self.pll_mhz / divisor for divisor in DIVISORS), key=lambda made: abs(made - mhz))

    def makes(self, mhz: float) -> bool:
        """Whether that is ``mhz``, but for what no PLL is as exact as."""
        return abs(self.clock_near(mhz) - mhz) <= CLOCK_TOLERANCE * mhz

    @property
    def port_bytes_per_second(self) -> float:
        """What one port carries at most, one beat a clock."""
        return self.port_bits / 8 * self.clock_mhz * 1e6


BOARDS = {
    board.name: board
    for board in (
        Board(
            "pynq-z2",
            "PYNQ-Z2",
            part="xc7z020clg400-1",
            board_part="tul.com.tw:pynq-z2:part0",
            budget=Area(53_200, 106_400, 220, 140, 0),
            port_bits=64,
            clock_mhz=100.0,
            trigger_pin="Y18",
            pll_mhz=1000.0,
            network_clocks_per_pixel=5,
        ),
        Board(
            "kv260",
            "KV260",
            part="xck26-sfvc784-2LV-c",
            board_part="xilinx.com:kv260_som:part0",
            budget=Area(117_120, 234_240, 1_248, 144, 64),
            port_bits=128,
            clock_mhz=200.0,
            trigger_pin="H12",
            pll_mhz=1000.0,
            network_clocks_per_pixel=1,
        ),
        Board(
            "zcu104",
            "ZCU104",
            part="xczu7ev-ffvc1156-2-e",
            board_part="xilinx.com:zcu104:part0",
            budget=Area(230_400, 460_800, 1_728, 312, 96),
            port_bits=128,
            clock_mhz=187.5,
            trigger_pin="G8",
            pll_mhz=1500.0,
            network_clocks_per_pixel=1,
        ),
    )
}


def board_named(name: str) -> Board:
    """Return the board ``name``."""
    if name not in BOARDS:
        raise InputError(f"there is no board named {name}; choose one of {', '.join(BOARDS)}")
    return BOARDS[name]
