"""Calibrate an off-axis instrument: carrier, sideband, reference field, magnification and gain.

The carrier is the strongest spatial frequency of a hologram beyond the zero order, found to a small part of a bin. Of
the two sidebands, conjugates of each other, that one is chosen in which cells delay the light. The reference field is
the mean of empty fields or, without any, the smooth phase of the background between the cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytogate.model.design.design import Design
from cytogate.model.design.folder import CALIBRATION_FOLDER, REFERENCE_FILE
from cytogate.model.errors import InputError
from cytogate.model.interface.array_file import read_array
from cytogate.model.retrieval.off_axis.cells import MapCell
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.reference import argument, hologram_of, object_field, transform
from cytogate.model.retrieval.off_axis.sideband import Complexes, Sideband
from cytogate.model.retrieval.off_axis.unwrapping import TURN, Floats, unwrap

LEAST_CARRIER = 0.06
"""Cycles a pixel, below which the zero order lies."""
LEAST_PROMINENCE = 10.0
"""Of the carrier over the median at its own distance from zero; noise comes to 5."""
MOST_PIXELS = 1024
"""Rows and columns, about the middle, that the carrier is looked for in."""
REFINEMENTS, GRID = 24, np.linspace(-1, 1, 5)
"""Each halves the span, of which a bin is the first: 2^-24 of a bin remains."""
CARRIER_SHARE = 1 / 3
"""Of the carrier's distance: the disk that the zero order, twice as wide, does not reach."""
PLANE = 3
"""Terms of a surface: level and two slopes."""
BORDER_SHARE = 0.12
"""Of the map at each edge, where a fit of the background begins: cells are mostly elsewhere."""
FITS, REJECTED_SDS = 20, 3.0
BEAD_SHARE = 0.85
"""Of a bead's radius within which it is fitted: at the rim the optics blur."""
MOST_RESIDUE = 0.2
"""Of a bead's largest path delay, the RMS by which it may differ from a ball's."""


@dataclass(frozen=True)
class Carrier:
    """The fringes of holograms."""

    y: float
    """Cycles a pixel down a column; ``x`` along a row. The other sideband has both signs changed."""
    x: float
    prominence: float
    """Amplitude over the median of all frequencies as far from zero."""

    @property
    def radius(self) -> float:
        """The largest disk about it that no other term reaches, cycles a pixel."""
        own = math.hypot(self.y, self.x) * CARRIER_SHARE
        # The conjugate term, which beyond half a cycle comes back from the other side.
        conjugate = math.hypot(*(min(2 * abs(each), 1 - 2 * abs(each)) for each in (self.y, self.x)))
        return min(own, conjugate / 2)

    @property
    def conjugate(self) -> Carrier:
        """The other sideband's."""
        return Carrier(-self.y, -self.x, self.prominence)


def find_carrier(frames: Sequence[NDArray[np.unsignedinteger]]) -> Carrier:
    """Return the carrier, x positive, of holograms (rows, columns) of one size.

    Examples
    --------
    >>> y, x = np.mgrid[:200, :210]
    >>> fringes = 100 + 50 * np.cos(TURN * (0.1234 * y + 0.2345 * x))
    >>> found = find_carrier([fringes])
    >>> round(found.y, 4), round(found.x, 4)
    (0.1234, 0.2345)

    Raises
    ------
    InputError
        Where there are no fringes.
    """
    tapered = [_tapered(frame) for frame in frames]
    shape = tapered[0].shape
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    powers = np.sum([np.abs(np.fft.fft2(each)) ** 2 for each in tapered], axis=0)
    distance = np.hypot(fy, fx)
    looked_at = (distance > LEAST_CARRIER) & ((fx > 0) | ((fx == 0) & (fy > 0)))
    row, column = np.unravel_index(np.where(looked_at, powers, -1).argmax(), shape)
    ring = np.abs(distance - distance[row, column]) < 2 / min(shape)
    prominence = math.sqrt(powers[row, column] / max(float(np.median(powers[ring])), np.finfo(float).tiny))
    if powers[row, column] <= 0 or prominence < LEAST_PROMINENCE:
        raise InputError(
            f"no fringes: the strongest of all finer than {1 / LEAST_CARRIER:.0f} pixels is {prominence:.1f} times "
            f"what lies around it, a hologram's at least {LEAST_PROMINENCE:g} times; are these off-axis holograms?"
        )
    y, x = _refined(tapered, float(fy[row, 0]), float(fx[0, column]))
    return Carrier(y, x, prominence)


