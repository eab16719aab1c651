"""The integer model of off-axis retrieval, word for word the law of :mod:`cytogate.model.contract.off_axis`.

One hologram at a time; lines run along the last axis of every array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import PIXEL, TWIDDLE, Codes, shift_right
from cytogate.model.contract.off_axis import (
    BACKGROUND_BIN_BITS,
    BACKGROUND_REACH_BITS,
    CORDIC_BITS,
    CORDIC_GUARD_BITS,
    CORDIC_STEPS,
    DIVISOR_FRACTION,
    MOST_TURNS,
    OPD,
    OPD_CODE_OFFSET_NM,
    OPD_CODE_STEP_NM,
    PHASE_TURNS,
    TURN_BITS,
    WRAPPED,
    OffAxisContract,
    off_axis_contract,
    pixel_offset,
    pixel_shift,
    threshold,
)
from cytogate.model.design.design import Design
from cytogate.model.retrieval.integer import Pair, bit_length, block_normalise, transform
from cytogate.model.retrieval.off_axis.cells import FieldCells, find_cells, window_of
from cytogate.model.retrieval.off_axis.placing import Placing
from cytogate.model.retrieval.off_axis.sideband import Sideband


@dataclass(frozen=True, eq=False)
class OffAxisWords:
    """The codes of one hologram at every stage; of transformed ones exponents, one a line."""

    hologram: Codes
    """(N, N)"""
    spectrum: Codes
    """(N, M, 2)"""
    spectrum_exponent: Codes
    sideband: Codes
    """(M, M, 2) as (ky, kx), its lines are the columns."""
    sideband_exponent: Codes
    field: Codes
    """(M, M, 2)"""
    field_exponent: Codes
    wrapped: Codes
    """(M, M)"""
    phase: Codes
    opd: Codes
    cells: FieldCells
    network_input: Codes
    """(cells, rows, columns, 1)"""

    @property
    def found(self) -> Codes:
        """Return those of the field, (2,)."""
        return self.cells.found

    @property
    def center(self) -> Codes:
        """Return those of each cell, (cells, 2)."""
        return self.cells.centers

    @property
    def region(self) -> Codes:
        """Return those of each cell, (cells, 2)."""
        return self.cells.regions


def retrieve(frame: NDArray[np.unsignedinteger], design: Design, phasor: Codes) -> OffAxisWords:
    """Retrieve the path delay of one hologram (rows, columns).

    Parameters
    ----------
    phasor : (M, M, 2)
        Of the reference field, :func:`reference_phasor`.
    """
    terms, placing, sideband = off_axis_contract(design), Placing.of(design), Sideband.of(design)
    hologram = placed(frame, design)
    rows, columns = (each % sideband.size for each in sideband.frequencies)

    spectrum, row_exponents = block_normalise(_kept(transform(_signed(hologram, terms), False), columns))
    lines, _ = turned(spectrum, row_exponents)
    kept = _kept(transform(lines, False), rows)
    mask = sideband.disk.T
    band, band_exponents = block_normalise(Pair(np.where(mask, kept.re, 0), np.where(mask, kept.im, 0)))
    lines, exponents = block_normalise(transform(band, True))
    lines, _ = turned(lines, band_exponents + exponents)
    field, field_exponents = block_normalise(transform(lines, True))

    wrapped = argument(_without_reference(field, phasor))
    phase = zeroed(unwrap(wrapped, placing.believed), placing.believed)
    gain = terms.delay_gain
    opd = OPD.limit(shift_right(phase * gain.mantissa, gain.shift))
    return with_cells(
        design,
        {
            "hologram": hologram,
            "spectrum": np.stack(spectrum, axis=-1),
            "spectrum_exponent": row_exponents,
            "sideband": np.stack(band.turned, axis=-1),
            "sideband_exponent": band_exponents,
            "field": np.stack(field, axis=-1),
            "field_exponent": field_exponents,
            "wrapped": wrapped,
            "phase": phase,
            "opd": opd,
        },
    )


def placed(frame: NDArray[np.unsignedinteger], design: Design) -> Codes:
    """Return the hologram (N, N) of a frame of the camera (rows, columns)."""
    return Placing.of(design).place(frame.astype(np.int64), int(np.rint(frame.mean())))


def with_cells(design: Design, stages: Mapping[str, Codes]) -> OffAxisWords:
    """Return the words of a hologram, given those up to the path delay by name: with its cells."""
    cells = find_cells(stages["opd"] >= threshold(design), design)
    return OffAxisWords(**stages, cells=cells, network_input=network_inputs(stages["opd"], cells, design))


def reference_phasor(reference: NDArray[np.complex128]) -> Codes:
    """Return the phasor of a reference field (M, M) as codes (M, M, 2): of modulus 1 as nearly as they can be."""
    phasor = reference / np.abs(reference)
    return TWIDDLE.encode(np.stack([phasor.real, phasor.imag], axis=-1))


def network_inputs(opd: Codes, found: FieldCells, design: Design) -> Codes:
    """Return the network's input of each cell of a map (M, M): (cells, rows, columns, 1)."""
    side = design.window.rows
    windows = [network_codes(window_of(opd, cell.center, side)) for cell in found.cells]
    return np.array(windows, np.int64).reshape(-1, side, side, 1)


