"""The engine of the mask's moments: widths of its sums, and the program by which it makes words of them.

The law is :mod:`cytogate.model.contract.mask_moments`; ``fpga/rtl/mask_words.sv`` says what an instruction does.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import numpy as np

from cytogate.model.contract import mask_moments as law
from cytogate.model.contract.fixed_point import Codes
from cytogate.model.engines.engine import Memory, Stream

Moment = tuple[int, int]
"""Powers of x and y."""


def _moments(order: int) -> list[Moment]:
    return [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]


MASK = {moment: place for place, moment in enumerate(_moments(law.MASK_ORDER))}
PHASE = {moment: len(MASK) + place for place, moment in enumerate(_moments(law.PHASE_ORDER))}
SQUARES = len(MASK) + len(PHASE)
MOST = SQUARES + 1
FIRST, SECOND = MOST + 1, MOST + 2
"""Registers for what is joined of moments."""
ZERO = MOST + 3
LOGARITHM = {name: ZERO + 1 + place for place, name in enumerate(law.LOGARITHMS)}
TOTAL = ZERO + 1 + len(law.LOGARITHMS)


class Kind(IntEnum):
    """What an instruction does."""

    END = 0
    ADD = 1
    CONSTANT = 2
    CENTER = 3
    MOVE = 4
    LOG = 5
    LOG_OF_SQUARES = 6
    WORD = 7


X, Y = 0, 1
"""Numbers of the centers."""
Instruction = tuple[Kind, int, int, int, int, int]
"""Kind, whether it negates, target, shift, and registers a and b."""
FIELD_BITS = (3, 1, 6, 4, 6, 6)


def parameters(stream: Stream) -> dict[str, int]:
    """Return the parameters of ``mask_moments`` for pixels of a stream."""
    extent = max(stream.rows, stream.columns)
    pixels, far = stream.rows * stream.columns, max(extent - 1, 1)
    above = (1 << stream.format.width) - 1 - law.EMPTY_CODE
    from_center = (2 * far) << law.CENTER_BITS
    row = max(far**law.MASK_ORDER, above * far**law.PHASE_ORDER, above**2) * stream.columns
    cell = max(far**law.MASK_ORDER, above * far**law.PHASE_ORDER, above**2) * pixels
    # Factors of what is joined sum up to eight; a division doubles what it divides eight times.
    most = max(8 * pixels * from_center**law.MASK_ORDER, 8 * above * pixels * from_center**law.PHASE_ORDER, 8 * cell)
    squares = 1 << (2 * law.PART_BITS + 1)
    return {
        "ROWS": stream.rows, "COLUMNS": stream.columns, "CHANNELS": stream.channels, "BITS": stream.format.width,
        "PIXELS": stream.pixels, "MASK_CODE": law.MASK_CODE, "EMPTY_CODE": law.EMPTY_CODE,
        "POWER_BITS": _signed_bits(far**law.MASK_ORDER), "ROW_BITS": _signed_bits(row), "SUM_BITS": _signed_bits(cell),
        "REGISTER_BITS": _signed_bits(max(most, squares)), "QUOTIENT_BITS": (far << law.CENTER_BITS).bit_length(),
        "INSTRUCTIONS": len(program()), "WORDS": len(law.FEATURES), "OUT_BITS": law.WORD.width,
    }  # fmt: skip


def memories(stream: Stream) -> tuple[Memory, ...]:
    """Return the words of the engine's ROMs."""
    width = parameters(stream)["POWER_BITS"]
    columns = law.powers_of(stream.columns)[:, 1:].reshape(stream.columns // stream.pixels, -1)
    logarithms = np.array(law.log_table(), np.int64)[:, None]
    return (
        Memory("COLUMN_POWERS", columns, width),
        Memory("ROW_POWERS", law.powers_of(stream.rows)[:, 1:], width),
        Memory("PROGRAM", _encoded(program()), sum(FIELD_BITS)),
        Memory("LOGARITHMS", logarithms, law.LOG_FRACTION_BITS),
    )


def program() -> list[Instruction]:
    """Return the instructions of a cell."""
    return [
        (Kind.CONSTANT, 0, ZERO, 0, 0, 0),
        (Kind.CENTER, 0, X, 0, MASK[1, 0], MASK[0, 0]),
        (Kind.CENTER, 0, Y, 0, MASK[0, 1], MASK[0, 0]),
        *_moved(MASK, law.MASK_ORDER),
        *_moved(PHASE, law.PHASE_ORDER),
        *_logarithms(),
        *_words(),
        (Kind.END, 0, 0, 0, 0, 0),
    ]


def _moved(places: dict[Moment, int], order: int) -> Iterator[Instruction]:
    """Bring moments to steps of the center, then to the center; binomials come of additions (Pascal's triangle)."""
    for (i, j), place in places.items():
        if i + j:
            yield (Kind.ADD, 0, place, law.CENTER_BITS * (i + j), ZERO, place)
    for center in (X, Y):
        for line in range(order):
            for turn in range(order - line):
                for power in range(order - line, turn, -1):
                    to, of = ((power, line), (power - 1, line)) if center == X else ((line, power), (line, power - 1))
                    yield (Kind.MOVE, 0, places[to], center, places[to], places[of])


def _sum(target: int, terms: list[tuple[int, int]]) -> Iterator[Instruction]:
    """Sum up registers with integer factors."""
    read = ZERO
    for factor, place in terms:
        for bit in range(abs(factor).bit_length()):
            if abs(factor) >> bit & 1:
                yield (Kind.ADD, int(factor < 0), target, bit, read, place)
                read = target


def _logarithms() -> Iterator[Instruction]:
    m, p = MASK, PHASE
    numbers: dict[str, list[list[tuple[int, int]]]] = {
        "pixels": [[(1, m[0, 0])]],
        "phase": [[(1, p[0, 0])]],
        "phase_squares": [[(1, SQUARES)]],
        "phase_most": [[(1, MOST)]],
        "spread": [[(1, m[2, 0]), (1, m[0, 2])]],
        "quartic": [[(1, m[4, 0]), (2, m[2, 2]), (1, m[0, 4])]],
        "phase_spread": [[(1, p[2, 0]), (1, p[0, 2])]],
        "tilt": [[(1, p[1, 0])], [(1, p[0, 1])]],
        "elongation": [[(1, m[2, 0]), (-1, m[0, 2])], [(2, m[1, 1])]],
        "triangle": [[(1, m[3, 0]), (-3, m[1, 2])], [(3, m[2, 1]), (-1, m[0, 3])]],
        "egg": [[(1, m[3, 0]), (1, m[1, 2])], [(1, m[2, 1]), (1, m[0, 3])]],
        "square": [[(1, m[4, 0]), (-6, m[2, 2]), (1, m[0, 4])], [(4, m[3, 1]), (-4, m[1, 3])]],
        "bean": [[(1, m[4, 0]), (-1, m[0, 4])], [(2, m[3, 1]), (2, m[1, 3])]],
    }
    for name in law.LOGARITHMS:
        for register, terms in zip((FIRST, SECOND), numbers[name], strict=False):
            yield from _sum(register, terms)
        kind = Kind.LOG_OF_SQUARES if name in law.SQUARED else Kind.LOG
        yield (kind, 0, LOGARITHM[name], 0, FIRST, SECOND)


def _words() -> Iterator[Instruction]:
    for feature in law.FEATURES:
        start = -feature.center_steps & 0xFFFF
        yield (Kind.CONSTANT, 0, TOTAL, start >> 12, start >> 6 & 0x3F, start & 0x3F)
        for name, factor in feature.terms:
            for bit in range(abs(factor).bit_length()):
                if abs(factor) >> bit & 1:
                    yield (Kind.ADD, int(factor < 0), TOTAL, bit, TOTAL, LOGARITHM[name])
        yield (Kind.WORD, 0, 0, feature.gain_log2, TOTAL, 0)


def _encoded(instructions: list[Instruction]) -> Codes:
    """Return instructions as words (instructions, 1), the last field in the lowest bits."""
    words = []
    for instruction in instructions:
        word = 0
        for value, bits in zip(instruction, FIELD_BITS, strict=True):
            word = word << bits | value
        words.append(word)
    return np.array(words, np.int64)[:, None]


def _signed_bits(most: int) -> int:
    return most.bit_length() + 1
