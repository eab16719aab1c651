"""Between frames of cells and the bytes that a DMA carries, little-endian.

:class:`~cytogate.model.interface.frame_layout.FrameLayout` says how they lie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytogate.model.interface.frame_layout import FrameLayout


def lanes(layout: FrameLayout) -> np.dtype:
    """Return the type of one lane."""
    return np.dtype("<u2" if layout.lane_bits == 16 else "u1")


def packed(frames: NDArray[np.integer], layout: FrameLayout, spare: int = 0) -> NDArray[np.uint8]:
    """Return the bytes (cells, frame_bytes) of frames (cells, channels, rows, columns).

    ``spare`` fills lanes after the end of a row.
    """
    data = np.empty((len(frames), layout.frame_bytes), np.uint8)
    for cell, out in zip(frames, data, strict=True):
        pack(cell, layout, out, spare)
    return data


def pack(frames: NDArray[np.integer], layout: FrameLayout, out: NDArray[np.uint8], spare: int = 0) -> None:
    """Write one cell's frames (channels, rows, columns), whose codes fit their lanes, to ``out`` (frame_bytes,)."""
    pixels = _pixels(out, layout)
    # One by one: twice as fast as all at once, and a board's processor has little time.
    for channel, frame in enumerate(frames):
        pixels[:, : layout.columns, channel] = frame
    pixels[:, layout.columns :] = spare


def unpack(data: NDArray[np.uint8], layout: FrameLayout) -> NDArray[np.unsignedinteger]:
    """Return one cell's frames (channels, rows, columns) of its bytes (frame_bytes,)."""
    return np.ascontiguousarray(np.moveaxis(_pixels(data, layout)[:, : layout.columns], -1, 0))


def _pixels(data: NDArray[np.uint8], layout: FrameLayout) -> NDArray:
    """Return bytes as lanes (rows, columns and what fills their last beat, channels)."""
    return data.view(lanes(layout)).reshape(layout.rows, layout.row_beats * layout.width, layout.channels)
