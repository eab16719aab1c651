"""The drift alarm of off-axis holograms: says when the carrier is no longer where it was calibrated.

A carrier that has moved by a bin of the transform adds a ramp of one turn across the field; from a fraction of that on,
the empty edge of a field counts as a cell. The ramp is that of a hologram's field over the reference field: cells rise
and fall again, and what the instrument bends is in the reference.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cytogate.host.stream.cells import SourceCell
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.reference import hologram_of, transform
from cytogate.model.retrieval.off_axis.sideband import Complexes, Sideband

EVERY = 8
"""Of so many holograms the first is looked at."""
REMEMBERED = 5
"""The median of the latest of these counts: one field with an odd cell raises no alarm."""
MOST_BINS = 0.25
"""From so far on the carrier has moved, in bins of the transform: a quarter of a turn across the field."""
LEAST_COHERENCE = 0.5
"""Of neighboring pixels of a field; noise alone has less."""


class CarrierWatch:
    """Looks at holograms on their way; use it from one thread.

    Parameters
    ----------
    reference : (M, M)
        The reference field, :func:`cytogate.model.retrieval.off_axis.calibration.reference_field`.
    """

    def __init__(self, design: Design, reference: Complexes) -> None:
        self._placing, self._sideband, self._reference = Placing.of(design), Sideband.of(design), reference
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

    def moved(self, hologram: NDArray[np.unsignedinteger]) -> float:
        """Return by how many bins the carrier of a hologram (rows, columns) is off; infinity without fringes."""
        _, kept = transform(hologram_of(hologram, self._placing), self._sideband)
        field = (np.fft.ifft2(kept) / self._reference)[self._placing.believed]
        ramps = []
        for axis in (0, 1):
            later, sooner = np.moveaxis(field, axis, 0)[1:], np.moveaxis(field, axis, 0)[:-1]
            together = np.sum(later * np.conj(sooner))
            if abs(together) < LEAST_COHERENCE * np.sum(np.abs(later) * np.abs(sooner)) or not abs(together):
                return math.inf
            ramps.append(np.angle(together) * self._sideband.map_size / (2 * np.pi))
        return math.hypot(*ramps)

    def _look(self, cell: SourceCell) -> None:
        assert cell.frames is not None
        if cell.frames.shape[1:] != (self._placing.rows, self._placing.columns):
            # It is told of elsewhere.
            return
        self._apart.append(self.moved(cell.frames[0]))
        apart = statistics.median(self._apart)
        if len(self._apart) == REMEMBERED and apart > MOST_BINS and not self.told:
            where = "there are no fringes" if math.isinf(apart) else f"it lies {apart:.2f} bins from where it was"
            self.told = (
                f"{cell.origin}, hologram {cell.position}: the carrier has moved since the calibration, {where}; "
                f"{MOST_BINS:g} are allowed: run `cytogate calibrate` again",
            )
            print(self.told[0], file=sys.stderr)
