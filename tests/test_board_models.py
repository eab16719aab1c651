"""The emulated board's parts: what the vendor's manuals say of registers, and what a driver may not do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynqmetadata.frontends import Metadata

from cytogate.model.design.boards import board_named
from cytogate.model.interface.axi_dma import DmaChannel, DmaControl, DmaRegister, DmaStatus
from cytogate.model.interface.bundle import CALIBRATION_DMA
from cytogate.sim.board import clocks, hwh, interrupts
from cytogate.sim.board.axi_dma import AxiDma
from cytogate.sim.board.faults import Faults
from cytogate.sim.board.memory import PAGE, Memory
from tests.boards import small_design

BOARDS = ("pynq-z2", "kv260")
MM2S, S2MM = DmaChannel.MM2S.value, DmaChannel.S2MM.value


class Loop:
    """A stream that ends where it begins."""

    def __init__(self) -> None:
        self.packets: deque[bytes] = deque()
        self.taken: list[Callable[[], None]] = []

    def send(self, data: bytes, taken: Callable[[], None]) -> None:
        self.packets.append(data)
        self.taken.append(taken)

    def packet(self) -> bytes | None:
        return self.packets.popleft() if self.packets else None


def looped_dma() -> tuple[AxiDma, Memory, Loop, dict[DmaChannel, bool]]:
    memory, loop, levels = Memory(1 << 20), Loop(), dict[DmaChannel, bool]()
    return AxiDma(memory, loop, Faults(), levels.__setitem__), memory, loop, levels


def running(dma: AxiDma) -> None:
    for channel in DmaChannel:
        dma.write(channel.value + DmaRegister.CONTROL, DmaControl.RUN | DmaControl.INTERRUPT_ON_COMPLETION)


def transfer(dma: AxiDma, channel: int, address: int, length: int) -> None:
    dma.write(channel + DmaRegister.ADDRESS, address & 0xFFFF_FFFF)
    dma.write(channel + DmaRegister.ADDRESS_HIGH, address >> 32)
    dma.write(channel + DmaRegister.LENGTH, length)


def test_a_transfer_there_and_back() -> None:
    dma, memory, loop, levels = looped_dma()
    source, host = memory.allocate(100)
    target, back = memory.allocate(200)
    host[:] = np.arange(100)
    memory.to_device(source, 0, 100)
    assert dma.read(MM2S + DmaRegister.STATUS) == DmaStatus.HALTED
    running(dma)
    assert dma.read(S2MM + DmaRegister.STATUS) == 0
    transfer(dma, S2MM, target, 200)
    transfer(dma, MM2S, source, 100)
    assert not dma.read(MM2S + DmaRegister.STATUS) & DmaStatus.IDLE
    loop.taken[0]()
    dma.packet_waits()
    done = DmaStatus.IDLE | DmaStatus.COMPLETION_INTERRUPT
    assert dma.read(MM2S + DmaRegister.STATUS) == dma.read(S2MM + DmaRegister.STATUS) == done
    assert dma.read(S2MM + DmaRegister.LENGTH) == 100
    assert levels == {DmaChannel.MM2S: True, DmaChannel.S2MM: True}
    dma.write(S2MM + DmaRegister.STATUS, DmaStatus.COMPLETION_INTERRUPT)
    assert dma.read(S2MM + DmaRegister.STATUS) == DmaStatus.IDLE
    assert levels == {DmaChannel.MM2S: True, DmaChannel.S2MM: False}
    # The host sees it when it has asked for it.
    assert not np.array_equal(back[:100], host)
    memory.to_host(target, 0, 100)
    assert np.array_equal(back[:100], host)
    assert dma.violations == []


@pytest.mark.parametrize(
    ("channel", "address", "length", "error"),
    [
        (MM2S, 0x4000, 4, DmaStatus.DECODE_ERROR),
        (MM2S, 1 << 40, 4, DmaStatus.DECODE_ERROR),
        (MM2S, None, 101, DmaStatus.DECODE_ERROR),
        (MM2S, None, 0, DmaStatus.INTERNAL_ERROR),
        (S2MM, None, 0, DmaStatus.INTERNAL_ERROR),
        (S2MM, None, 7, DmaStatus.INTERNAL_ERROR),
        (S2MM, 0x4000, 64, DmaStatus.DECODE_ERROR),
    ],
)
def test_errors_halt_a_channel_until_reset(channel: int, address: int | None, length: int, error: DmaStatus) -> None:
    dma, memory, loop, _ = looped_dma()
    allocated, _host = memory.allocate(100)
    running(dma)
    loop.packets.append(bytes(8))
    transfer(dma, channel, allocated if address is None else address, length)
    status = dma.read(channel + DmaRegister.STATUS)
    assert status == error | DmaStatus.HALTED | DmaStatus.ERROR_INTERRUPT
    running(dma)
    assert dma.read(channel + DmaRegister.STATUS) & DmaStatus.HALTED
    dma.write(MM2S + DmaRegister.CONTROL, DmaControl.RESET)
    assert dma.read(MM2S + DmaRegister.CONTROL) & DmaControl.RESET
    assert not dma.read(MM2S + DmaRegister.CONTROL) & DmaControl.RESET
    running(dma)
    assert dma.read(channel + DmaRegister.STATUS) == 0


def test_what_a_driver_may_not_do_is_noted() -> None:
    dma, memory, loop, _ = looped_dma()
    address, _host = memory.allocate(100)
    transfer(dma, MM2S, address, 4)
    running(dma)
    transfer(dma, MM2S, address, 4)
    transfer(dma, MM2S, address, 4)
    assert dma.violations == [
        "MM2S: a transfer was started while the channel was halted",
        "MM2S: a transfer was started while another one ran",
    ]
    assert len(loop.packets) == 1


def test_a_transfer_from_before_a_reset_is_not_completed() -> None:
    dma, memory, loop, _ = looped_dma()
    address, _host = memory.allocate(100)
    running(dma)
    transfer(dma, MM2S, address, 4)
    dma.write(S2MM + DmaRegister.CONTROL, DmaControl.RESET)
    running(dma)
    loop.taken[0]()
    assert dma.read(MM2S + DmaRegister.STATUS) == 0


def test_memory_is_counted_and_never_adjacent() -> None:
    memory = Memory(100)
    first, host = memory.allocate(60)
    with pytest.raises(MemoryError, match="60 bytes are asked for, 40 are left"):
        memory.allocate(60)
    second, _ = memory.allocate(40)
    assert second - first >= PAGE + 60
    assert memory.allocations == 2
    seen = memory.seen_by_device(first, 60)
    assert seen is not None
    assert not np.any(seen == host)
    memory.free(first)
    assert memory.seen_by_device(first, 1) is None
    assert memory.allocations == 1
    memory.allocate(60)
    with pytest.raises(KeyError):
        memory.free(first)


def test_the_interrupt_controller_latches_and_is_acknowledged() -> None:
    line = interrupts.UserIo()
    controller = interrupts.InterruptController(line)
    controller.write(interrupts.MER, interrupts.ENABLED)
    controller.write(interrupts.SIE, 0b10)
    controller.set_input(1, True)
    assert controller.read(interrupts.IPR) == 0b10
    controller.set_input(1, False)
    assert controller.read(interrupts.IPR) == 0b10
    assert line._level
    controller.write(interrupts.IAR, 0b10)
    assert controller.read(interrupts.ISR) == 0
    assert not line._level
    controller.set_input(0, True)
    assert (controller.read(interrupts.ISR), controller.read(interrupts.IPR)) == (0b01, 0)
    assert not line._level
    controller.write(interrupts.CIE, 0b10)
    assert controller.read(interrupts.IER) == 0


@pytest.mark.parametrize("board", ["pynq-z2", "kv260", "zcu104"])
def test_clock_registers_boot_at_a_tenth_of_the_boards_pll(board: str) -> None:
    zynq = board == "pynq-z2"
    for where in [(clocks.zynq if zynq else clocks.ultrascale)(board_named(board))]:
        registers = clocks.ClockRegisters(where, Faults())
        value = registers.read(where.divider)
        assert (value >> 8 & 63) * (value >> (20 if zynq else 16) & 63) == 10
        feedback = registers.read(0x108) >> 12 if zynq else registers.read(0x20) >> 8 & 127
        assert feedback * (50 if zynq else 100 / 3 / 2) == pytest.approx(board_named(board).pll_mhz)
        registers.write(where.divider, 5)
        assert registers.read(where.divider) == 5


@pytest.mark.parametrize("board", BOARDS)
def test_pynq_finds_every_cell_in_the_synthetic_description(board: str, tmp_path: Path) -> None:
    text = hwh.description(small_design(board, 4))
    assert text.count('"synthetic"') == 2
    path = tmp_path / "small.hwh"
    path.write_text(text, encoding="ascii")
    parser = RuntimeMetadataParser(Metadata(input=str(path)))
    parser.refresh_hierarchy_dict()
    addresses = {name: address for name, address in hwh.ADDRESSES.items() if name != CALIBRATION_DMA}
    assert {name: parser.ip_dict[name]["phys_addr"] for name in addresses} == addresses
    assert CALIBRATION_DMA not in parser.ip_dict
    dma = parser.ip_dict["axi_dma"]
    assert dma["type"] == "xilinx.com:ip:axi_dma:7.1"
    assert {name: details["index"] for name, details in dma["interrupts"].items()} == {
        "mm2s_introut": 0,
        "s2mm_introut": 1,
    }
    assert dma["parameters"]["c_m_axi_mm2s_data_width"] == "128"
    assert parser.interrupt_controllers["axi_intc"]["raw_irq"] == hwh.processor_of(small_design(board)).interrupt
    assert parser.clock_dict[0] == {"enable": 1, "divisor0": 10, "divisor1": 1}
