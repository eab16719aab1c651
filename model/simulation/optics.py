"""The four-angle bright-field instrument: from a cell's phase to four frames of ADC codes.

The field ``exp(i phi)`` passes the objective (a disk of radius NA / wavelength, and the defocus) and is then seen
four times through a Gaussian pupil shifted to +x, -x, +y, -y, which turns gradients of phase into intensity. The numpy
sign of the transform is used throughout: a phase that grows with the column makes the +x frame brighter than the -x
frame, ``(I+ - I-) / (I+ + I-) = tanh(2 k s / sigma^2)`` for a gradient of k cycles a um.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from cytogate.model.design.instruments import Camera, FourAngle
from cytogate.model.errors import InputError
from cytogate.model.simulation.cells import MEDIUM_INDEX

Floats = NDArray[np.float64]

DARKEST = 0.1
"""Least brightness of a shaded arm."""
MARGIN_UM = 4.0
"""Field added on every side before transforming: light of the cell spreads by about this much out of focus."""


def four_angle_intensities(phase: Floats, acquisition: FourAngle, defocus_um: float = 0.0) -> Floats:
    """Return the frames that an ideal camera sees: no shading, no noise.

    Parameters
    ----------
    phase : (rows, columns) radians
        Projected phase of the object, 0 away from it.
    defocus_um : float
        Distance of the object from the focal plane, in the medium.

    Returns
    -------
    (4, rows, columns) float64
        Intensity through the pupils +x, -x, +y, -y; 1 where the field is empty.
    """
    pupils = pupils_of(acquisition, phase.shape)
    (top, bottom), (left, right) = pupils.padding
    padded = np.pad(phase, pupils.padding, mode="linear_ramp")
    # Less the empty field, whose image is known to be 1: what is transformed then ends with the cell.
    scattered = np.expm1(1j * padded)
    spectrum = scipy.fft.fft(scipy.fft.fft(scattered, axis=1)[:, pupils.columns], axis=0)[pupils.rows]
    passed = spectrum * np.exp(1j * defocus_um * pupils.defocus_rad_per_um) * pupils.amplitude

    # Only frequencies within the objective's disk remain: lines that would be all zero are not transformed.
    lines = np.zeros((4, padded.shape[0], len(pupils.columns)), np.complex128)
    lines[:, pupils.rows] = passed
    lines = scipy.fft.ifft(lines, axis=1)[:, top : padded.shape[0] - bottom]
    field = np.zeros((4, phase.shape[0], padded.shape[1]), np.complex128)
    field[..., pupils.columns] = lines
    field = 1 + scipy.fft.ifft(field, axis=2)[..., left : padded.shape[1] - right]
    return field.real**2 + field.imag**2


def draw_shading(acquisition: FourAngle, rng: np.random.Generator) -> Floats:
    """Draw the uneven brightness of the four arms.

    Returns
    -------
    (4, rows, columns) float64
        A second-order surface for each arm, ``1 + `` a random one whose standard deviation over pixels and draws is
        ``acquisition.shading_sd``; never below :data:`DARKEST`.
    """
    return shading_of(surface_terms(acquisition.rows, acquisition.columns), acquisition, rng)


def shading_of(terms: Floats, acquisition: FourAngle, rng: np.random.Generator) -> Floats:
    """Draw the shading (4, ...) on whatever points :func:`surface_terms` (terms, ...) are known."""
    weights = rng.standard_normal((4, len(terms))) * acquisition.shading_sd / math.sqrt(len(terms))
    return np.maximum(1 + np.tensordot(weights, terms, 1), DARKEST)


def digitise(
    intensities: Floats,
    acquisition: FourAngle,
    *,
    shading: Floats | None = None,
    rng: np.random.Generator | None = None,
) -> NDArray[np.unsignedinteger]:
    """Return what the ADC makes of ``intensities``.

    Parameters
    ----------
    intensities : (4, rows, columns), 1 where the field is empty
    shading : (4, rows, columns), optional
        Brightness of the arms, from :func:`draw_shading`; none: even.
    rng : Generator, optional
        Draws the gain of every line and the shot noise; none: no noise.

    Returns
    -------
    (4, rows, columns) uint8, or uint16 for more than 8 bits
        ``round(intensity * (2^adc_bits - 1) / full_scale)``, clipped.
    """
    light = intensities if shading is None else intensities * shading
    if rng is not None:
        # One pulse of the laser writes a line of all four frames: its energy is common to them.
        pulse = 1 + acquisition.line_gain_sd * rng.standard_normal((light.shape[-2], 1))
        electrons = np.maximum(light * pulse, 0) * acquisition.electrons_per_pixel
        light = rng.poisson(electrons) / acquisition.electrons_per_pixel
    top = 2**acquisition.adc_bits - 1
    codes = np.clip(np.rint(light * (top / acquisition.full_scale)), 0, top)
    return codes.astype(code_type(acquisition))


def code_type(acquisition: Camera) -> np.dtype[np.unsignedinteger]:
    """Return the narrowest type that holds the ADC's codes: uint8 or uint16."""
    return np.min_scalar_type(2**acquisition.adc_bits - 1)


