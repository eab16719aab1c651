"""Docstrings as Sphinx reads them: shapes and absolute values are no markup."""

from __future__ import annotations

import re

LITERAL = re.compile(r"(``.*?``)", re.DOTALL)
SHAPE = re.compile(r"(?<=[( ])\*(?=\w[^*\n]*\))")
"""The star of ``(cells, *shape)``; emphasis has a second one behind its last letter."""


def escaped(text: str) -> str:
    r"""Return a docstring with a backslash before each sign that would begin markup where ours means a value.

    >>> print(escaped("(cells, *shape) and ``*shape`` and |x| of *exact* values"))
    (cells, \*shape) and ``*shape`` and \|x\| of *exact* values
    """
    parts = LITERAL.split(text)
    parts[::2] = [SHAPE.sub(r"\\*", part).replace("|", r"\|") for part in parts[::2]]
    return "".join(parts)


def process(_app: object, _what: str, _name: str, _of: object, _options: object, lines: list[str]) -> None:
    """Escape the lines of a docstring where they are (Sphinx's event ``autodoc-process-docstring``)."""
    lines[:] = escaped("\n".join(lines)).split("\n")


def skipped(_app: object, _what: str, name: str, _of: object, _skip: bool, _options: object) -> bool | None:
    """Leave out what scikit-learn writes into classes that estimate (``autodoc-skip-member``)."""
    return True if re.fullmatch(r"set_\w+_request", name) else None
