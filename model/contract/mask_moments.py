"""Moments of the phase mask: thirteen words that say how large, dense and round a cell is, whatever way it lies.

The mask is where the phase exceeds a threshold. Of its pixels, and of the phase above the empty field's within it,
power sums are taken as pixels come; when the last one is in, the sums are moved to the mask's center, joined to numbers
that turns and mirrors leave alone (complex moments: M.-K. Hu 1962, "Visual pattern recognition by moment invariants";
J. Flusser 2000, "On the independence of rotation moment invariants"), and told as logarithms, in which ratios are
differences. There are two divisions a cell, for the center, and no root.

All of it is integers, so that each mirror image and each quarter turn of a cell gives the very same words:

* coordinates are ``2 place - (extent - 1)``: odd or even numbers about the image's center, half a pixel each;
* the center is ``sum / n`` in :data:`CENTER_BITS` bits behind them, halves away from zero;
* a logarithm is ``log2`` of a number's leading :data:`TABLE_BITS` bits behind its first one, from a table;
* of the square of a complex moment, both parts are first cut, toward zero, to :data:`PART_BITS` bits together.

Every sum stays below 2^62 for images of up to 256 x 256 pixels (:data:`MOST_EXTENT`): a central moment of order 4 is at
most a twelfth of the extent's fourth power times the pixels, and the sums about the image's center that it is computed
from are below 2^61.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes, Format
from cytogate.model.contract.law import PHASE_CODE_OFFSET_RAD, PHASE_CODES_PER_RADIAN

MASK_CODE = 42
"""First code of the phase that belongs to the mask: 0.31 rad above the empty field."""
EMPTY_CODE = int(PHASE_CODE_OFFSET_RAD * PHASE_CODES_PER_RADIAN)
"""Code of the phase of an empty field."""
CENTER_BITS = 2
"""Bits of the center behind those of the coordinates: steps of an eighth of a pixel."""
TABLE_BITS = 10
"""Address bits of the table of logarithms."""
LOG_FRACTION_BITS = 10
PART_BITS = 16
"""Bits of the larger part of a complex moment that is squared."""
MASK_ORDER, PHASE_ORDER = 4, 2
"""Highest order of the moments of the mask, and of the phase within it."""
MOST_EXTENT = 256
WORD = Format(10, 4)
"""Of the words that leave: 2^-6 of an octave, within 8 octaves about the feature's usual value."""


@dataclass(frozen=True)
class Feature:
    """A sum of logarithms, of which each has a factor, and what is done to it."""

    name: str
    terms: tuple[tuple[str, int], ...]
    """Names of numbers (:data:`LOGARITHMS`) and factors of their logarithms."""
    center: float
    """Its usual value, in octaves, that is taken off: a multiple of 1/16."""
    gain_log2: int = 0
    """What varies little is magnified so often by two."""

    @property
    def center_steps(self) -> int:
        """The center in steps of a logarithm."""
        return int(self.center * (1 << LOG_FRACTION_BITS))


LOGARITHMS = (
    "pixels", "phase", "phase_squares", "phase_most", "spread", "quartic", "phase_spread", "tilt",
    "elongation", "triangle", "egg", "square", "bean",
)  # fmt: skip
"""The numbers of which logarithms are taken; those from ``tilt`` on are squares of complex moments."""

FEATURES = (
    Feature("size", (("pixels", 1),), 11),
    Feature("mean phase", (("phase", 1), ("pixels", -1)), 6),
    Feature("mean square of the phase", (("phase_squares", 1), ("pixels", -1)), 12),
    Feature("largest phase", (("phase_most", 1),), 6.5),
    Feature("looseness", (("spread", 1), ("pixels", -2)), 3.375, 4),
    Feature("elongation", (("elongation", 1), ("spread", -2)), -8),
    Feature("triangle", (("triangle", 1), ("spread", -3), ("pixels", 1)), -11),
    Feature("egg", (("egg", 1), ("spread", -3), ("pixels", 1)), -15),
    Feature("square", (("square", 1), ("spread", -4), ("pixels", 2)), -10),
    Feature("bean", (("bean", 1), ("spread", -4), ("pixels", 2)), -6),
    Feature("tails", (("quartic", 1), ("pixels", 1), ("spread", -2)), 0.4375, 4),
    Feature("tilt of the phase", (("tilt", 1), ("phase", -2), ("pixels", 1), ("spread", -1)), -14),
    Feature("spread of the phase", (("phase_spread", 1), ("pixels", 1), ("phase", -1), ("spread", -1)), -0.375, 4),
)
"""What the words are, in their order."""


@lru_cache
def log_table() -> tuple[int, ...]:
    """Return ``log2(1 + i / 2^TABLE_BITS)`` in steps of ``2^-LOG_FRACTION_BITS``, rounded."""
    entries = 1 << TABLE_BITS
    logarithms = np.log2(1 + np.arange(entries) / entries)
    return tuple(int(each) for each in np.rint(logarithms * (1 << LOG_FRACTION_BITS)))


def powers_of(extent: int) -> NDArray[np.int64]:
    """Return the powers 0 to 4 of an axis's coordinates, (extent, 5)."""
    return np.power((2 * np.arange(extent, dtype=np.int64) - (extent - 1))[:, None], np.arange(MASK_ORDER + 1))


def mask_moments(phase: NDArray[np.integer]) -> Codes:
    """Return the words (cells, len(FEATURES)) of codes of the phase (cells, rows, columns), 8 bits each."""
    return WORD.limit(unlimited(phase))


