"""Memories that the arithmetic makes necessary, and the block RAM they take."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Buffer:
    """A memory that the arithmetic makes necessary."""

    name: str
    reason: str
    width: int
    depth: int
    copies: int = 1

    @property
    def bram36(self) -> float:
        """Block RAMs of 36 kbit on 7-series and UltraScale+ (a half is one RAMB18); 0 for what fits LUT RAM."""
        if self.depth * self.width <= LUT_RAM_BITS:
            return 0.0
        halves: int = min(
            math.ceil(self.width / width) * math.ceil(self.depth / (16384 // 2 ** int(math.log2(width))))
            for width in RAMB18_DATA_WIDTHS
        )
        return self.copies * halves / 2


# UG473, table 1-5: RAMB18 as simple dual port; its parity bits come with widths of 9 and more.
RAMB18_DATA_WIDTHS = (1, 2, 4, 9, 18, 36)
LUT_RAM_BITS = 4096
"""Below this a memory is left to LUT RAM, as synthesis does for shallow ones."""
