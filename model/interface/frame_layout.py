"""How a cell's frames lie in memory for the DMA; in words and bytes alone, so that a manifest can be checked."""

from __future__ import annotations

from dataclasses import dataclass

from cytogate.model.design.instruments import ANGLES

LANE_BITS = (8, 16)
"""Bits that one channel's code may take in a beat: whole bytes."""


def lane_bits(adc_bits: int) -> int:
    """Return the bits of the lane in which a code of ``adc_bits`` travels."""
    return next(bits for bits in LANE_BITS if bits >= adc_bits)


@dataclass(frozen=True)
class FrameLayout:
    """Frames of one cell as beats of ``width`` pixels of one row, a pixel its channels, a channel a lane.

    The first of each is lowest. Rows begin on a beat of their own: the last beat of a row may have lanes to spare.
    """

    rows: int
    columns: int
    width: int
    """Pixels a beat: 1, 2, 4 or 8."""
    lane_bits: int
    """Bits of a lane, which holds one code: 8 or 16."""
    channels: int = ANGLES
    """Frames of one cell."""

    @property
    def row_beats(self) -> int:
        """Beats of one row."""
        return -(-self.columns // self.width)

    @property
    def beats(self) -> int:
        """Beats of one cell."""
        return self.rows * self.row_beats

    @property
    def beat_bytes(self) -> int:
        """Bytes of one beat."""
        return self.width * self.channels * self.lane_bits // 8

    @property
    def frame_bytes(self) -> int:
        """Bytes of one cell."""
        return self.beats * self.beat_bytes
