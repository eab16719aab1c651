"""The drift alarm of off-axis holograms: says when the carrier is no longer where it was calibrated.

A carrier that has moved by a bin adds a ramp of one turn across the field; from a fraction of that on, the empty edge
of a field counts as a cell.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import deque
from collections.abc import Iterator

from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.errors import InputError
from cytogate.model.retrieval.off_axis.calibration import find_carrier

EVERY = 8
"""Of so many holograms the first is looked at."""
REMEMBERED = 5
"""The median of the latest of these counts: one field with an odd cell, or without fringes, raises no alarm."""
MOST_BINS = 0.25
"""From so far on the carrier has moved, in bins of the transform: a quarter of a turn across the field."""


class CarrierWatch:
    """Looks at holograms on their way; use it from one thread."""

    def __init__(self, design: Design) -> None:
        found = design.calibrated
        self._carrier = found.carrier_y, found.carrier_x
        self._size = design.off_axis.hologram_size
        self._apart: deque[float] = deque(maxlen=REMEMBERED)
        self.told: tuple[str, ...] = ()
        """The alarm, in a sentence, once there was one."""

    def watched(self, cells: Iterator[SourceCell | None]) -> Iterator[SourceCell | None]:
        """Pass cells on, and look at every eighth hologram."""
        seen = 0
        for cell in cells:
            if cell is not None and cell.frames is not None:
                if seen % EVERY == 0:
                    self._look(cell)
                seen += 1
            yield cell

    def _look(self, cell: SourceCell) -> None:
        assert cell.frames is not None
        try:
            found = find_carrier([cell.frames[0]])
        except (InputError, ValueError, IndexError):
            # No fringes, or no hologram: nowhere near.
            self._apart.append(math.inf)
        else:
            own = self._carrier
            # Both sidebands are there; which is meant is known.
            apart = min(math.dist(own, (sign * found.y, sign * found.x)) for sign in (1, -1))
            self._apart.append(apart * self._size)
        apart = statistics.median(self._apart)
        if len(self._apart) == REMEMBERED and apart > MOST_BINS and not self.told:
            where = "there are no fringes" if math.isinf(apart) else f"it lies {apart:.2f} bins from where it was"
            self.told = (
                f"{cell.origin}, hologram {cell.position}: the carrier has moved since the calibration, {where}; "
                f"{MOST_BINS:g} are allowed: run `cytogate calibrate` again",
            )
            print(self.told[0], file=sys.stderr)
