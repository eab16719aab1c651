"""The chip's registers as a driver needs them: who it is, what it counted, how it is brought back; all in words.

Knows nothing of PYNQ: it is given something that reads and writes registers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cytogate.host.driver.deadline import happens
from cytogate.host.driver.errors import BoardFailed
from cytogate.model.errors import InputError
from cytogate.model.interface import registers
from cytogate.model.interface.axi_dma import (
    ERRORS,
    DmaChannel,
    DmaControl,
    DmaRegister,
    DmaStatus,
    status_in_words,
)
from cytogate.model.interface.bundle import Manifest
from cytogate.model.interface.registers import ErrorFlag, Register, StreamControl, StreamRegister

ALL_ONES = 0xFFFF_FFFF
"""What a bus reads where nothing answers: a fabric that was unloaded, or has lost its clock or power."""


class Port(Protocol):
    """The registers of one cell of the block design, by byte offset."""

    def read(self, offset: int) -> int:
        """Return a register."""

    def write(self, offset: int, value: int) -> None:
        """Write a register."""


@dataclass(frozen=True)
class Cores:
    """AXI DMA, stream unit and input kernel: what stands before the network, retrieves phase, bins, or finds cells."""

    dma: Port
    unit: Port
    retrieval: Port
    deadline_s: float
    """Longest time that a reset may take, or the transfer of a calibration."""
    calibration: Port | None = None
    """The DMA of a calibration, which kernels of holograms have."""

    def identify(self, manifest: Manifest) -> None:
        """Refuse a chip that is not the one the manifest speaks of; nothing is written to it.

        Raises
        ------
        InputError
            Naming the first register that says something else.
        BoardFailed
            If nothing answers.
        """
        wanted = (
            (self.retrieval, Register.IDENTITY, registers.IDENTITY),
            (self.retrieval, Register.VERSION, registers.VERSION),
            (self.retrieval, Register.DESIGN_HASH, manifest.design_hash),
            (self.unit, StreamRegister.IDENTITY, registers.STREAM_IDENTITY),
            (self.unit, StreamRegister.VERSION, registers.STREAM_VERSION),
            (self.unit, StreamRegister.DESIGN_HASH, manifest.design_hash),
            (self.unit, StreamRegister.WEIGHTS_HASH, manifest.weights_word),
        )
        for port, register, value in wanted:
            found = port.read(register.offset)
            # A hash may have any value.
            if found == ALL_ONES != value:
                raise self._gone(port, register.name, found)
            if found != value:
                raise InputError(
                    f"the chip's {self._name(port)} reads {found:#010x} in {register.name}, but the bundle's manifest "
                    f"says {value:#010x}; bitstream and manifest must come from one build of one release"
                )

    def reset(self) -> None:
        """Empty the whole data path and halt the DMA.

        The DMA goes first: it would push the rest of an old transfer into a stream unit that counts anew.

        Raises
        ------
        BoardFailed
            If a reset does not end, or the counters are not zero behind it, or the fabric is gone.
        """
        self.must_answer()
        self.dma.write(DmaChannel.MM2S.value + DmaRegister.CONTROL, DmaControl.RESET)
        self._must(lambda: not self._control(DmaChannel.MM2S) & DmaControl.RESET, "the DMA does not leave its reset")
        if self.calibration is not None:
            self.calibration.write(DmaChannel.MM2S.value + DmaRegister.CONTROL, DmaControl.RESET)
            self._must(
                lambda: not self._calibration(DmaRegister.CONTROL) & DmaControl.RESET,
                "the calibration's DMA does not leave its reset",
            )
        self.unit.write(StreamRegister.CONTROL.offset, StreamControl.RESET)
        self._must(
            lambda: not self._unit(StreamRegister.CONTROL) & StreamControl.RESET,
            "the stream unit does not leave its reset",
        )
        if any(self.progress()):
            raise BoardFailed(f"the stream unit counts on from before its reset; {self.in_words()}")

    def start(self, interrupt: bool) -> None:
        """Let both channels of the DMA run, with an interrupt at each answer if asked for; they must have been reset.

        Raises
        ------
        BoardFailed
            If a channel stays halted.
        """
        for channel in DmaChannel:
            tells = interrupt and channel is DmaChannel.S2MM
            control = DmaControl.RUN | (DmaControl.INTERRUPT_ON_COMPLETION if tells else 0)
            self.dma.write(channel.value + DmaRegister.CONTROL, control)
            self._must(
                lambda channel=channel: not self.status(channel) & DmaStatus.HALTED,  # type: ignore[misc]
                f"{channel.title} does not start",
            )

    def calibrate(self, address: int, size: int) -> None:
        """Send kernels of holograms, which have been reset, their calibration: ``size`` bytes at a physical address.

        Raises
        ------
        BoardFailed
            If it does not arrive.
        """
        assert self.calibration is not None
        self.calibration.write(DmaChannel.MM2S.value + DmaRegister.CONTROL, DmaControl.RUN)
        # To a channel that has halted nothing may be written.
        self._must(
            lambda: not self._calibration(DmaRegister.STATUS) & DmaStatus.HALTED,
            "the calibration's DMA does not start",
        )
        _begin(self.calibration, DmaChannel.MM2S, address, size)
        self._must(
            lambda: bool(self._calibration(DmaRegister.STATUS) & (ERRORS | DmaStatus.IDLE)),
            "the kernels do not take their calibration",
        )
        status = self._calibration(DmaRegister.STATUS)
        if status & ERRORS:
            raise BoardFailed(f"the calibration did not reach the kernels; its DMA: {status_in_words(status)}")

    def transfer(self, channel: DmaChannel, address: int, size: int) -> None:
        """Start a transfer of ``size`` bytes from or to a physical address; the channel must run and be idle."""
        _begin(self.dma, channel, address, size)

    def must_answer(self) -> None:
        """Look at registers that never read otherwise.

        Raises
        ------
        BoardFailed
            If one of them does: the fabric is gone.
        """
        for port, offset, name, value in (
            (self.unit, StreamRegister.IDENTITY.offset, "IDENTITY", registers.STREAM_IDENTITY),
            (self.retrieval, Register.IDENTITY.offset, "IDENTITY", registers.IDENTITY),
            (self.dma, DmaChannel.MM2S.value + DmaRegister.STATUS, "MM2S STATUS", None),
        ):
            found = port.read(offset)
            if found == ALL_ONES or (value is not None and found != value):
                raise self._gone(port, name, found)

    def status(self, channel: DmaChannel) -> DmaStatus:
        """Return a channel's STATUS."""
        return DmaStatus(self._channel(channel, DmaRegister.STATUS))

    @property
    def broken(self) -> bool:
        """Whether an error has ended the running transfer."""
        return any(self.status(channel) & (ERRORS | DmaStatus.HALTED) for channel in DmaChannel)

    @property
    def answered(self) -> bool:
        """Whether the running transfer's answer is in memory."""
        return bool(self.status(DmaChannel.S2MM) & DmaStatus.IDLE)

    @property
    def received_bytes(self) -> int:
        """Bytes of the answer."""
        return self._channel(DmaChannel.S2MM, DmaRegister.LENGTH)

    def acknowledge(self) -> None:
        """Take back the interrupts of a finished transfer."""
        for channel in DmaChannel:
            self.dma.write(channel.value + DmaRegister.STATUS, DmaStatus.COMPLETION_INTERRUPT)

    def progress(self) -> tuple[int, int]:
        """Return frames taken and cells answered since reset."""
        return self._unit(StreamRegister.FRAMES_IN), self._unit(StreamRegister.CELLS_OUT)

    @property
    def latency_cycles(self) -> int:
        """Clocks of the input kernel from the last input beat to the last output beat of the latest frame."""
        return self._retrieval(Register.LATENCY_CYCLES)

    def in_words(self) -> str:
        """Return what DMA and kernels say of themselves.

        Raises
        ------
        BoardFailed
            If the fabric is gone: registers that read as zeros say nothing, either.
        """
        self.must_answer()
        unit, retrieval = self._unit, self._retrieval
        flags = ErrorFlag(retrieval(Register.ERROR_FLAGS))
        flagged = [words for flag, words in _FLAG_WORDS.items() if flag & flags]
        return "; ".join(
            [
                *(f"{channel.title}: {status_in_words(self.status(channel))}" for channel in DmaChannel),
                f"stream unit: {unit(StreamRegister.BATCHES_IN)} batches in, {unit(StreamRegister.BATCHES_OUT)} out, "
                f"{unit(StreamRegister.FRAMES_IN)} frames in, {unit(StreamRegister.CELLS_OUT)} cells out, "
                f"{unit(StreamRegister.STALLED_CYCLES)} clocks stalled",
                f"input kernel: {retrieval(Register.FRAMES_ACCEPTED)} frames accepted, "
                f"{retrieval(Register.FRAMES_DROPPED)} dropped" + "".join(f", {words}" for words in flagged),
            ]
        )

    def _control(self, channel: DmaChannel) -> int:
        return self._channel(channel, DmaRegister.CONTROL)

    def _channel(self, channel: DmaChannel, register: DmaRegister) -> int:
        return self._read(self.dma, channel.value + register, f"{channel.name} {register.name}")

    def _calibration(self, register: DmaRegister) -> int:
        assert self.calibration is not None
        return self._read(self.calibration, DmaChannel.MM2S.value + register, f"MM2S {register.name}")

    def _unit(self, register: StreamRegister) -> int:
        return self._read(self.unit, register.offset, register.name)

    def _retrieval(self, register: Register) -> int:
        return self._read(self.retrieval, register.offset, register.name)

    def _read(self, port: Port, offset: int, name: str) -> int:
        """Return a register; all ones are what no fabric counts to that is reset in time, and never believed."""
        value = port.read(offset)
        if value == ALL_ONES:
            self.must_answer()
            raise self._gone(port, name, value)
        return value

    def _gone(self, port: Port, name: str, found: int) -> BoardFailed:
        return BoardFailed(
            f"the fabric is gone: the {self._name(port)} reads {found:#010x} in {name}; its bitstream was replaced, or "
            "its clock or power is off: open the accelerator anew"
        )

    def _name(self, port: Port) -> str:
        names = {"input kernel": self.retrieval, "stream unit": self.unit, "calibration's DMA": self.calibration}
        return next((name for name, each in names.items() if port is each), "DMA")

    def _must(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not happens(condition, self.deadline_s):
            raise BoardFailed(f"{otherwise} within {self.deadline_s} s; {self.in_words()}")


def _begin(port: Port, channel: DmaChannel, address: int, size: int) -> None:
    port.write(channel.value + DmaRegister.ADDRESS, address & ALL_ONES)
    port.write(channel.value + DmaRegister.ADDRESS_HIGH, address >> 32)
    port.write(channel.value + DmaRegister.LENGTH, size)


_FLAG_WORDS = {
    ErrorFlag.SHORT_PACKET: "short packet (TLAST came before a frame's last beat)",
    ErrorFlag.LONG_PACKET: "long packet (TLAST was missing on a frame's last beat)",
}
