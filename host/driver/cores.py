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


class Port(Protocol):
    """The registers of one cell of the block design, by byte offset."""

    def read(self, offset: int) -> int:
        """Return a register."""

    def write(self, offset: int, value: int) -> None:
        """Write a register."""


@dataclass(frozen=True)
class Cores:
    """AXI DMA, stream unit and input kernel: the kernel before the network, phase retrieval or binning."""

    dma: Port
    unit: Port
    retrieval: Port
    deadline_s: float
    """Longest time a reset may take."""

    def identify(self, manifest: Manifest) -> None:
        """Refuse a chip that is not the one the manifest speaks of; nothing is written to it.

        Raises
        ------
        InputError
            Naming the first register that says something else.
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
            if found != value:
                kernel = "input kernel" if port is self.retrieval else "stream unit"
                raise InputError(
                    f"the chip's {kernel} reads {found:#010x} in {register.name}, but the bundle's manifest says "
                    f"{value:#010x}; bitstream and manifest must come from one build of one release"
                )

    def reset(self) -> None:
        """Empty the whole data path and halt the DMA.

        The DMA goes first: it would push the rest of an old transfer into a stream unit that counts anew.

        Raises
        ------
        BoardFailed
            If a reset does not end, or the counters are not zero behind it.
        """
        self.dma.write(DmaChannel.MM2S.value + DmaRegister.CONTROL, DmaControl.RESET)
        self._must(lambda: not self._control(DmaChannel.MM2S) & DmaControl.RESET, "the DMA does not leave its reset")
        self.unit.write(StreamRegister.CONTROL.offset, StreamControl.RESET)
        self._must(
            lambda: not self.unit.read(StreamRegister.CONTROL.offset) & StreamControl.RESET,
            "the stream unit does not leave its reset",
        )
        if any(self.progress()):
            raise BoardFailed(f"the stream unit counts on from before its reset; {self.in_words()}")

    def start(self) -> None:
        """Let both channels of the DMA run; they must have been reset.

        Raises
        ------
        BoardFailed
            If a channel stays halted.
        """
        for channel in DmaChannel:
            self.dma.write(channel.value + DmaRegister.CONTROL, DmaControl.RUN)
            self._must(
                lambda channel=channel: not self.status(channel) & DmaStatus.HALTED,  # type: ignore[misc]
                f"{channel.title} does not start",
            )

    def status(self, channel: DmaChannel) -> DmaStatus:
        """Return a channel's STATUS."""
        return DmaStatus(self.dma.read(channel.value + DmaRegister.STATUS))

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
        return self.dma.read(DmaChannel.S2MM.value + DmaRegister.LENGTH)

    def acknowledge(self) -> None:
        """Take back the interrupts of a finished transfer."""
        for channel in DmaChannel:
            self.dma.write(channel.value + DmaRegister.STATUS, DmaStatus.COMPLETION_INTERRUPT)

    def progress(self) -> tuple[int, int]:
        """Return frames taken and cells answered since reset."""
        return self.unit.read(StreamRegister.FRAMES_IN.offset), self.unit.read(StreamRegister.CELLS_OUT.offset)

    @property
    def latency_cycles(self) -> int:
        """Clocks of the input kernel from the last input beat to the last output beat of the latest frame."""
        return self.retrieval.read(Register.LATENCY_CYCLES.offset)

    def in_words(self) -> str:
        """Return what DMA and kernels say of themselves."""
        flags = ErrorFlag(self.retrieval.read(Register.ERROR_FLAGS.offset))
        flagged = [words for flag, words in _FLAG_WORDS.items() if flag & flags]

        def unit(register: StreamRegister) -> int:
            return self.unit.read(register.offset)

        return "; ".join(
            [
                *(f"{channel.title}: {status_in_words(self.status(channel))}" for channel in DmaChannel),
                f"stream unit: {unit(StreamRegister.BATCHES_IN)} batches in, {unit(StreamRegister.BATCHES_OUT)} out, "
                f"{unit(StreamRegister.FRAMES_IN)} frames in, {unit(StreamRegister.CELLS_OUT)} cells out, "
                f"{unit(StreamRegister.STALLED_CYCLES)} clocks stalled",
                f"input kernel: {self.retrieval.read(Register.FRAMES_ACCEPTED.offset)} frames accepted, "
                f"{self.retrieval.read(Register.FRAMES_DROPPED.offset)} dropped"
                + "".join(f", {words}" for words in flagged),
            ]
        )

    def _control(self, channel: DmaChannel) -> int:
        return self.dma.read(channel.value + DmaRegister.CONTROL)

    def _must(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not happens(condition, self.deadline_s):
            raise BoardFailed(f"{otherwise} within {self.deadline_s} s; {self.in_words()}")


_FLAG_WORDS = {
    ErrorFlag.SHORT_PACKET: "short packet (TLAST came before a frame's last beat)",
    ErrorFlag.LONG_PACKET: "long packet (TLAST was missing on a frame's last beat)",
}
