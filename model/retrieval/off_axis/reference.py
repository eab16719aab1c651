"""Float64 reference of off-axis retrieval: from a hologram to path delay.

TOP-GAN's acquisition (Rubin 2019, section II): Fourier transform, one cross-correlation term, inverse transform,
division by the reference field, argument, unwrapping, ``OPD = phase * wavelength / 2 pi``. numpy's signs of the
transform; rows run downward. All of one field at a time: a field of 512x512 takes some 30 MB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.off_axis import BACKGROUND_BIN_BITS, BACKGROUND_REACH_BITS
from cytogate.model.design.design import Design
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Complexes, Sideband
from cytogate.model.retrieval.off_axis.unwrapping import TURN, Floats, unwrap

BIN_RAD = TURN / (1 << BACKGROUND_BIN_BITS)
"""Width of a bin of the histogram in which the background is looked for."""
BACKGROUND_RAD = TURN / (1 << BACKGROUND_REACH_BITS)
"""Phases so near to the fullest bin are the background's: more than most noise, less than what of rims would count."""


@dataclass(frozen=True, eq=False)
class OffAxisRetrieved:
    """One field at every stage."""

    hologram: Floats
    """(N, N) codes less their mean."""
    spectrum: Complexes
    """(N, M): its rows' transforms, the columns that are needed."""
    sideband: Complexes
    """(M, M), zero beyond the disk."""
    field: Complexes
    """(M, M), of the object over that of the reference."""
    wrapped: Floats
    """(M, M) radians in [-pi, pi)."""
    phase: Floats
    """(M, M) radians, 0 in the background and where nothing is believed."""
    opd: Floats
    """(M, M) nanometres."""


def retrieve(frame: NDArray[np.unsignedinteger], design: Design, reference: Complexes) -> OffAxisRetrieved:
    """Retrieve the path delay of one hologram (rows, columns).

    Parameters
    ----------
    reference : (M, M)
        The reference field, :func:`cytogate.model.retrieval.off_axis.calibration.reference_field`.

    Raises
    ------
    InputError
        If the design is no off-axis one, or not calibrated.
    """
    placing, sideband = Placing.of(design), Sideband.of(design)
    hologram = hologram_of(frame, placing)
    spectrum, kept = transform(hologram, sideband)
    field = np.fft.ifft2(kept) / reference
    wrapped = argument(field)
    phase = zeroed(unwrap(wrapped, placing.believed), placing.believed)
    return OffAxisRetrieved(hologram, spectrum, kept, field, wrapped, phase, phase * delay_of(design))


def hologram_of(frame: NDArray, placing: Placing) -> Floats:
    """Return a frame (rows, columns) less its mean on the transform's square (N, N), zero beyond it."""
    values = frame.astype(np.float64)
    return placing.place(values - values.mean(), 0.0)


def transform(hologram: Floats, sideband: Sideband) -> tuple[Complexes, Complexes]:
    """Return the needed columns (N, M) of the rows' transforms, and the part about the carrier, masked (M, M)."""
    rows, columns = (each % sideband.size for each in sideband.frequencies)
    spectrum = np.fft.fft(hologram, axis=1)[:, columns]
    return spectrum, np.where(sideband.disk, np.fft.fft(spectrum, axis=0)[rows], 0)


def object_field(frame: NDArray, placing: Placing, sideband: Sideband) -> Complexes:
    """Return the field (M, M) of a hologram (rows, columns), its carrier taken away and no reference applied."""
    return np.asarray(np.fft.ifft2(transform(hologram_of(frame, placing), sideband)[1]) / sideband.ramp)


def argument(field: Complexes) -> Floats:
    """Return the argument in [-pi, pi), 0 of 0."""
    angle = np.angle(field)
    return np.where(angle >= np.pi, -np.pi, angle)


def zeroed(phase: Floats, believed: tuple[slice, slice]) -> Floats:
    """Return a phase less that of its background, and 0 where it is not believed.

    The background is what lies within :data:`BACKGROUND_RAD` of the fullest bin of the histogram: cells, of any number
    and on any side, do not move it as they would a mean or a median.
    """
    part = phase[believed]
    bins = np.floor(part / BIN_RAD).astype(np.int64)
    counts = np.bincount((bins - bins.min()).ravel())
    fullest = (int(counts.argmax()) + int(bins.min()) + 0.5) * BIN_RAD
    level = part[np.abs(part - fullest) <= BACKGROUND_RAD].mean()
    found = np.zeros_like(phase)
    found[believed] = part - level
    return found


def delay_of(design: Design) -> float:
    """Return the path delay, in nanometres, of a radian."""
    return design.off_axis.wavelength_um * 1e3 / TURN * design.calibrated.delay_gain