def unlimited(phase: NDArray[np.integer]) -> Codes:
    """Return the same words before they are brought into the range of :data:`WORD`."""
    numbers = _numbers(np.asarray(phase, np.int64))
    logarithms = {name: _log2(value) if name not in SQUARED else value for name, value in numbers.items()}
    words = []
    for feature in FEATURES:
        total = np.sum([factor * logarithms[name] for name, factor in feature.terms], axis=0) - feature.center_steps
        # Rounded toward minus infinity: the same for every way that a cell may lie.
        words.append((total << feature.gain_log2) >> (LOG_FRACTION_BITS - WORD.fraction_bits))
    return np.stack(words, axis=-1)


SQUARED = LOGARITHMS[LOGARITHMS.index("tilt") :]


def _numbers(phase: Codes) -> dict[str, Codes]:
    """Return the numbers, and of squares of complex moments the logarithms, (cells,) each."""
    inside = phase >= MASK_CODE
    above = np.where(inside, phase - EMPTY_CODE, 0)
    mask, weighted = (
        _power_sums(each, order) for each, order in ((inside.astype(np.int64), MASK_ORDER), (above, PHASE_ORDER))
    )
    n, total = mask[0, 0], weighted[0, 0]
    center_x, center_y = (_center(mask[key], n) for key in ((1, 0), (0, 1)))
    about = _Central(mask, center_x, center_y)
    phased = _Central(weighted, center_x, center_y)
    xx, xy, yy = about(2, 0), about(1, 1), about(0, 2)
    xxx, xxy, xyy, yyy = about(3, 0), about(2, 1), about(1, 2), about(0, 3)
    x4, x3y, xxyy, xy3, y4 = about(4, 0), about(3, 1), about(2, 2), about(1, 3), about(0, 4)
    return {
        "pixels": n,
        "phase": total,
        "phase_squares": (above * above).sum(axis=(1, 2)),
        "phase_most": above.max(axis=(1, 2)),
        "spread": xx + yy,
        "quartic": x4 + 2 * xxyy + y4,
        "phase_spread": phased(2, 0) + phased(0, 2),
        "tilt": _log2_of_square(phased(1, 0), phased(0, 1)),
        "elongation": _log2_of_square(xx - yy, 2 * xy),
        "triangle": _log2_of_square(xxx - 3 * xyy, 3 * xxy - yyy),
        "egg": _log2_of_square(xxx + xyy, xxy + yyy),
        "square": _log2_of_square(x4 - 6 * xxyy + y4, 4 * (x3y - xy3)),
        "bean": _log2_of_square(x4 - y4, 2 * (x3y + xy3)),
    }


def _power_sums(weights: Codes, order: int) -> dict[tuple[int, int], Codes]:
    """Return sums of ``weights * x^i * y^j`` for ``i + j`` up to ``order``, (cells,) each."""
    _, rows, columns = weights.shape
    down, along = powers_of(rows)[:, : order + 1], powers_of(columns)[:, : order + 1]
    by_row = weights @ along
    return {(i, j): (by_row[:, :, i] * down[:, j]).sum(axis=1) for i in range(order + 1) for j in range(order + 1 - i)}


def _center(moment: Codes, n: Codes) -> Codes:
    """Return ``moment / n`` in steps of ``2^-CENTER_BITS``, halves away from zero; 0 of no pixels."""
    doubled = np.abs(moment) << (CENTER_BITS + 1)
    return np.sign(moment) * ((doubled + n) // np.maximum(2 * n, 1))


class _Central:
    """Moments about a center, in steps of the center, from power sums about the image's."""

    def __init__(self, sums: dict[tuple[int, int], Codes], x: Codes, y: Codes) -> None:
        # s^i of x - c, each s a step of the center, is the sum over k of binomials (i, k) 2^(B k) x^k (-c)^(i-k).
        self._sums, self._x, self._y = sums, x, y

    def __call__(self, i: int, j: int) -> Codes:
        """Return the moment of order ``i`` in x and ``j`` in y, (cells,)."""
        terms = [
            (BINOMIALS[i][k] * BINOMIALS[j][m] << CENTER_BITS * (k + m))
            * (self._sums[k, m] * (-self._x) ** (i - k) * (-self._y) ** (j - m))
            for k in range(i + 1)
            for m in range(j + 1)
        ]
        total: Codes = np.sum(terms, axis=0)
        return total


BINOMIALS = ((1,), (1, 1), (1, 2, 1), (1, 3, 3, 1), (1, 4, 6, 4, 1))


def _bit_length(values: Codes) -> Codes:
    """Return the bits of numbers from 0 to 2^62."""
    return (values[..., None] >= (np.int64(1) << np.arange(62, dtype=np.int64))).sum(axis=-1)


def _log2(values: Codes) -> Codes:
    """Return logarithms in steps of ``2^-LOG_FRACTION_BITS``; of zero, 0."""
    exponent = np.maximum(_bit_length(values) - 1, 0)
    dropped, missing = np.maximum(exponent - TABLE_BITS, 0), np.maximum(TABLE_BITS - exponent, 0)
    aligned = (values >> dropped) << missing
    fraction = np.array(log_table())[aligned & ((1 << TABLE_BITS) - 1)]
    return np.where(values > 0, (exponent << LOG_FRACTION_BITS) + fraction, 0)


def _log2_of_square(first: Codes, second: Codes) -> Codes:
    """Return the logarithm of ``first^2 + second^2``."""
    first, second = np.abs(first), np.abs(second)
    shift = np.maximum(_bit_length(np.maximum(first, second)) - PART_BITS, 0)
    return _log2((first >> shift) ** 2 + (second >> shift) ** 2) + (shift << (LOG_FRACTION_BITS + 1))
