"""Gates of emulated boards: registers beside the kernel's, and what becomes of each cell.

Where the pipeline is verilated the gate is, too. Everywhere else it is the law alone, and there are no clocks: no cell
is late, and a pulse comes at its delay, or at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.gate import (
    DELAY_BITS,
    HOLD_BITS,
    PULSE_CLOCKS,
    CellEvent,
    EventFlag,
    GateSettings,
    decided,
)
from cytogate.model.contract.remarks import ORDER_FRAMES, Remark
from cytogate.model.design.design import Design
from cytogate.model.interface import registers
from cytogate.model.interface.registers import GateRegister, frame_order, gate_offsets, latest_event
from cytogate.model.retrieval import laws
from cytogate.sim.board.kernels import Kernel

if TYPE_CHECKING:
    from cytogate.sim.rtl.pipeline import PipelineSimulation


class Gate(Protocol):
    """The registers of a gate by byte offset of the kernel's port."""

    def read(self, offset: int) -> int:
        """Return a register; 0 at other addresses."""

    def write(self, offset: int, value: int) -> None:
        """Write a register."""

    def reset(self) -> None:
        """Forget settings and counts."""


class PipelineGate:
    """The gate of a verilated pipeline, which computes in one thread while another asks for its registers.

    Its clock stands still while no cell is computed: a pulse that is due later comes within the next ones.
    """

    def __init__(self, simulation: PipelineSimulation) -> None:
        self._simulation = simulation
        self._at_work = threading.Lock()

    def kernel(self, frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
        """Return what the pipeline sends for a cell's frames."""
        with self._at_work:
            return self._simulation.answers(frames[np.newaxis])[0].tolist()

    def read(self, offset: int) -> int:
        """Return a register, after the cell that is being computed."""
        with self._at_work:
            return self._simulation.read_at(offset)

    def write(self, offset: int, value: int) -> None:
        """Write a register, after the cell that is being computed."""
        with self._at_work:
            self._simulation.write_at(offset, value)

    def reset(self) -> None:
        """Hold the pipeline in reset for a moment."""
        with self._at_work:
            self._simulation.reset()


Remarked = tuple[EventFlag, Remark]
"""What makes a frame doubtful, if anything, and what is remarked on it."""
NO_DOUBT = EventFlag(0)


def without_doubt(design: Design) -> Callable[[NDArray[np.unsignedinteger]], Remarked]:
    """Return what is remarked on frames (channels, rows, columns) of a design that knows no background."""
    return lambda frames: (NO_DOUBT, laws.remarks(frames[None], design)[0])


class ClocklessGate:
    """The law of the gate behind a kernel that gives logits; ``remarked`` says what is remarked on its frame."""

    def __init__(
        self,
        classes: int,
        remarked: Callable[[NDArray[np.unsignedinteger]], Remarked],
    ) -> None:
        self._remarked = remarked
        self._latest: list[Remark] = []
        self._names = {offset: name for name, offset in gate_offsets(classes).items()}
        self._widths = {"GATE_CLASSES": classes, "TRIGGER_DELAY": DELAY_BITS, "TRIGGER_HOLD": HOLD_BITS}
        self._widths |= {name: 32 for name in self._names.values() if name.startswith(GateRegister.LEAST_MARGIN.name)}
        self.reset()

    def behind(self, kernel: Kernel) -> Kernel:
        """Return a kernel that also gives each cell's event."""

        def run(frames: NDArray[np.unsignedinteger]) -> Sequence[int]:
            logits = list(kernel(frames))
            return [*logits, self._event(logits, *self._remarked(frames)).word]

        return run

    def read(self, offset: int) -> int:
        """Return a register; 0 at other addresses."""
        return self._values.get(self._names.get(offset, ""), 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register that takes it."""
        name = self._names.get(offset, "")
        if name in self._widths:
            self._values[name] = value & (1 << self._widths[name]) - 1

    def reset(self) -> None:
        """Forget settings and counts."""
        self._latest = []
        self._values = {GateRegister.GATE_IDENTITY.name: registers.GATE_IDENTITY}

    def _settings(self) -> GateSettings:
        classes, delay, hold = (self._values.get(name, 0) for name in ("GATE_CLASSES", "TRIGGER_DELAY", "TRIGGER_HOLD"))
        margins = (self._values.get(f"LEAST_MARGIN_{index}", 0) for index in range(self._widths["GATE_CLASSES"]))
        return GateSettings(classes, tuple(margins), delay, hold)

    def _event(self, logits: Sequence[int], doubt: EventFlag, remark: Remark) -> CellEvent:
        (class_index,), (margin,) = (each.tolist() for each in decided(np.array([logits], np.int64)))
        settings, values = self._settings(), self._values
        flag = settings.judge(class_index, margin, doubt, -PULSE_CLOCKS, ())
        self._latest = [*self._latest, remark][-ORDER_FRAMES:]
        values["EVENTS"] = values.get("EVENTS", 0) + 1
        values["TRIGGERS"] = values.get("TRIGGERS", 0) + (flag is EventFlag.TRIGGERED)
        values |= {
            "EVENT": latest_event(class_index, flag, remark.code),
            "EVENT_MARGIN": margin,
            "ORDER": frame_order(self._latest),
        }
        return CellEvent(flag, settings.pulse_age(-PULSE_CLOCKS), remark)
