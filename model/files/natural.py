"""Order of names as people count: ``img_2`` comes before ``img_10``."""

from __future__ import annotations

import re
from pathlib import Path

_NUMBER = re.compile(r"(\d+)")


def by_number(path: Path) -> tuple[list[str | int], str]:
    """Return what paths are sorted by: text and numbers in turn, then the path itself.

    Examples
    --------
    >>> [path.name for path in sorted(map(Path, ("img_10", "img_9", "img_010", "b")), key=by_number)]
    ['b', 'img_9', 'img_010', 'img_10']
    """
    text = str(path)
    parts = [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(text))]
    return parts, text
