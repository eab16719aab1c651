"""Whether frames are fit for the accelerator, cell by cell: a stream goes on behind a cell that is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytogate.host.stream.cells import Flag, SourceCell

SATURATED_SHARE = 0.01
"""As :data:`cytogate.model.files.frames.SATURATED_SHARE`, which a board without h5py cannot import."""


@dataclass(frozen=True)
class FrameCheck:
    """What the accelerator's frames are."""

    rows: int
    columns: int
    adc_bits: int
    channels: tuple[str, ...]
    """Names of a cell's frames, in their order."""

    def checked(self, cell: SourceCell) -> SourceCell:
        """Return the cell with its frames as uint8 or uint16, flagged if saturated, or faulty and why."""
        if cell.frames is None:
            return cell
        fault = self._layout_fault(cell.frames)
        if fault is not None:
            return cell.faulty(fault)
        frames = cell.frames.astype(cell.frames.dtype.newbyteorder("="), copy=False)
        top = 2**self.adc_bits - 1
        highest, lowest = frames.max(axis=(1, 2)), frames.min(axis=(1, 2))
        for channel, high, low in zip(self.channels, highest.tolist(), lowest.tolist(), strict=True):
            if high > top:
                return cell.faulty(f"frame {channel} holds the code {high}, beyond the {self.adc_bits}-bit ADC's {top}")
            if high == low:
                return cell.faulty(f"frame {channel} is empty: all of its pixels are {high}")
        flags = cell.flags
        if (
            highest.max() == top
            and np.count_nonzero(frames == top, axis=(1, 2)).max() > SATURATED_SHARE * frames[0].size
        ):
            flags |= Flag.SATURATED
        return replace(cell, frames=frames, flags=flags)

    def _layout_fault(self, frames: NDArray) -> str | None:
        wanted = (len(self.channels), self.rows, self.columns)
        if frames.shape != wanted:
            return f"frames of shape {frames.shape}; the accelerator takes {wanted}"
        if frames.dtype.kind == "f":
            extra = "" if np.isfinite(frames).all() else " and hold NaN or infinity"
            return f"frames are {frames.dtype.name}{extra}; codes of the ADC are needed, as uint8 or uint16"
        if frames.dtype.kind != "u" or frames.dtype.itemsize > 2:
            return f"frames are {frames.dtype.name}; codes of the ADC are needed, as uint8 or uint16"
        return None