@dataclass(frozen=True, eq=False)
class Pupils:
    """What the instrument does to each spatial frequency that its objective accepts."""

    padding: tuple[tuple[int, int], tuple[int, int]]
    rows: NDArray[np.intp]
    """Rows of the spectrum that the objective's disk touches."""
    columns: NDArray[np.intp]
    amplitude: Floats
    """(4, rows, columns), disk and shifted Gaussian; 1 at frequency 0."""
    defocus_rad_per_um: Floats
    """(rows, columns), relative to frequency 0."""


@lru_cache(maxsize=4)
def pupils_of(acquisition: FourAngle, shape: tuple[int, int]) -> Pupils:
    """Return the pupils of an instrument for a field of ``shape``."""
    padding, kept, frequencies = [], [], []
    cutoff = acquisition.na / acquisition.wavelength_um
    for count, pitch, axis in (
        (shape[0], acquisition.pixel_pitch_y_um, "y"),
        (shape[1], acquisition.pixel_pitch_x_um, "x"),
    ):
        if 2 * cutoff * pitch >= 1:
            raise InputError(
                f"pixel_pitch_{axis}_um is {pitch:.4g}: pixels below {1 / (2 * cutoff):.3g} um are needed to sample "
                f"the field through NA {acquisition.na} at {acquisition.wavelength_um} um"
            )
        size = scipy.fft.next_fast_len(count + 2 * math.ceil(MARGIN_UM / pitch))
        padding.append(((size - count) // 2, size - count - (size - count) // 2))
        cycles_per_um = np.fft.fftfreq(size, pitch)
        kept.append(np.flatnonzero(np.abs(cycles_per_um) <= cutoff))
        frequencies.append(cycles_per_um[kept[-1]])
    fy, fx = frequencies[0][:, None], frequencies[1][None, :]
    shift = acquisition.pupil_shift_na * cutoff
    variance = (acquisition.pupil_sigma_na * cutoff) ** 2
    disk = fx**2 + fy**2 <= cutoff**2
    squared = [(fx - sx) ** 2 + (fy - sy) ** 2 for sx, sy in ((shift, 0), (-shift, 0), (0, shift), (0, -shift))]
    # Divided by the amplitude at frequency 0, so that the empty field has intensity 1 in all arms.
    gaussian = np.exp((shift**2 - np.stack(squared)) / (2 * variance))
    axial = np.sqrt((MEDIUM_INDEX / acquisition.wavelength_um) ** 2 - np.where(disk, fx**2 + fy**2, 0))
    return Pupils(
        padding=(padding[0], padding[1]),
        rows=kept[0],
        columns=kept[1],
        amplitude=gaussian * disk,
        defocus_rad_per_um=2 * np.pi * (axial - MEDIUM_INDEX / acquisition.wavelength_um),
    )


@lru_cache(maxsize=4)
def surface_terms(rows: int, columns: int) -> Floats:
    """Return x, y, x^2, y^2, xy on a grid, each of mean 0 and variance 1: (5, rows, columns)."""
    y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
    terms = np.stack([np.broadcast_to(term, (rows, columns)) for term in (x, y, x**2, y**2, x * y)])
    terms = terms - terms.mean(axis=(1, 2), keepdims=True)
    return terms / terms.std(axis=(1, 2), keepdims=True)