def _tapered(frame: NDArray) -> Floats:
    """Return the middle of a hologram, less its mean, falling to zero at its edges."""
    rows, columns = (min(count, MOST_PIXELS) for count in frame.shape)
    top, left = (frame.shape[0] - rows) // 2, (frame.shape[1] - columns) // 2
    part = frame[top : top + rows, left : left + columns].astype(np.float64)
    return (part - part.mean()) * np.hanning(rows)[:, None] * np.hanning(columns)


def _refined(tapered: list[Floats], y: float, x: float) -> tuple[float, float]:
    """Climb to the top of the power between the bins."""
    rows, columns = (np.arange(count) for count in tapered[0].shape)
    span_y, span_x = 1 / len(rows), 1 / len(columns)
    for _ in range(REFINEMENTS):
        ys, xs = y + GRID * span_y, x + GRID * span_x
        along_y, along_x = np.exp(-1j * TURN * np.outer(ys, rows)), np.exp(-1j * TURN * np.outer(columns, xs))
        powers = np.sum([np.abs(along_y @ each @ along_x) ** 2 for each in tapered], axis=0)
        best = np.unravel_index(powers.argmax(), powers.shape)
        y, x = float(ys[best[0]]), float(xs[best[1]])
        span_y, span_x = span_y / 2, span_x / 2
    return y, x


def fringe_fault(frame: NDArray[np.unsignedinteger], design: Design) -> str | None:
    """Return that a hologram (rows, columns) has no fringes where the calibration says; None where it has."""
    sideband = Sideband.of(design)
    _, kept = transform(hologram_of(frame, Placing.of(design)), sideband)
    amplitudes = np.abs(kept[sideband.disk])
    prominence = float(amplitudes.max()) / max(float(np.median(amplitudes)), np.finfo(float).tiny)
    if prominence >= LEAST_PROMINENCE:
        return None
    return (
        f"no fringes at the calibrated carrier: the strongest is {prominence:.1f} times what lies around it, "
        f"{LEAST_PROMINENCE:g} times are needed: no hologram, or the carrier has moved; calibrate again"
    )


def reference_of(
    frames: Sequence[NDArray], empty: Sequence[NDArray], placing: Placing, sideband: Sideband
) -> Complexes:
    """Return the reference field (M, M), without the carrier's part of a bin.

    Its mean modulus over what is believed is 1, and it is 1 where nothing is believed.

    Parameters
    ----------
    frames
        Holograms with cells (rows, columns). The smooth phase of what lies between the cells is the field's; the median
        of the holograms' coefficients counts, so that a hologram which cells fill does no harm among others.
    empty
        Holograms without cells. Where there are some, their mean is the field, each turned to the first one's phase,
        and ``frames`` add the plane by which the instrument has moved since.
    """
    believed = placing.believed
    field = _mean_field([object_field(each, placing, sideband)[believed] for each in empty]) if empty else 1.0
    terms = _surface_terms(sideband.map_size)[: PLANE if empty else None, believed[0], believed[1]]
    fits = []
    for frame in frames:
        rest = np.zeros((sideband.map_size,) * 2)
        rest[believed] = argument(object_field(frame, placing, sideband)[believed] * np.conj(field))
        fits.append(_background_fit(unwrap(rest, believed)[believed], terms))
    surface = np.tensordot(np.median(fits, axis=0), terms, 1)
    return _completed(field * np.exp(1j * surface), placing, sideband)


def _mean_field(fields: Sequence[Complexes]) -> Complexes:
    """Return the mean of fields, each turned to the first one's phase."""
    total = np.zeros_like(fields[0])
    for field in fields:
        turned = np.vdot(field, fields[0])
        total += field * turned / max(abs(turned), np.finfo(float).tiny)
    return total / len(fields)


def _completed(part: Complexes, placing: Placing, sideband: Sideband) -> Complexes:
    """Return the field of the whole map of what is believed of it, 1 where that is dark."""
    part = part / max(float(np.abs(part).mean()), np.finfo(float).tiny)
    reference = np.ones((sideband.map_size,) * 2, np.complex128)
    reference[placing.believed] = np.where(np.abs(part) > 1e-3, part, 1)
    return reference


def _surface_terms(size: int) -> Floats:
    y, x = np.meshgrid(*(np.linspace(-1, 1, size),) * 2, indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])