def network_codes(opd: Codes) -> Codes:
    """Return codes of path delay as the network sees them, of any shape."""
    return PIXEL.limit(shift_right(opd + pixel_offset(), pixel_shift()))


def network_values(opd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what :func:`network_codes` would of path delays in nanometres, as values without rounding or limits."""
    return (opd + OPD_CODE_OFFSET_NM) / OPD_CODE_STEP_NM * PIXEL.step


def turned(lines: Pair, exponents: Codes) -> tuple[Pair, int]:
    """Bring all lines to the largest exponent, and turn them; return that exponent."""
    largest = int(exponents.max())
    shift = (largest - exponents)[:, None]
    return Pair(*(shift_right(part, shift).T for part in lines)), largest


def argument(field: Pair) -> Codes:
    """Return arguments of codes in turns, by CORDIC."""
    largest = np.maximum(np.abs(field.re), np.abs(field.im))
    up = CORDIC_BITS - bit_length(largest)
    negative = field.re < 0
    x, y = (np.where(negative, -part, part) << up for part in field)
    angle = np.where(negative, 1 << (TURN_BITS + CORDIC_GUARD_BITS - 1), 0)
    for step, turn in enumerate(cordic_turns().tolist()):
        below = y < 0
        x, y = (
            np.where(below, x - (y >> step), x + (y >> step)),
            np.where(below, y + (x >> step), y - (x >> step)),
        )
        angle = np.where(below, angle - turn, angle + turn)
    return np.where(largest == 0, 0, WRAPPED.limit(shift_right(angle, CORDIC_GUARD_BITS)))


@lru_cache
def cordic_turns() -> Codes:
    """Return ``atan(2^-i)`` of each step i in turns, with the guard bits: (CORDIC_STEPS,)."""
    turns = np.arctan(2.0 ** -np.arange(CORDIC_STEPS)) / (2 * np.pi)
    return np.rint(turns * 2.0 ** (TURN_BITS + CORDIC_GUARD_BITS)).astype(np.int64)


def unwrap(wrapped: Codes, believed: tuple[slice, slice]) -> Codes:
    """Return phases (M, M) of arguments, before their background is known; codes of a turn, wider than any word."""
    size = wrapped.shape[0]
    places = (np.clip(np.arange(size), part.start, part.stop - 1) for part in believed)
    continued = wrapped[np.ix_(*places)]
    words, exponents = _cosine(_sources(continued))
    words, largest = _turned(words, exponents)
    words, exponents = _cosine(words)
    divided = _divided(words)
    words, grown = _normalise_real(divided)
    words, gained = _inverse_cosine(words)
    words, largest = _turned(words, exponents + grown + gained + largest)
    words, gained = _inverse_cosine(words)
    # A surface that is not scaled by the 1 / M of two inverse transforms, and has each line's exponent.
    bits = 2 * (size.bit_length() - 1)
    surface = words << (largest + gained)[:, None]
    turns = ((surface - (continued << bits)) + (1 << (TURN_BITS + bits - 1))) >> (TURN_BITS + bits)
    return continued + (np.clip(turns, -MOST_TURNS, MOST_TURNS) << TURN_BITS)


def zeroed(phase: Codes, believed: tuple[slice, slice]) -> Codes:
    """Return phases less that of the background, 0 where nothing is believed."""
    part = phase[believed]
    width = TURN_BITS - BACKGROUND_BIN_BITS
    bins = part >> width
    counts = np.bincount((bins - bins.min()).ravel())
    middle = ((int(counts.argmax()) + int(bins.min())) << width) + (1 << (width - 1))
    near = part[np.abs(part - middle) <= 1 << (TURN_BITS - BACKGROUND_REACH_BITS)]
    level = (2 * int(near.sum()) + len(near)) // (2 * len(near))
    found = np.zeros_like(phase)
    found[believed] = PHASE_TURNS.limit(part - level)
    return found


def _signed(hologram: Codes, terms: OffAxisContract) -> Pair:
    words = (hologram - (1 << (terms.frame.width - 1))) << terms.hologram_shift
    return Pair(words, np.zeros_like(words))


def _kept(lines: Pair, places: NDArray[np.int64]) -> Pair:
    return Pair(lines.re[:, places], lines.im[:, places])


def _without_reference(field: Pair, phasor: Codes) -> Pair:
    return _times(field, phasor[..., 0], -phasor[..., 1])


def _times(a: Pair, re: Codes, im: Codes) -> Pair:
    """Multiply by codes of :data:`TWIDDLE`."""
    return Pair(
        shift_right(a.re * re - a.im * im, TWIDDLE.fraction_bits),
        shift_right(a.re * im + a.im * re, TWIDDLE.fraction_bits),
    )


def _sources(wrapped: Codes) -> Codes:
    down, right = WRAPPED.limit(np.diff(wrapped, axis=0)), WRAPPED.limit(np.diff(wrapped, axis=1))
    sources = np.zeros_like(wrapped)
    sources[:-1] += down
    sources[1:] -= down
    sources[:, :-1] += right
    sources[:, 1:] -= right
    return sources


@lru_cache
def half_turn_phasors(size: int) -> Pair:
    """Return ``exp(-i pi k / 2M)`` of k = 0 ... M - 1 as codes of :data:`TWIDDLE`."""
    angle = -np.pi * np.arange(size) / (2 * size)
    return Pair(TWIDDLE.encode(np.cos(angle)), TWIDDLE.encode(np.sin(angle)))


def _normalise_real(lines: Codes) -> tuple[Codes, Codes]:
    found, exponents = block_normalise(Pair(lines, np.zeros_like(lines)))
    return found.re, exponents


def _turned(lines: Codes, exponents: Codes) -> tuple[Codes, int]:
    found, largest = turned(Pair(lines, np.zeros_like(lines)), exponents)
    return found.re, largest


def _cosine(lines: Codes) -> tuple[Codes, Codes]:
    """Return the cosine transform of lines to words, ``sum x cos(pi k (n + 1/2) / M)``, and their exponents."""
    ordered = np.concatenate([lines[:, 0::2], lines[:, 1::2][:, ::-1]], axis=1)
    spectrum = transform(Pair(ordered, np.zeros_like(ordered)), False)
    return _normalise_real(_times(spectrum, *half_turn_phasors(lines.shape[-1])).re)


def _inverse_cosine(lines: Codes) -> tuple[Codes, Codes]:
    """Return M times what :func:`_cosine` came from, to words, and their exponents."""
    size = lines.shape[-1]
    mirrored = np.concatenate([np.zeros_like(lines[:, :1]), lines[:, :0:-1]], axis=1)
    re, im = half_turn_phasors(size)
    ordered = transform(_times(Pair(lines, -mirrored), re, -im), True).re
    natural = np.empty_like(ordered)
    natural[:, 0::2], natural[:, 1::2] = ordered[:, : size // 2], ordered[:, size // 2 :][:, ::-1]
    return _normalise_real(natural)


def _divided(words: Codes) -> Codes:
    """Divide words by what a second difference does to their frequencies, with the opposite sign; toward zero."""
    divisors = poisson_divisors(words.shape[-1])
    divisor = divisors[:, None] + divisors
    divisor[0, 0] = 1
    quotient = np.sign(words) * -((np.abs(words) << DIVISOR_FRACTION) // divisor)
    quotient[0, 0] = 0
    return quotient


@lru_cache
def poisson_divisors(size: int) -> Codes:
    """Return ``2 - 2 cos(pi k / M)`` of k = 0 ... M - 1 in steps of 2^-DIVISOR_FRACTION."""
    return np.rint((2 - 2 * np.cos(np.pi * np.arange(size) / size)) * 2.0**DIVISOR_FRACTION).astype(np.int64)
