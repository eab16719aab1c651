"""Results: one for each cell that was sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.gate import CellEvent, GateSettings
from cytogate.model.interface.answers import FieldAnswer


@dataclass(frozen=True)
class Result:
    """The chip's answer to one cell's frames, or to one hologram, or why there is none."""

    index: int
    """Position of the cell in the input, from 0."""
    logits: NDArray[np.int64] | None
    """Codes (classes,) as the network's output format has them; None if the cell was lost."""
    sent_ns: int
    """``time.monotonic_ns`` when the cell's batch was handed to the DMA."""
    received_ns: int
    """``time.monotonic_ns`` when the batch had come back, or was given up."""
    lost: str | None = None
    """Why the cell was lost, in words; None if it was not."""
    field: FieldAnswer | None = None
    """The cells of a hologram, which has no logits of its own."""
    event: CellEvent | None = None
    """What the chip's gate has made of the cell; None if there is no gate, or the cell was lost."""
    gate: GateSettings | None = None
    """What stood in the gate's registers then; None if there is no gate."""

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer."""
        return self.logits is not None or self.field is not None
