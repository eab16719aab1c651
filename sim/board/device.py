"""An emulated board as a device of PYNQ: the one file of this room that imports pynq.

pynq itself is not changed: its ``Overlay``, ``allocate``, ``Clocks``, ``Interrupt`` and ``lib.dma.DMA`` work on this
device's registers and memory as on a board's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pynq.interrupt
import pynq.ps
from pynq.buffer import PynqBuffer
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

from cytogate.model.errors import InputError
from cytogate.model.interface.axi_dma import DmaChannel
from cytogate.model.interface.bundle import (
    CALIBRATION_DMA,
    DMA,
    FRONT_END,
    INTERRUPTS,
    STREAM_UNIT,
    Bundle,
    DeviceProvider,
)
from cytogate.model.interface.description import LENGTH_WIDTH
from cytogate.sim.board import clocks, hwh
from cytogate.sim.board.axi_dma import AxiDma
from cytogate.sim.board.background import Beside, ClocklessBackground
from cytogate.sim.board.fabric import Calibrate, CalibrationStream, Fabric
from cytogate.sim.board.faults import Fault, FaultKind, Faults
from cytogate.sim.board.gate import ClocklessGate, Gate, without_doubt
from cytogate.sim.board.interrupts import InterruptController, UserIo
from cytogate.sim.board.kernels import Kernel
from cytogate.sim.board.memory import Memory


class RegisterBlock(Protocol):
    """Registers by byte offset."""

    size: int

    def read(self, offset: int) -> int:
        """Return a register."""

    def write(self, offset: int, value: int) -> None:
        """Write a register."""


class EmulatedBoard:
    """Memory, DMA, interrupts, clocks and the chain of one board.

    Parameters
    ----------
    bundle
        Design and manifest as the emulated bitstream was built.
    kernel
        What computes logits.
    faults
        What shall go wrong.
    on_close
        Frees what the kernel holds.
    begin
        Called in the thread that computes, before it does.
    calibrate
        Of kernels of holograms: takes the words of a calibration.
    gate
        Of a kernel that computes events, too, and whose port has all registers; None: behind the kernel of a design
        with a gate, its law alone stands.
    light
        The background's registers of a kernel without a port that computes by them; None: where the design's law has
        a background, registers that no value depends on.
    """

    def __init__(
        self,
        bundle: Bundle,
        kernel: Kernel,
        faults: Iterable[Fault] = (),
        on_close: Callable[[], None] = lambda: None,
        begin: Callable[[], None] = lambda: None,
        calibrate: Calibrate | None = None,
        gate: Gate | None = None,
        light: ClocklessBackground | None = None,
    ) -> None:
        design = bundle.design
        if gate is None and design.chip.takes_background:
            light = light or ClocklessBackground(design)
            kernel = light.before(kernel)
        if gate is None and design.chip.has_gate:
            remarked = without_doubt(design) if light is None else light.remarked
            clockless = ClocklessGate(design.network.classes, remarked)
            kernel, gate = clockless.behind(kernel), clockless
        if light is not None:
            gate = light if gate is None else Beside((gate, light))
        self._on_close = on_close
        self.lock = threading.RLock()
        self.faults = Faults(faults)
        self.memory = Memory()
        self.fabric = Fabric(bundle, kernel, self.faults, self.lock, begin, calibrate, gate)
        self.user_io = UserIo()
        self.interrupts = InterruptController(self.user_io)
        self.dma = AxiDma(self.memory, self.fabric, self.faults, self._interrupt)
        self.fabric.on_packet = self.dma.packet_waits
        self.processor = hwh.processor_of(bundle.design)
        clock_map = (clocks.zynq if self.processor is hwh.ZYNQ else clocks.ultrascale)(bundle.design.chip.on)
        self.cells: dict[str, RegisterBlock] = {
            DMA: self.dma,
            INTERRUPTS: self.interrupts,
            FRONT_END: self.fabric.retrieval,
            STREAM_UNIT: self.fabric.unit,
        }
        if calibrate is not None:
            self.cells[CALIBRATION_DMA] = AxiDma(
                self.memory, CalibrationStream(self.fabric), Faults(()), lambda channel, level: None
            )
        self._blocks: dict[int, RegisterBlock] = {clock_map.base: clocks.ClockRegisters(clock_map, self.faults)}

    def load(self, addresses: Mapping[str, int]) -> None:
        """Load the bitstream: from now on its cells answer at these addresses."""
        self._blocks |= {addresses[name]: cell for name, cell in self.cells.items()}

    def read(self, address: int) -> int:
        """Return a register of 32 bits at a physical address."""
        block, offset = self._block(address)
        with self.lock:
            return block.read(offset)

    def write(self, address: int, value: int) -> None:
        """Write one."""
        block, offset = self._block(address)
        with self.lock:
            block.write(offset, value)

    def flush(self, address: int, offset: int, size: int) -> None:
        """Bring the host's copy of memory to the device."""
        with self.lock:
            if not self.faults.strike(FaultKind.FORGOTTEN_FLUSH):
                self.memory.to_device(address, offset, size)

    def invalidate(self, address: int, offset: int, size: int) -> None:
        """Bring the device's copy of memory to the host."""
        with self.lock:
            if not self.faults.strike(FaultKind.FORGOTTEN_INVALIDATE):
                self.memory.to_host(address, offset, size)

    def close(self) -> None:
        """Stop computing."""
        try:
            self.fabric.close()
        finally:
            self._on_close()

    def _interrupt(self, channel: DmaChannel, level: bool) -> None:
        self.interrupts.set_input(list(DmaChannel).index(channel), level)

    def _block(self, address: int) -> tuple[RegisterBlock, int]:
        for base, block in self._blocks.items():
            if base <= address < base + block.size:
                return block, address - base
        raise RuntimeError(f"no register answers at {address:#x}; a board would hang or raise a bus error")


