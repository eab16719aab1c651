"""Estimate the area of the moments of a phase mask in C++ (``fpga/src/mask_moments.hpp``), counted in its text."""

from __future__ import annotations

import math

from cytogate.model.contract.fixed_point import PIXEL
from cytogate.model.contract.mask_moments import (
    CENTER_BITS,
    EMPTY_CODE,
    LOG_FRACTION_BITS,
    MASK_ORDER,
    PART_BITS,
    PHASE_ORDER,
    TABLE_BITS,
    WORD,
)
from cytogate.model.contract.memory import Buffer
from cytogate.model.design.boards import Area
from cytogate.model.estimates.primitives import MULTIPLIER_BITS

MOMENTS_CYCLES = 600
"""From the last pixel to the words: some 280 turns of loops, at two clocks each."""
ABOVE_BITS = ((1 << PIXEL.width) - 1 - EMPTY_CODE).bit_length()


def moments_area(rows: int, columns: int) -> Area:
    """Return the area for maps of so many rows and columns.

    Each product of the text has a multiplier of its own, as wide as its factors; each sum has an adder, and registers
    once while it is made and once where it waits.
    """
    x, y = max(columns - 1, 1), max(rows - 1, 1)
    of_row = {order: (columns * x**order).bit_length() + 1 for order in range(MASK_ORDER + 1)}
    of_phase = {order: of_row[order] + ABOVE_BITS for order in range(PHASE_ORDER + 1)}
    power = {order: (y**order).bit_length() + 1 for order in range(1, MASK_ORDER + 1)}
    pixel = [(ABOVE_BITS, (x**order).bit_length() + 1) for order in (1, 2)] + [(ABOVE_BITS, ABOVE_BITS)]
    row = [
        (sums[i], power[j])
        for sums, most in ((of_row, MASK_ORDER), (of_phase, PHASE_ORDER))
        for i in range(most + 1)
        for j in range(1, most + 1 - i)
    ]
    far = 2 * max(x, y) << CENTER_BITS
    moment = (rows * columns * far**MASK_ORDER).bit_length() + 1
    of_cell = [(moment, far.bit_length()), (PART_BITS, PART_BITS), (PART_BITS, PART_BITS), (8, 2 * LOG_FRACTION_BITS)]
    sums = sum(of_row.values()) + sum(of_phase.values())
    cell = sum(first + second for first, second in row) + sums
    bits = 2 * (sums + cell) + 8 * moment
    table = Buffer("table", "logarithms", LOG_FRACTION_BITS, 1 << TABLE_BITS)
    return Area(
        lut=bits + WORD.width, ff=bits, dsp=sum(_multipliers(*each) for each in (*pixel, *row, *of_cell)),
        bram36=table.bram36,
    )  # fmt: skip


def _multipliers(first: int, second: int) -> int:
    """Return the multipliers of a product of factors of so many bits."""
    wide, narrow = MULTIPLIER_BITS
    long, short = max(first, second), min(first, second)
    return math.ceil(long / wide) * math.ceil(short / narrow)
