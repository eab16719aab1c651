"""Whether the codes of one cell's frames are what the instrument's ADC can give; NumPy alone, for files and streams.

A check of the order in which frames are stored needs the phase: :mod:`cytogate.model.retrieval.frame_order`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SATURATED_SHARE = 0.01
"""Share of a frame's pixels at the highest code from which the frame counts as saturated: a bright rim of a cell may
touch the end of the range, but a hundredth of the field of view is more than its rims."""


@dataclass(frozen=True)
class FrameCheck:
    """What frames of one cell are: (channels, rows, columns) unsigned codes of ``adc_bits`` bits."""

    rows: int
    columns: int
    adc_bits: int
    channels: tuple[str, ...]
    """Names of a cell's frames, in their order."""

    @property
    def top(self) -> int:
        """The ADC's highest code."""
        return 2**self.adc_bits - 1

    def layout_fault(self, frames: NDArray) -> str | None:
        """Return what is wrong with shape or type of one cell's frames, in words; None: nothing."""
        wanted = (len(self.channels), self.rows, self.columns)
        if frames.shape != wanted:
            return f"frames of shape {frames.shape}; the accelerator takes {wanted}"
        if frames.dtype.kind == "f":
            extra = "" if np.isfinite(frames).all() else " and hold NaN or infinity"
            return f"frames are {frames.dtype.name}{extra}; codes of the ADC are needed, as uint8 or uint16"
        if frames.dtype.kind != "u" or frames.dtype.itemsize > 2:
            return f"frames are {frames.dtype.name}; codes of the ADC are needed, as uint8 or uint16"
        return None

    def code_fault(self, frames: NDArray[np.unsignedinteger]) -> str | None:
        """Return which frame (channels, rows, columns) holds codes that no ADC of the design gives, or nothing."""
        highest, lowest = frames.max(axis=(1, 2)).tolist(), frames.min(axis=(1, 2)).tolist()
        for channel, high, low in zip(self.channels, highest, lowest, strict=True):
            if high > self.top:
                return (
                    f"frame {channel} holds the code {high}, beyond the {self.adc_bits}-bit ADC's {self.top}; "
                    f"adc_bits must be {high.bit_length()} or more"
                    f"{_left_aligned(frames, self.adc_bits)}"
                )
            if high == low:
                return f"frame {channel} is empty: all of its pixels are {high}"
        return None

    def saturated(self, frames: NDArray[np.unsignedinteger]) -> str | None:
        """Return the first saturated channel of frames (channels, rows, columns), see SATURATED_SHARE; None: none."""
        counts = np.count_nonzero(frames >= self.top, axis=(1, 2)) > SATURATED_SHARE * frames[0].size
        return self.channels[int(np.argmax(counts))] if counts.any() else None


def _left_aligned(frames: NDArray[np.unsignedinteger], adc_bits: int) -> str:
    """Say by how much codes are shifted, if all of them end with zeros as cameras of fewer bits leave them."""
    shift = 8 * frames.dtype.itemsize - adc_bits
    if shift <= 0 or np.any(frames & frames.dtype.type((1 << shift) - 1)):
        return ""
    return f", or, as all codes are multiples of {1 << shift}, the frames are to be stored shifted: frames >> {shift}"
