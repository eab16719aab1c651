"""Pictures of one channel each, brought together to cells by what their names end in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cytogate.model.errors import InputError
from cytogate.model.files.natural import by_number

Cell = tuple[Path, ...]

_ENDING = re.compile(r"(?P<cell>.*)[_ .](?P<ending>[^_ .]+)", re.DOTALL)
_SIGNS = {"+": ("+", "p", "plus", "pos"), "-": ("-", "m", "minus", "n", "neg")}


def cells_of_pictures(pictures: Sequence[Path], channels: tuple[str, ...]) -> list[Cell]:
    """Return the pictures of each cell, one a channel.

    Names that end in the name of a channel, or in a number from 0 or 1 on, behind ``_``, a blank or a dot say which
    cell and channel a picture is of: ``cell7_+x.png``, ``cell7_px.png``, ``cell7_0.png``. Other pictures are those of
    a cell one behind the other, in the order given. Cells are in the order of the numbers in their names.

    Raises
    ------
    InputError
        If a cell lacks a picture or has two of one channel, or the endings are as many as the channels and name none of
        them.
    """
    split = [_ENDING.fullmatch(picture.stem) for picture in pictures]
    endings = {found["ending"] for found in split if found is not None}
    order = None if None in split else _order(endings, channels)
    if order is None:
        return _one_behind_the_other(pictures, len(channels))
    cells: dict[Path, dict[int, Path]] = {}
    for picture, found in zip(pictures, split, strict=True):
        assert found is not None
        own = cells.setdefault(picture.with_name(found["cell"]), {})
        first = own.setdefault(order[found["ending"]], picture)
        if first is not picture:
            raise InputError(f"{picture}: {first.name} is of the same cell and channel; leave one of them out")
    for cell, found_channels in cells.items():
        if len(found_channels) < len(channels):
            lost = next(name for number, name in enumerate(channels) if number not in found_channels)
            raise InputError(f"{cell}: of this cell there is no picture of channel {lost}")
    return [tuple(cells[cell][number] for number in range(len(channels))) for cell in sorted(cells, key=by_number)]


def _order(endings: set[str], channels: tuple[str, ...]) -> dict[str, int] | None:
    """Return the channel of each ending, or None if the endings are not those of channels."""
    by_name = {spelling: number for number, name in enumerate(channels) for spelling in _spellings(name)}
    if all(ending.casefold() in by_name for ending in endings):
        return {ending: by_name[ending.casefold()] for ending in endings}
    if len(endings) != len(channels):
        return None
    if all(ending.isdecimal() for ending in endings):
        numbers = sorted(endings, key=int)
        if int(numbers[0]) in (0, 1) and int(numbers[-1]) - int(numbers[0]) == len(numbers) - 1:
            return {ending: number for number, ending in enumerate(numbers)}
    raise InputError(
        f"the names of the pictures end in {', '.join(sorted(endings))}, which are not the instrument's channels "
        f"{', '.join(channels)}; rename them, or number them from 0"
    )


def _spellings(name: str) -> list[str]:
    """Return what the name of a channel may be in a file's name, in small letters."""
    plain = name.casefold()
    if plain[:1] in _SIGNS:
        return [sign + plain[1:] for sign in _SIGNS[plain[0]]] + [plain[1:] + plain[0]]
    return [plain, re.sub(r"[_ .]", "", plain), re.sub(r"[_ .]", "-", plain)]


def _one_behind_the_other(pictures: Sequence[Path], count: int) -> list[Cell]:
    if len(pictures) % count:
        raise InputError(f"{len(pictures)} pictures are no whole number of cells, which have {count} pictures each")
    return [tuple(pictures[first : first + count]) for first in range(0, len(pictures), count)]
