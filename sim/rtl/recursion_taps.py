"""Values that the taps of the kernels with a recursion heard, in the order of the contract.

Columns come in lanes, half as many as there are samples a clock: lane l has the columns from l N / 2 / lanes on, in the
order of their reversed bits, and column 0 is one of them. Phase comes as lines of two rows, in the order in which the
inverse transform has its words; those of a two-sided kernel from the last one to the first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import CausalContract, RecursionContract
from cytogate.model.contract.stage import Stage
from cytogate.model.retrieval.integer import bit_reversed


def recursion_stages(
    terms: RecursionContract,
    samples_per_clock: int,
    cells: int,
    stream: Callable[[Stage, int], Codes],
    heard: Callable[[Stage, int, int], Codes],
) -> dict[str, Codes]:
    """Return codes (cells, *shape) by stage; ``rows`` of a causal kernel, which has no way back, are those of k alone.

    ``stream`` gives a stage that comes in the order of its pixels (cells, values), ``heard`` the last beats (beats,
    lanes) of one.
    """
    size, lanes = terms.size, max(samples_per_clock // 2, 1)
    causal = isinstance(terms, CausalContract)
    upward = slice(None) if causal else slice(None, None, -1)

    def of_columns(name: str, parts: int) -> NDArray[np.integer]:
        beats = heard(terms.stage(name), parts * lanes, cells * size * (size // 2 // lanes))
        return _natural(beats.reshape(cells, size, size // 2 // lanes, lanes, parts))

    found = {name: terms.stage(name).from_stream(stream(terms.stage(name), cells)) for name in ("binned", "gradient")}
    if causal:
        found["background"] = heard(terms.stage("background"), 12, cells).reshape(cells, 2, 6).swapaxes(1, 2)
        found["rows"] = of_columns("rows", 2)[:, :, 1:, None]
    else:
        found["rows"] = of_columns("rows", 4)[:, :, 1:].reshape(cells, size, size // 2 - 1, 2, 2)
    found["columns"] = of_columns("columns", 2)[:, upward]
    lines = heard(terms.stage("phase"), 2 * lanes, cells * size // 2 * (size // lanes))
    pairs = _natural(lines.reshape(cells, size // 2, size // lanes, lanes, 2))[:, upward]
    found["phase"] = pairs.swapaxes(2, 3).reshape(cells, size, size)
    return found


def _natural(words: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return words (cells, lines, words, lanes, parts) as lines (cells, lines, words * lanes, parts), in order."""
    length, lanes, parts = words.shape[2:]
    return words[:, :, bit_reversed(length)].swapaxes(2, 3).reshape(*words.shape[:2], length * lanes, parts)
