"""Layout of a cell's frames in memory for the DMA; in words and bytes alone, so that a manifest can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LANE_BITS = (8, 16)
"""Bits that one channel's code may take in a beat: whole bytes."""

SMALLEST_BEAT_BYTES = 4
"""Beats have a power of two of bytes, and of these no fewer."""


class FrameFormat(Protocol):
    """What of an instrument matters here."""

    @property
    def rows(self) -> int:
        """Rows of a raw frame."""

    @property
    def columns(self) -> int:
        """Columns of a raw frame."""

    @property
    def adc_bits(self) -> int:
        """Bits of a raw code."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of a cell's frames."""


def lane_bits(adc_bits: int) -> int:
    """Return the bits of the lane in which a code of ``adc_bits`` travels."""
    return next(bits for bits in LANE_BITS if bits >= adc_bits)


@dataclass(frozen=True)
class FrameLayout:
    """Frames of one cell as beats of ``samples_per_clock`` pixels of one row, a pixel its channels, a channel a lane.

    The first of each is lowest. Rows begin on a beat of their own: the last beat of a row may have lanes to spare. A
    beat is as wide as a DMA can carry it and as 32-bit words sum it up, which may leave lanes above its pixels.
    """

    channels: int
    """Frames of a cell."""
    rows: int
    columns: int
    samples_per_clock: int
    """Pixels a beat, which is what enters in a clock: 1, 2, 4 or 8."""
    lane_bits: int
    """Bits of a lane, which holds one code: 8 or 16."""

    @staticmethod
    def of(camera: FrameFormat, samples_per_clock: int) -> FrameLayout:
        """Return the layout of an instrument's frames at so many samples per clock."""
        return FrameLayout(
            len(camera.channels), camera.rows, camera.columns, samples_per_clock, lane_bits(camera.adc_bits)
        )

    @property
    def row_beats(self) -> int:
        """Beats of one row."""
        return -(-self.columns // self.samples_per_clock)

    @property
    def beats(self) -> int:
        """Beats of one cell."""
        return self.rows * self.row_beats

    @property
    def beat_bytes(self) -> int:
        """Bytes of one beat."""
        pixels = self.samples_per_clock * self.channels * self.lane_bits // 8
        return max(SMALLEST_BEAT_BYTES, 1 << (pixels - 1).bit_length())

    @property
    def frame_bytes(self) -> int:
        """Bytes of one cell."""
        return self.beats * self.beat_bytes
