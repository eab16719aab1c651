"""Between arrays of codes and the integers on TDATA, as both levels of the kernel lay them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cytogate.model.interface.frame_layout import FrameLayout
from cytogate.model.interface.packing import packed

SPARE_LANE = 0xA5
"""Byte in lanes beyond the end of a row or of a pixel: a kernel that looks at them is wrong, and is seen."""


def input_beats(frames: NDArray[np.unsignedinteger], samples_per_clock: int, lane_bits: int) -> list[int]:
    """Return one cell's frames (channels, rows, columns) as TDATA integers, row by row.

    Raises
    ------
    ValueError
        If a code does not fit its lane.
    """
    if int(frames.max(initial=0)) >> lane_bits:
        raise ValueError(f"a code of {int(frames.max())} does not fit a lane of {lane_bits} bits")
    channels, rows, columns = frames.shape
    layout = FrameLayout(channels, rows, columns, samples_per_clock, lane_bits)
    spare = SPARE_LANE * (0x101 if lane_bits == 16 else 1)
    data, octets = packed(frames[np.newaxis], layout, spare).tobytes(), layout.beat_bytes
    return [int.from_bytes(data[start : start + octets], "little") for start in range(0, len(data), octets)]


def output_values(beats: Sequence[int], values_per_beat: int, value_bits: int, signed: bool) -> NDArray[np.int64]:
    """Return the values of output beats in stream order; ``value_bits`` is 8, 16 or 32."""
    octets = values_per_beat * value_bits // 8
    data = b"".join(beat.to_bytes(octets, "little") for beat in beats)
    return np.frombuffer(data, f"<{'i' if signed else 'u'}{value_bits // 8}").astype(np.int64)