def _background_fit(phase: Floats, terms: Floats) -> Floats:
    """Fit terms (terms, rows, columns) to the background of a phase (rows, columns), starting at its border."""
    rows, columns = phase.shape
    kept = np.ones(phase.shape, bool)
    deep = (round(rows * BORDER_SHARE), round(columns * BORDER_SHARE))
    kept[deep[0] : rows - deep[0], deep[1] : columns - deep[1]] = False
    found = np.zeros(len(terms))
    for _ in range(FITS):
        found = np.linalg.lstsq(terms[:, kept].T, phase[kept], rcond=None)[0]
        rest = phase - np.tensordot(found, terms, 1)
        level = float(np.median(rest[kept]))
        spread = 1.4826 * float(np.median(np.abs(rest[kept] - level)))
        before, kept = kept, np.abs(rest - level) <= REJECTED_SDS * spread + 1e-9
        if np.array_equal(before, kept):
            break
    return found


def delays_light(phases: Sequence[Floats], least_rad: float) -> bool | None:
    """Tell by maps of phase, zero in the background, whether cells delay the light; None where there are none.

    What exceeds ``least_rad`` on either side is summed: a cell outweighs what noise and dust there is.
    """
    above = sum(float(phase[phase > least_rad].sum()) for phase in phases)
    below = -sum(float(phase[phase < -least_rad].sum()) for phase in phases)
    if max(above, below) < 2 * min(above, below) or max(above, below) <= 0:
        return None
    return above > below


@dataclass(frozen=True)
class Bead:
    """What a ball of known size and index says of the instrument."""

    radius_px: float
    """Pixels of the map."""
    delay_nm: float
    """At its middle, as measured."""
    residue_nm: float
    """Root mean square of what differs from a ball."""


def fit_bead(opd: Floats, cell: MapCell) -> Bead:
    """Fit a ball to a cell of a map of path delay (M, M) in nanometres.

    Through a ball of radius R and index step n light is delayed by ``2 n sqrt(R^2 - r^2)``: the square is linear in
    ``r^2``, and its zero lies at the rim, whatever n is.

    Raises
    ------
    InputError
        If it is no ball.
    """
    y, x = np.mgrid[cell.rows, cell.columns]
    weights = np.where(cell.mask, np.maximum(cell.part(opd), 0), 0)
    middle = (weights * y).sum() / weights.sum(), (weights * x).sum() / weights.sum()
    squared = (y - middle[0]) ** 2 + (x - middle[1]) ** 2
    radius = math.sqrt(np.count_nonzero(cell.mask) / math.pi)
    for _ in range(4):
        inside = cell.mask & (squared < (BEAD_SHARE * radius) ** 2)
        if np.count_nonzero(inside) < 20:
            raise InputError(f"the bead covers {np.count_nonzero(cell.mask)} pixels of the map; 40 or more are needed")
        slope, top = np.polyfit(squared[inside], cell.part(opd)[inside] ** 2, 1)
        if slope >= 0 or top <= 0:
            raise InputError("the largest object is no bead: its path delay does not fall from the middle to the rim")
        radius = math.sqrt(top / -slope)
    ball = np.sqrt(np.maximum(top + slope * squared, 0))
    residue = float(np.sqrt(np.mean((cell.part(opd) - ball)[inside] ** 2)))
    if residue > MOST_RESIDUE * math.sqrt(top):
        raise InputError(
            f"the largest object is no bead: it differs from a ball by {residue:.0f} nm of {math.sqrt(top):.0f}"
        )
    return Bead(radius, math.sqrt(top), residue)


def reference_field(design: Design) -> Complexes:
    """Return the reference field (M, M) of a calibrated design, the carrier's part of a bin included.

    Of a design in memory alone, as that of simulated holograms, it is even.

    Raises
    ------
    InputError
        If the design is not calibrated, or its field is missing, damaged or of another map.
    """
    path = reference_path(design)
    return Sideband.of(design).ramp if path is None else read_reference(path, design)


def reference_path(design: Design) -> Path | None:
    """Return where the reference field of a calibrated design lies; None of one without a folder."""
    if design.folder is None:
        return None
    return design.folder / CALIBRATION_FOLDER / f"{design.calibrated.version:04d}" / REFERENCE_FILE


def read_reference(path: Path, design: Design) -> Complexes:
    """Return the reference field of a file, as :func:`reference_field` does.

    Raises
    ------
    InputError
        If it is missing, damaged or of another map than the design's.
    """
    sideband = Sideband.of(design)
    again = "the design's reference field; run `cytogate calibrate` again"
    try:
        field = read_array(path, (sideband.map_size,) * 2, np.complex128)
    except InputError as error:
        raise InputError(f"{error}: {again}") from error
    if not np.all(np.isfinite(field) & (field != 0)):
        raise InputError(f"{path}: holds zeros or what is no number: {again}")
    return np.asarray(field * sideband.ramp)
