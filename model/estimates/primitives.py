"""Map multiplications and memories of SystemVerilog to DSP slices and RAMs, by yosys's rules."""

from __future__ import annotations

import math

from cytogate.model.contract.memory import Buffer

MULTIPLIER_BITS = (25, 18)
"""Signed operands of a DSP48E1 (UG479); the 27 x 18 bits of UltraScale+ hold no more of this kernel's products."""
SHALLOW_RAM_WORDS, SHALLOW_ROM_WORDS = 64, 256
"""Up to the one depth a memory, and below the other a table, goes to look-up tables, however wide."""

BLOCK_RAM_SHAPES = {
    0.5: {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512},
    1.0: {1: 32768, 2: 16384, 4: 8192, 9: 4096, 18: 2048, 36: 1024},
}
"""Values by bits of a value in RAMB18 and RAMB36 (UG473, tables 1-5 and 1-7), by what they count as a block RAM."""
BLOCK_RAM_COSTS = {0.5: 129, 1.0: 257}
SELECTOR_COST = 0.5
"""How yosys weighs a block, and a bit of each row of blocks behind the first, when it chooses a memory's shape."""
LUT_RAM_SHAPES = {32: 6, 64: 3}
"""Bits of a value in four look-up tables as a memory of two ports, by its values (UG474, table 2-3)."""
LUT_RAM_COST = 8
URAM_WORDS, URAM_BITS = 4096, 72
"""An UltraRAM (UG573)."""


def dsps(bits: int, other_bits: int) -> int:
    """Return the slices of a signed product: parts of an operand but the highest are unsigned and have a bit less."""
    operands = sorted((bits, other_bits), reverse=True)
    return math.prod(max(1, -(-(mine - 1) // (most - 1))) for mine, most in zip(operands, MULTIPLIER_BITS, strict=True))


def in_look_up_tables(row: Buffer) -> bool:
    """Return whether yosys finds look-up tables less costly than block RAM for a memory."""
    costs = []
    for words, bits in LUT_RAM_SHAPES.items():
        rows = -(-row.depth // words)
        costs.append(rows * row.width / bits * LUT_RAM_COST + (rows - 1) * row.width * SELECTOR_COST)
    return min(costs) < _blocks(row)[0]


def block_rams(row: Buffer) -> float:
    """Return the block RAMs of a memory: blocks of one kind and shape, and of those that would do the least costly.

    An upper bound where the last row of blocks is not full: now and then yosys folds it into fewer blocks.
    """
    return row.copies * _blocks(row)[1]


def _blocks(row: Buffer) -> tuple[float, float]:
    """Return the cost and the number of the block RAMs that cost the least."""
    best, taken = math.inf, 0.0
    for size, shapes in BLOCK_RAM_SHAPES.items():
        for bits, words in shapes.items():
            rows = -(-row.depth // words)
            blocks = -(-row.width // bits) * rows
            cost = blocks * BLOCK_RAM_COSTS[size] + (rows - 1) * row.width * SELECTOR_COST
            if cost < best:
                best, taken = cost, blocks * size
    return best, taken


def urams(row: Buffer) -> int:
    """Return the UltraRAMs of a memory."""
    return row.copies * -(-row.width // URAM_BITS) * -(-row.depth // URAM_WORDS)
