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
    """Return the bytes (cells, frame_bytes) of frames (cells, channels, rows, columns); ``spare`` fills free lanes."""
    data = np.empty((len(frames), layout.frame_bytes), np.uint8)
    for cell, out in zip(frames, data, strict=True):
        pack(cell, layout, out, spare)
    return data


def pack(frames: NDArray[np.integer], layout: FrameLayout, out: NDArray[np.uint8], spare: int = 0) -> None:
    """Write one cell's frames (channels, rows, columns), whose codes fit their lanes, to the bytes ``out``."""
    beats, used = _beats(out, layout), layout.samples_per_clock * layout.channels
    beats[..., used:] = spare
    pixels = _pixels(beats, layout)
    whole, left = divmod(layout.columns, layout.samples_per_clock)
    # Channel by channel: twice as fast as all at once, and a board's processor has little time.
    for channel, frame in enumerate(frames):
        pixels[:, :whole, :, channel] = frame[:, : whole * layout.samples_per_clock].reshape(
            layout.rows, whole, layout.samples_per_clock
        )
        if left:
            pixels[:, whole, :left, channel] = frame[:, whole * layout.samples_per_clock :]
    if left:
        pixels[:, whole, left:] = spare


def unpack(data: NDArray[np.uint8], layout: FrameLayout) -> NDArray[np.unsignedinteger]:
    """Return one cell's frames (channels, rows, columns) of its bytes (frame_bytes,)."""
    pixels = _pixels(_beats(data, layout), layout)
    by_row = pixels.reshape(layout.rows, layout.row_beats * layout.samples_per_clock, layout.channels)
    return np.ascontiguousarray(np.moveaxis(by_row[:, : layout.columns], -1, 0))


def _beats(data: NDArray[np.uint8], layout: FrameLayout) -> NDArray:
    """Return bytes as the lanes of every beat (rows, beats, lanes)."""
    return data.view(lanes(layout)).reshape(layout.rows, layout.row_beats, -1)


def _pixels(beats: NDArray, layout: FrameLayout) -> NDArray:
    """Return a view of beats as pixels (rows, beats, samples_per_clock, channels)."""
    used = beats[..., : layout.samples_per_clock * layout.channels]
    return used.reshape(layout.rows, layout.row_beats, layout.samples_per_clock, layout.channels)
