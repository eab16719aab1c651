"""Memory files of engines, for ``$readmemh``."""

from __future__ import annotations

from cytogate.model.engines.engine import Memory


def memory_text(memory: Memory) -> str:
    """Return hexadecimal words, a line each."""
    mask = (1 << memory.width) - 1
    digits = -(-memory.width * memory.codes.shape[1] // 4)
    lines = []
    for codes in memory.codes.tolist():
        word = 0
        for place, code in enumerate(codes):
            word |= (code & mask) << (place * memory.width)
        lines.append(f"{word:0{digits}x}\n")
    return "".join(lines)