class EmulatedBuffer(PynqBuffer):
    """A buffer in emulated memory. What is not given back stays allocated, so that a leak is seen."""

    device = None
    """Shadows the attribute that arrays have since NumPy 2 and that pynq, older than that, could not write to."""
    memory: Memory | None = None

    def freebuffer(self) -> None:
        """Give the memory back, once."""
        if self.memory is not None:
            self.memory.free(self.bo)
            self.memory = None

    def __del__(self) -> None:
        pass


class EmulatedDevice(Device):
    """What pynq takes for a device."""

    def __init__(self, board: EmulatedBoard) -> None:
        super().__init__(f"emulated-{os.getpid()}")
        self.name = "cytogate-emulated"
        self.board = board
        self.arch = board.processor.architecture
        self.capabilities = {"REGISTER_RW": True}
        self.timestamp = ""

    def has_capability(self, name: str) -> bool:
        """Whether the device can do something, in pynq's words."""
        return self.capabilities.get(name, False)

    @property
    def default_memory(self) -> EmulatedDevice:
        """The device's memory, which this is itself."""
        return self

    def allocate(self, shape: Any, dtype: Any, **kwargs: Any) -> PynqBuffer:
        """Return a buffer that must be flushed and invalidated."""
        shape, element = np.atleast_1d(shape), np.dtype(dtype)
        address, host = self.board.memory.allocate(int(shape.prod()) * element.itemsize)
        buffer = EmulatedBuffer(
            tuple(shape), element, buffer=host, device=self, device_address=address, bo=address, coherent=False
        )
        buffer.memory = self.board.memory
        return buffer

    def flush(self, address: int, offset: int, pointer: int, size: int) -> None:
        """Flush a part of a buffer."""
        self.board.flush(address, offset, size)

    def invalidate(self, address: int, offset: int, pointer: int, size: int) -> None:
        """Invalidate a part of a buffer."""
        self.board.invalidate(address, offset, size)

    def read_registers(self, address: int, length: int) -> bytes:
        """Return registers as bytes."""
        return b"".join(self.board.read(address + at).to_bytes(4, "little") for at in range(0, length, 4))

    def write_registers(self, address: int, data: Any) -> None:
        """Write registers."""
        octets = bytes(data)
        for at in range(0, len(octets), 4):
            self.board.write(address + at, int.from_bytes(octets[at : at + 4], "little"))

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> RuntimeMetadataParser:
        """Read the hardware description beside a bitstream."""
        parser = RuntimeMetadataParser(Metadata(input=str(Path(bitfile_name).with_suffix(".hwh"))))
        parser.refresh_hierarchy_dict()
        return parser

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Load a bitstream, of which the hardware description is all that counts."""
        self.board.load({name: parser.ip_dict[name]["phys_addr"] for name in self.board.cells})
        self.board.dma.length_bits = int(parser.ip_dict[DMA]["parameters"][LENGTH_WIDTH])
        self.post_download(bitstream, parser, self.name)

    def close(self) -> None:
        """Nothing is held."""


_plugged = threading.Lock()
"""Held while a board is plugged in: pynq keeps one device, one set of clocks and of interrupt lines a process."""


@contextmanager
def plugged_in(board: EmulatedBoard) -> Iterator[EmulatedDevice]:
    """Make a board's device the one that pynq works on.

    Raises
    ------
    InputError
        If another board is plugged in; a process has one at a time.
    """
    if not _plugged.acquire(blocking=False):
        board.close()
        raise InputError("another emulated board is in use in this process, which can have one at a time; close it")
    try:
        with _active(board) as device:
            yield device
    finally:
        _plugged.release()


@contextmanager
def _active(board: EmulatedBoard) -> Iterator[EmulatedDevice]:
    device = EmulatedDevice(board)
    before = getattr(Device, "_active_device", None)
    architecture = pynq.ps.CPU_ARCH
    Device.active_device = device
    # pynq 3.0 asks the computer, 3.1 the device, for its architecture; both keep the clocks they found first.
    pynq.ps.CPU_ARCH = board.processor.architecture
    _forget_clocks()
    # Where a board has /dev/uio.
    lines = pynq.interrupt._InterruptController._uio_devices
    lines[board.processor.interrupt] = board.user_io
    try:
        yield device
    finally:
        del lines[board.processor.interrupt]
        _forget_clocks()
        pynq.ps.CPU_ARCH = architecture
        Device.active_device = before
        board.close()


def provider(make: Callable[[Bundle], EmulatedBoard]) -> DeviceProvider:
    """Return what an accelerator takes as its device; ``make`` is called for the bundle on entering it."""

    @contextmanager
    def provide(bundle: Bundle) -> Iterator[EmulatedDevice]:
        with plugged_in(make(bundle)) as device:
            yield device

    return provide


def _forget_clocks() -> None:
    if hasattr(pynq.ps.Clocks, "_real_instance"):
        del pynq.ps.Clocks._real_instance
