"""Simulate cells for training, ten times faster than :mod:`cytogate.model.simulation.simulator`.

The same cells with the same shading are seen by the same optics. What differs is the noise: it is drawn for sums of
pixels, as the retrieval adds them up, and normal instead of Poisson. No raw frames arise, and what the network is
tested on is never made here.

The field that passes the objective has few frequencies, its intensity twice as many along an axis. The one is made by
matrix products from the part of the phase that the cell reaches, the other on as few points as hold it, from which sums
of pixels are again a product of matrices. Of a cell that reaches the frame's border, light from beyond is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.law import four_angle_contract
from cytogate.model.design.design import Design, Window
from cytogate.model.design.instruments import FourAngle
from cytogate.model.simulation.cells import PhasePart, phase_part
from cytogate.model.simulation.optics import Floats, Pupils, pupils_of, shading_of, surface_terms
from cytogate.model.simulation.simulator import SimulatedCells

Complexes = NDArray[np.complex64]
ROUNDING_VARIANCE = 1 / 12
"""Of a code that is rounded to an integer, in squared steps."""


def fast_sums(cells: SimulatedCells, index: int, design: Design) -> NDArray[np.int32]:
    """Return sums of ``binning x binning`` raw codes of a cell, (4, rows, columns) of the design's window."""
    acquisition, binning = cells.acquisition, design.binning
    optics = _optics(acquisition, design.window, design.crop)
    cell = cells.cell(index)
    part = phase_part(
        cell, (acquisition.rows, acquisition.columns), (acquisition.pixel_pitch_y_um, acquisition.pixel_pitch_x_um),
        acquisition.wavelength_um,
    )  # fmt: skip
    light = optics.sums(part, cell.defocus_sds * acquisition.defocus_sd_um)
    if cells.shaded:
        light *= shading_of(optics.terms, acquisition, cells.shading_stream(index))
    light *= cells.gains(index)
    codes_per_light = (2**acquisition.adc_bits - 1) / acquisition.full_scale
    if cells.noisy:
        rng = cells.sums_stream(index)
        # One pulse of the laser writes a line of all four frames; the sum is of as many lines.
        light *= 1 + acquisition.line_gain_sd / math.sqrt(binning) * rng.standard_normal((light.shape[1], 1))
        shot = np.maximum(light, 0) * codes_per_light**2 / acquisition.electrons_per_pixel
        deviation = np.sqrt(shot + binning**2 * ROUNDING_VARIANCE, dtype=np.float32)
        noise = deviation * rng.standard_normal(light.shape, np.float32)
    else:
        noise = np.zeros_like(light)
    largest = four_angle_contract(design).binned.code_max
    # A sum of clipped codes ends a little below the code that its width could hold.
    largest = min(largest, binning**2 * (2**acquisition.adc_bits - 1))
    return np.clip(np.rint(light * codes_per_light + noise), 0, largest).astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Optics:
    """Matrices from a phase to sums of pixels, for one instrument and window."""

    pupils: Pupils
    down: Complexes
    """(frequencies, raw rows): transform along columns."""
    along: Complexes
    """(raw columns, frequencies)."""
    back_down: Complexes
    """(points, frequencies): the field on as many points of a period as hold its intensity."""
    back_along: Complexes
    sum_down: NDArray[np.float32]
    """(rows, points): sums of raw pixels of the window from those points."""
    sum_along: NDArray[np.float32]
    terms: Floats
    """(terms, rows, columns) of the shading, means of the window's raw pixels."""

    def sums(self, part: PhasePart, defocus_um: float) -> NDArray[np.float32]:
        """Return sums of intensities (4, rows, columns), ``binning**2`` where the field is empty."""
        scattered = np.expm1(1j * part.phase).astype(np.complex64)
        spectrum = self.down[:, part.rows] @ scattered @ self.along[part.columns]
        defocus = np.exp(1j * np.float32(defocus_um) * self.pupils.defocus_rad_per_um.astype(np.float32))
        field = 1 + self.back_down @ (spectrum * defocus * self.pupils.amplitude.astype(np.float32)) @ self.back_along
        sums: NDArray[np.float32] = self.sum_down @ (field.real**2 + field.imag**2) @ self.sum_along
        return sums


@lru_cache(maxsize=4)
def _optics(acquisition: FourAngle, window: Window, crop: tuple[int, int]) -> _Optics:
    shape = acquisition.rows, acquisition.columns
    pupils, binning = pupils_of(acquisition, shape), window.binning
    axes = [
        _axis(count, padding, kept, first, raw // binning, binning)
        for count, padding, kept, first, raw in zip(
            shape, pupils.padding, (pupils.rows, pupils.columns), crop, window.raw, strict=True
        )
    ]
    (down, back_down, sum_down), (along, back_along, sum_along) = axes
    (top, left), (rows, columns) = crop, window.raw
    terms = surface_terms(*shape)[:, top : top + rows, left : left + columns]
    terms = terms.reshape(len(terms), rows // binning, binning, columns // binning, binning).mean(axis=(2, 4))
    return _Optics(pupils, down, along.T.copy(), back_down, back_along.T.copy(), sum_down, sum_along.T.copy(), terms)


def _axis(
    count: int, padding: tuple[int, int], kept: NDArray[np.intp], first: int, sums: int, binning: int
) -> tuple[Complexes, Complexes, NDArray[np.float32]]:
    """Return the matrices of one axis: to frequencies, from them to points, from points to sums of pixels."""
    period = count + sum(padding)
    frequencies = np.where(kept > period // 2, kept - period, kept)
    places = np.arange(count) + padding[0]
    forward = np.exp(-2j * np.pi * np.outer(frequencies, places) / period)
    highest = 2 * int(np.abs(frequencies).max())
    points = 2 * highest + 1
    backward = np.exp(2j * np.pi * np.outer(np.arange(points), frequencies) / points) / period
    of_intensity = np.arange(-highest, highest + 1)
    pixels = first + np.arange(sums * binning) + padding[0]
    raw = np.exp(2j * np.pi * np.outer(pixels, of_intensity) / period) @ np.exp(
        -2j * np.pi * np.outer(of_intensity, np.arange(points)) / points
    )
    summed = (raw.real / points).reshape(sums, binning, points).sum(axis=1)
    return forward.astype(np.complex64), backward.astype(np.complex64), summed.astype(np.float32)
