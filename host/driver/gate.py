"""The gate behind the network on the chip: its settings written and read back, its counters read."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.host.driver.cores import ALL_ONES, Cores
from cytogate.host.driver.errors import BoardFailed
from cytogate.model.contract.gate import GateSettings
from cytogate.model.contract.remarks import ORDER_FRAMES
from cytogate.model.errors import InputError
from cytogate.model.interface import registers
from cytogate.model.interface.registers import GateRegister, gate_offsets, order_counts


@dataclass(frozen=True)
class FrameOrder:
    """What the latest intact frames say of their order, as many as ``ORDER_FRAMES`` at most."""

    frames: int
    curled: int
    """Frames whose gradients have a curl, which those of one phase have not."""
    negative: int
    """Frames of a negative phase."""

    @property
    def told(self) -> str | None:
        """What a user must know; None: nothing, or too few frames to say."""
        if self.frames < ORDER_FRAMES:
            return None
        if 2 * self.curled > self.frames:
            return (
                f"{self.curled} of the latest {self.frames} frames hold gradients of no phase: frames are in a wrong "
                "order, or hold no cell"
            )
        if 2 * self.negative > self.frames:
            return (
                f"{self.negative} of the latest {self.frames} frames have a negative phase: + and - of both axes are "
                "exchanged, or cells are less dense than their medium"
            )
        return None


@dataclass(frozen=True)
class GateCounts:
    """What the gate has counted since the chip's latest reset; clocks of the kernels, the largest of each kind too."""

    events: int
    """Packets, malformed ones too."""
    triggers: int
    """Pulses that began."""
    trigger_cycles: int
    """From a frame's last pixel to its pulse, the latest."""
    trigger_cycles_most: int
    class_cycles: int
    """From a frame's first pixel to its class."""
    class_cycles_most: int
    class_interval: int
    """Between two classes."""
    class_interval_most: int
    order: FrameOrder
    """Of the latest intact frames."""


class ChipGate:
    """The registers of a gate, which a reset of the chip sets to zero: nothing triggers then."""

    def __init__(self, cores: Cores, classes: int) -> None:
        self._cores = cores
        self._offsets = gate_offsets(classes)
        self._written: GateSettings | None = None

    def identify(self) -> None:
        """Refuse a chip without a gate.

        Raises
        ------
        InputError
            If there is none.
        """
        found = self._read(GateRegister.GATE_IDENTITY.name)
        if found != registers.GATE_IDENTITY:
            raise InputError(
                f"the chip's input kernel reads {found:#010x} in GATE_IDENTITY, where the gate of the bundle's design "
                f"reads {registers.GATE_IDENTITY:#010x}; bitstream and design must come from one build of one release"
            )

    def forget(self) -> None:
        """Take note of a reset."""
        self._written = None

    def set(self, settings: GateSettings) -> None:
        """Write settings where others stand; the chip must be idle, for a cell within may meet a part of them.

        Raises
        ------
        BoardFailed
            If a register does not read as it was written, or the fabric is gone.
        """
        if settings == self._written:
            return
        self._written = None
        port, wanted = self._cores.retrieval, self._of_its_classes(settings)
        for name, value in wanted.items():
            port.write(self._offsets[name], value)
        for name, value in wanted.items():
            if (found := self._read(name)) != value:
                raise BoardFailed(f"the gate reads {found:#x} in {name} after {value:#x} was written to it")
        self._written = settings

    def counts(self) -> GateCounts:
        """Return what was counted."""
        names = [name for name in GateCounts.__dataclass_fields__ if name != "order"]
        order = FrameOrder(*order_counts(self._read("ORDER")))
        return GateCounts(**{name: self._read(name.upper()) for name in names}, order=order)

    def _of_its_classes(self, settings: GateSettings) -> dict[str, int]:
        """Return what is written, by register; margins of classes that the chip has not have none."""
        return {name: value for name, value in settings.registers.items() if name in self._offsets}

    def _read(self, name: str) -> int:
        value = self._cores.retrieval.read(self._offsets[name])
        if value == ALL_ONES:
            # A margin may be as large; what is gone reads so everywhere.
            self._cores.must_answer()
        return value
