"""What the taps of a causal kernel heard, in the order of the contract.

Columns come in lanes, half as many as there are samples a clock: lane l has the columns from l N / 2 / lanes on, in the
order of their reversed bits, and column 0 is one of them. Phase comes as lines of two rows, in the order in which the
inverse transform has its words.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cytogate.model.contract.fixed_point import Codes
from cytogate.model.contract.law import CausalContract
from cytogate.model.contract.stage import Stage
from cytogate.model.retrieval.integer import bit_reversed


def causal_stages(
    terms: CausalContract,
    samples_per_clock: int,
    cells: int,
    stream: Callable[[Stage, int], Codes],
    heard: Callable[[Stage, int, int], Codes],
) -> dict[str, Codes]:
    """Return codes (cells, *shape) by stage; ``rows`` are (cells, N, N/2 - 1, 2), of k alone.

    ``stream`` gives a stage that comes in the order of its pixels (cells, values), ``heard`` the last beats (beats,
    lanes) of one.
    """
    size, lanes = terms.size, max(samples_per_clock // 2, 1)
    stages = {name: terms.stage(name) for name in ("binned", "gradient", "background", "rows", "columns", "phase")}

    def of_columns(name: str) -> NDArray[np.integer]:
        beats = heard(stages[name], 2 * lanes, cells * size * (size // 2 // lanes))
        return _natural(beats.reshape(cells, size, size // 2 // lanes, lanes, 2))

    lines = heard(stages["phase"], 2 * lanes, cells * size // 2 * (size // lanes))
    pairs = _natural(lines.reshape(cells, size // 2, size // lanes, lanes, 2))
    return {
        **{name: stages[name].from_stream(stream(stages[name], cells)) for name in ("binned", "gradient")},
        "background": heard(stages["background"], 12, cells).reshape(cells, 2, 6).swapaxes(1, 2),
        "rows": of_columns("rows")[:, :, 1:],
        "columns": of_columns("columns"),
        "phase": pairs.swapaxes(2, 3).reshape(cells, size, size),
    }


def _natural(words: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return words (cells, lines, words, lanes, 2) as lines (cells, lines, words * lanes, 2) in natural order."""
    length, lanes = words.shape[2:4]
    return words[:, :, bit_reversed(length)].swapaxes(2, 3).reshape(*words.shape[:2], length * lanes, 2)
